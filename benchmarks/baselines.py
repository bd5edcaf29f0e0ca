"""The usual ways to simulate the same thing, written as their users write them.

All take steps of online SGD on XorMixture (relu, squared loss, standard parametrisation) at noise 1 and
report nothing but the final readout.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

RATE = 0.3


def naive_jax(
    n: int, width: int, replicates: int, steps: int
) -> tuple[Callable[[], object], Callable[[], float]]:
    """vmap over replicates of a lax.scan over full vectors, one jax.random.normal per step.

    Returns the call, and a function that asks the compiler how many bytes it reserves for it.
    """

    def run(key):
        w_key, v_key, data = jax.random.split(key, 3)
        w = jax.random.normal(w_key, (width, n)) / n**0.5
        v = jax.random.normal(v_key, (width,)) / width**0.5

        def step(params, key):
            w, v = params
            z_key, c_key = jax.random.split(key)
            cluster = jax.random.randint(c_key, (), 0, 4)
            sign = 1.0 - 2.0 * (cluster % 2)
            x = jax.random.normal(z_key, (n,)).at[cluster // 2].add(sign)
            y = jnp.where(cluster < 2, 1.0, -1.0)
            lam = w @ x
            hidden = jax.nn.relu(lam)
            error = v @ hidden - y
            grad_w = jnp.outer(error * v * (lam > 0), x)
            return (w - RATE / n * grad_w, v - RATE / n * error * hidden), None

        (w, v), _ = jax.lax.scan(step, (w, v), jax.random.split(data, steps))
        return v

    compiled = jax.jit(jax.vmap(run))
    keys = jax.random.split(jax.random.key(0), replicates)

    def reserved() -> float:
        account = compiled.lower(keys).compile().memory_analysis()
        return float("nan") if account is None else account.temp_size_in_bytes + account.output_size_in_bytes

    return lambda: jax.block_until_ready(compiled(keys)), reserved


def numpy_loop(n: int, width: int, steps: int) -> Callable[[], object]:
    """A plain NumPy loop, one run."""
    rng = np.random.default_rng(0)

    def run():
        w = (rng.normal(size=(width, n)) / n**0.5).astype(np.float32)
        v = (rng.normal(size=width) / width**0.5).astype(np.float32)
        for _ in range(steps):
            cluster = rng.integers(4)
            x = rng.standard_normal(n, dtype=np.float32)
            x[cluster // 2] += 1 - 2 * (cluster % 2)
            lam = w @ x
            hidden = np.maximum(lam, 0)
            error = v @ hidden - (1 if cluster < 2 else -1)
            w -= np.outer(RATE / n * error * v * (lam > 0), x)
            v -= RATE / n * error * hidden
        return v

    return run


def torch_loop(n: int, width: int, steps: int) -> Callable[[], object] | None:
    """A plain PyTorch loop on the CPU, one run, autograd and torch.optim.SGD; None without PyTorch."""
    try:
        import torch  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None

    def run():
        w = torch.nn.Parameter(torch.randn(width, n) / n**0.5)
        v = torch.nn.Parameter(torch.randn(width) / width**0.5)
        optimiser = torch.optim.SGD([w, v], lr=RATE / n)
        for _ in range(steps):
            cluster = int(torch.randint(4, ()))
            x = torch.randn(n)
            x[cluster // 2] += 1 - 2 * (cluster % 2)
            y = 1.0 if cluster < 2 else -1.0
            loss = 0.5 * (v @ torch.relu(w @ x) - y) ** 2
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return v

    return run
