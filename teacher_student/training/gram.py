"""Gram-space simulation: the exact law of finite-N online SGD at a cost independent of N.

Only inner products of weights and inputs enter the dynamics. Split w_k = sum_p a_kp e_p + r_k, along
and orthogonal to the P task directions; carry a (K, P), the Gram matrix q = r r^T (K, K) and v (K,).
For a chunk of B samples x_i = sum_p x_ip e_p + sqrt(Delta_i) n_i, with n_i the standard normal noise
orthogonal to the task directions:

1. The pre-activations at the start of the chunk and the Gram matrix of the noise. Let F F^T = q and
   let xi_i (K,) be the coordinates of n_i on the span of r. Then xi_i ~ N(0, I_K), r . n_i = F xi_i,
   and what remains of the n_i lives in N - P - K dimensions, independent of all else. Its Gram
   matrix is Wishart_B(N - P - K), drawn through its Bartlett factor T: lower triangular, normals
   below the diagonal and T_ii^2 ~ chi^2(N - P - K - i), i = 0 .. B-1. Hence

       noise_i = sqrt(Delta_i) F xi_i,          lambda0_i = a x_i + noise_i,
       n n^T = xi xi^T + T T^T,                 G_ij = x_i . x_j + sqrt(Delta_i Delta_j) (n n^T)_ij.

2. B steps of SGD on these small arrays (`chunk.descend`) give h (B, K): w <- w - h^T X.

3. The state moves by
       a <- a - h^T x,
       q <- q - (h^T (noise + noise') + transpose) / 2,   noise' = noise - sqrt(Delta Delta') n n^T h,
   where noise' = r' . n sqrt(Delta) are the overlaps after the chunk. No factor of T survives.

The law of (a, q, v) at every step is exactly that of the full simulation as long as
N - P - K >= B (so that the Wishart matrix of step 1 has full rank). Amortised cost per step:
O(K^2 + K B + B^2) flops and P + K + (B - 1)/2 normals, one uniform and one chi; nothing depends on N.

Steps of `draw` do not involve the student or the difficulty, so all protocols of a replicate share
them (common random numbers): each protocol's own law stays exact and their pairing gets tighter.

With several isotropic blocks each has its own q, xi and Wishart matrix.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int, Key

from teacher_student.interfaces import Block, Level, Noise, Student, Task
from teacher_student.students.two_layer import Scaling, draw_readout
from teacher_student.training.chunk import descend
from teacher_student.training.order_parameters import Overlaps, factor
from teacher_student.training.streams import stream


class Samples(NamedTuple):
    """What the protocols of a replicate share for B samples.

    noise : the noise along the task directions
    xi    : (n_blocks, B, K) coordinates of the orthogonal noise on the span of the weights
    gram  : (n_blocks, B, B) Gram matrix n n^T of the orthogonal noise
    """

    noise: Noise
    xi: Float[Array, "n_blocks B K"]
    gram: Float[Array, "n_blocks B B"]


def wishart_factor(key: Key[Array, ""], n: int, dof: int, dtype) -> Float[Array, "n n"]:
    """Bartlett factor T (n, n) of a standard Wishart matrix T T^T with `dof` >= n degrees of freedom."""
    if dof < n:
        raise ValueError(f"a Wishart matrix of size {n} with {dof} degrees of freedom has no Bartlett factor")
    normal_key, chi_key = jax.random.split(key)
    below = jnp.tril(jax.random.normal(normal_key, (n, n), dtype), -1)
    chi_squared = jax.random.chisquare(chi_key, dof - jnp.arange(n, dtype=dtype), dtype=dtype)
    return below + jnp.diag(jnp.sqrt(chi_squared))


@dataclass(frozen=True)
class GramSpace:
    """Online SGD on overlaps, `chunk` = B samples at a time."""

    task: Task
    student: Student
    chunk: int
    dtype: str = "float32"

    name = "gram"

    def __post_init__(self) -> None:
        for block in self.task.blocks:
            if self._dof(block) < self.chunk:
                raise ValueError(
                    "Gram-space simulation needs N - P - K >= chunk in every block, but here "
                    f"{block.size} - {block.directions} - {self.student.width} < {self.chunk}; "
                    "use method='full'"
                )

    def _dof(self, block: Block) -> int:
        return block.size - block.directions - self.student.width

    def teacher(self, key: Key[Array, ""]) -> tuple[()]:
        """Nothing: the law does not depend on where the task directions point."""
        return ()

    def init(
        self, key: Key[Array, ""], teacher: tuple[()], scaling: Scaling, initial: Overlaps | None
    ) -> Overlaps:
        """Overlaps of w ~ N(0, I/N), drawn without w: a ~ N(0, 1/N), N q ~ Wishart_K(N_b - P_b)."""
        if initial is not None:
            return initial
        k, n = self.student.width, self.task.n_inputs
        w_key, v_key = jax.random.split(stream(key, "init"))
        along_key, *keys = jax.random.split(w_key, 1 + len(self.task.blocks))
        n_directions = sum(block.directions for block in self.task.blocks)
        along = jax.random.normal(along_key, (k, n_directions), self.dtype) * n**-0.5
        factors = [
            wishart_factor(key, k, block.size - block.directions, self.dtype)
            for key, block in zip(keys, self.task.blocks, strict=True)
        ]
        gram = jnp.stack([t @ t.T / n for t in factors])
        return Overlaps(along, gram, draw_readout(v_key, k, scaling, self.dtype))

    def draw(self, key: Key[Array, ""], teacher: tuple[()], t: Int[Array, ""]) -> Samples:
        """The noise of samples t .. t+B-1, given that the chunk starts at t (step 1 of the module)."""
        b, k = self.chunk, self.student.width
        chunk_key = jax.random.fold_in(stream(key, "data"), t)
        along_key, choice_key, label_key, xi_key, rest_key = jax.random.split(chunk_key, 5)
        n_directions = sum(block.directions for block in self.task.blocks)
        noise = Noise(
            jax.random.normal(along_key, (b, n_directions), self.dtype),
            jax.random.uniform(choice_key, (b,), self.dtype),
            jax.random.normal(label_key, (b,), self.dtype),
        )
        xi = jax.random.normal(xi_key, (len(self.task.blocks), b, k), self.dtype)
        rest = jnp.stack(
            [
                wishart_factor(jax.random.fold_in(rest_key, i), b, self._dof(block), self.dtype)
                for i, block in enumerate(self.task.blocks)
            ]
        )
        return Samples(noise, xi, xi @ xi.mT + rest @ rest.mT)

    def advance(
        self,
        state: Overlaps,
        teacher: tuple[()],
        samples: Samples,
        level: Level,
        on: Bool[Array, " B"],
        scaling: Scaling,
    ) -> Overlaps:
        """B steps of SGD at once (steps 1 to 3 of the module)."""
        seen = self.task.observe(samples.noise, level)
        scale = seen.scale.T[:, :, None]
        noise = scale * (samples.xi @ factor(state.gram).mT)
        gram = scale * samples.gram * scale.mT
        lambda0 = seen.along @ state.along.T + jnp.sum(noise, 0)
        total = seen.along @ seen.along.T + jnp.sum(gram, 0)
        h, v = descend(self.student, scaling, lambda0, total, seen.label, on, state.readout)
        change = h.T @ (noise - 0.5 * (gram @ h))
        return Overlaps(state.along - h.T @ seen.along, state.gram - change - change.mT, v)

    def overlaps(self, state: Overlaps, teacher: tuple[()]) -> Overlaps:
        """The state itself."""
        return state
