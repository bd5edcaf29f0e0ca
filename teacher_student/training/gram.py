"""Gram-space simulation: the exact law of finite-N online SGD at a cost independent of N.

Only inner products of weights and inputs enter the dynamics. Split w_k = sum_p a_kp e_p + r_k, along
and orthogonal to the P task directions; carry a (K, P), the Gram matrix q = r r^T (K, K) and what the
student has besides w: the readout v (K,), or theta of a head (K are then the rows of its W).
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

3. The state moves by a <- a - h^T x and q <- q - S - S^T with

       S = h^T m,   m_i = (r . n_i sqrt(Delta_i) just before step i) - Delta_i |n_i|^2 h_i / 2,

   because step i adds Delta_i |n_i|^2 h_i h_i^T to what it takes away. No factor of T survives, and no
   second product with G is needed: the first term of m_i is lambda_i, as solved in step 2, less its
   part along the task directions; summed over the chunk and symmetrised, that part is
   x (a - h^T x / 2)^T + |x|^2 h / 2 (x and h still those of step i).

The law of (a, q, v) at every step is exactly that of the full simulation as long as
N - P - K >= B (so that the Wishart matrix of step 1 has full rank). Amortised cost per step:
O(K^2 + K B + B^2) flops and P + K + (B - 1)/2 normals, one uniform and one chi; nothing depends on N.

Steps of `draw` do not involve the student or the difficulty, so all protocols of a replicate share
them (common random numbers): each protocol's own law stays exact and their pairing gets tighter.

With several isotropic blocks each has its own q, xi and Wishart matrix; m of all blocks but the last is
formed from the block's own n n^T, and the last gets the rest.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Int, Key, PyTree

from teacher_student import generator
from teacher_student.interfaces import Block, Learner, Level, Noise, Task
from teacher_student.order_parameters import Overlaps, factor
from teacher_student.rate_schedules import CONSTANT, Pace
from teacher_student.students.two_layer import TwoLayer
from teacher_student.training import kernel
from teacher_student.training.chunk import descend
from teacher_student.training.noise import chi, lower_triangle, normal, uniform, wishart_factor
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


@dataclass(frozen=True)
class GramSpace:
    """Online SGD on overlaps, `chunk` = B samples at a time (even), its steps taken by `kernel`.

    The kernel is that of two layers; heads are scanned.
    """

    task: Task
    student: Learner
    chunk: int
    dtype: str = "float32"
    kernel: str = "scan"

    name = "gram"

    def __post_init__(self) -> None:
        if self.chunk < 2 or self.chunk % 2:
            raise ValueError(f"chunk is {self.chunk}; need an even number >= 2")
        for block in self.task.blocks:
            if self._dof(block) < self.chunk:
                raise ValueError(
                    "Gram-space simulation needs N - P - K >= chunk in every block, but here "
                    f"{block.size} - {block.directions} - {self.student.rows} < {self.chunk}; "
                    "use method='full'"
                )

    @property
    def chunks_ahead(self) -> int:
        """Chunks whose random numbers are drawn together: more for small chunks, where calls cost most."""
        return max(1, 128 // self.chunk) if self.chunk <= 32 else 1

    def _dof(self, block: Block) -> int:
        return block.size - block.directions - self.student.rows

    def teacher(self, key: Key[Array, ""]) -> tuple[()]:
        """Nothing: the law does not depend on where the task directions point."""
        return ()

    def init(
        self, key: Key[Array, ""], teacher: tuple[()], scaling: PyTree, initial: Overlaps | None
    ) -> Overlaps:
        """Overlaps of w ~ N(0, I/N), drawn without w: a ~ N(0, 1/N), N q ~ Wishart_K(N_b - P_b)."""
        if initial is not None:
            return initial
        k, n = self.student.rows, self.task.n_inputs
        w_key, v_key = generator.split(stream(key, "init"))
        along_key, *keys = generator.split(w_key, 1 + len(self.task.blocks))
        n_directions = sum(block.directions for block in self.task.blocks)
        along = generator.normal(along_key, (k, n_directions)).astype(self.dtype) * n**-0.5
        gram = jnp.stack(
            [
                _square(wishart_factor(key, k, block.size - block.directions).astype(self.dtype)) / n
                for key, block in zip(keys, self.task.blocks, strict=True)
            ]
        )
        return Overlaps(along, gram, self.student.start(v_key, scaling, self.dtype))

    def draw(self, key: Key[Array, ""], teacher: tuple[()], t: Int[Array, ""]) -> Samples:
        """The noise of samples t .. t+B-1, given that the chunk starts at t (step 1 of the module)."""
        b, k = self.chunk, self.student.rows
        n_blocks, n_directions = len(self.task.blocks), sum(block.directions for block in self.task.blocks)
        key = generator.fold_in(stream(key, "data"), t)
        sizes = [n_blocks * b * k, n_blocks * b * (b - 1) // 2, n_blocks * b, b * n_directions, b]
        numbers = generator.words(key, sum(sizes) + n_blocks * b + b)
        normals = normal(numbers[: sum(sizes)])
        uniforms = uniform(numbers[sum(sizes) :])
        xi, below, first, along, label = jnp.split(normals, np.cumsum(sizes)[:-1])
        xi = xi.reshape(n_blocks, b, k)
        dofs = jnp.stack([self._dof(block) - jnp.arange(b, dtype=jnp.float32) for block in self.task.blocks])
        diagonal = chi(key, first, uniforms[:-b], dofs.reshape(-1)).reshape(n_blocks, b)
        rest = jax.vmap(lambda numbers: lower_triangle(numbers, b))(below.reshape(n_blocks, -1))
        rest = rest + diagonal[:, :, None] * jnp.eye(b, dtype=jnp.float32)
        gram = _square(jnp.concatenate([xi, rest], -1))
        noise = Noise(along.reshape(b, n_directions), uniforms[-b:], label)
        return jax.tree.map(lambda x: x.astype(self.dtype), Samples(noise, xi, gram))

    def advance(
        self,
        state: Overlaps,
        teacher: tuple[()],
        samples: Samples,
        level: Level,
        on: Bool[Array, " B"],
        scaling: PyTree,
        pace: Pace = CONSTANT,
    ) -> Overlaps:
        """B steps of SGD at once (steps 1 to 3 of the module)."""
        seen = self.task.observe(samples.noise, level)
        scale = seen.scale.T[:, :, None]
        noise = scale * (samples.xi @ factor(state.gram).mT)
        gram = scale * samples.gram * scale.mT
        lambda0 = seen.along @ state.along.T + jnp.sum(noise, 0)
        total = seen.along @ seen.along.T + jnp.sum(gram, 0)
        student = self.student
        chunk = scaling, lambda0, total, seen.label, on, state.readout, pace.rate
        if self.kernel == "pallas" and isinstance(student, TwoLayer):
            h, lam, theta = kernel.descend(student, *chunk)
        else:
            h, lam, theta = descend(student, *chunk)
        along_change = h.T @ seen.along
        m = lam - 0.5 * jnp.diagonal(total)[:, None] * h
        m = m - seen.along @ (state.along - 0.5 * along_change).T
        firsts = noise[:-1] - (jnp.tril(gram[:-1], -1) + 0.5 * _diagonal(gram[:-1])) @ h
        parts = jnp.concatenate([firsts, (m - jnp.sum(firsts, 0))[None]])
        hs = jnp.broadcast_to(h, parts.shape)
        change = jnp.concatenate([hs, parts], 1).mT @ jnp.concatenate([parts, hs], 1)
        return Overlaps(state.along - along_change, state.gram - change, theta)

    def overlaps(self, state: Overlaps, teacher: tuple[()]) -> Overlaps:
        """The state, its Gram matrices made symmetric (rounding leaves their upper triangles behind)."""
        lower = jnp.tril(state.gram)
        return state._replace(gram=lower + jnp.tril(lower, -1).mT)


def _square(x: Float[Array, "*batch n m"]) -> Float[Array, "*batch n n"]:
    return x @ x.mT


def _diagonal(x: Float[Array, "*batch n n"]) -> Float[Array, "*batch n n"]:
    return x * jnp.eye(x.shape[-1], dtype=x.dtype)
