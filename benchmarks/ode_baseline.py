"""The committee's right-hand side in vectorised NumPy, for `scipy.integrate.solve_ivp`.

The same equations as `teacher_student.theory.committee`. By default with the same factored integrals and
both of their symmetries, as good a single-core NumPy program as we know how to write; with `plain`, the
integral I_4 as Saad & Solla print it, for all (k, l, i, j) in one array.
"""

import numpy as np
from scipy.integrate import solve_ivp


class NumpyCommittee:
    """dy/dalpha of y = (M, Q, v), flattened, for an orthonormal erf teacher with readout 1."""

    def __init__(self, width: int, teacher_units: int, learning_rate: float, plain: bool = False) -> None:
        self.k, self.m, self.eta, self.plain = width, teacher_units, learning_rate, plain
        self.first, self.second = np.triu_indices(width)
        self.position = np.zeros((width, width), int)
        self.position[self.first, self.second] = np.arange(len(self.first))
        self.position[self.second, self.first] = np.arange(len(self.first))
        self.evaluations = 0

    def pack(self, along: np.ndarray, gram: np.ndarray, readout: np.ndarray) -> np.ndarray:
        """y from the overlaps along and orthogonal to the teacher."""
        return np.concatenate([along.ravel(), (along @ along.T + gram).ravel(), readout])

    def unpack(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """M (K, M), Q (K, K), v (K,)."""
        k, m = self.k, self.m
        return y[: k * m].reshape(k, m), y[k * m : k * m + k * k].reshape(k, k), y[k * m + k * k :]

    def covariance(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Covariance (n, n) of all units and their weights (n,), n = K + M."""
        along, q, v = self.unpack(y)
        cov = np.block([[q, along], [along.T, np.eye(self.m)]])
        return cov, np.concatenate([v, -np.ones(self.m)])

    def loss(self, y: np.ndarray) -> float:
        """The generalisation error."""
        cov, weight = self.covariance(y)
        inverse = 1 / np.sqrt(1 + np.diag(cov))
        return float(weight @ np.arcsin(cov * inverse[:, None] * inverse) @ weight / np.pi)

    def square(self, cov: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """E[phi'_k phi'_l (f - y)^2], (K, K), pairs k <= l and i <= j only."""
        own = 1 + np.diag(cov)
        i, j = self.first, self.second
        x, z, mutual = cov[i], cov[j], cov[i, j][:, None]
        a, b = own[i][:, None], own[j][:, None]
        det = a * b - mutual**2
        p, q = (b * x - mutual * z) / det, (a * z - mutual * x) / det
        scale = 1 / np.sqrt(own - p * x - q * z)
        p, q, x, z = p * scale, q * scale, x * scale, z * scale
        total = np.zeros(len(i))
        for s in range(len(weight)):
            r = (cov[s, s:] * scale[:, s, None]) * scale[:, s:]
            r -= p[:, s, None] * x[:, s:]
            r -= q[:, s, None] * z[:, s:]
            np.arcsin(r, out=r)
            w = weight[s] * weight[s:] * np.append(1.0, np.full(len(weight) - s - 1, 2.0))
            total += r @ w
        return ((2 / np.pi) ** 2 * total / np.sqrt(det[:, 0]))[self.position]

    def plain_square(self, cov: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """The same from Lambda_0, Lambda_1, Lambda_2 and Lambda_4 in arrays (K, K, n, n)."""
        k = self.k
        own = 1 + np.diag(cov)
        a, b, c12 = own[:k, None, None, None], own[None, :k, None, None], cov[:k, :k, None, None]
        c13, c14 = cov[:k, None, :, None], cov[:k, None, None, :]
        c23, c24 = cov[None, :k, :, None], cov[None, :k, None, :]
        det = a * b - c12**2
        zero = det * cov - c23 * c24 * a - c13 * c14 * b + c12 * c13 * c24 + c12 * c14 * c23
        one = det * own[:, None] - c23**2 * a - c13**2 * b + 2 * c12 * c13 * c23
        two = det * own - c24**2 * a - c14**2 * b + 2 * c12 * c14 * c24
        terms = np.arcsin(zero / np.sqrt(one * two))
        return (2 / np.pi) ** 2 * (terms @ weight @ weight) / np.sqrt(det[:, :, 0, 0])

    def __call__(self, alpha: float, y: np.ndarray) -> np.ndarray:
        self.evaluations += 1
        k, eta = self.k, self.eta
        cov, weight = self.covariance(y)
        own = 1 + np.diag(cov)
        v = weight[:k]
        d = (2 / np.pi) * weight / np.sqrt(own[:k, None] * own - cov[:k] ** 2)
        correction = np.sum(d * cov[:k], 1) / own[:k]
        first = v[:, None] * (d @ cov - cov[:k] * correction[:, None])
        square = (self.plain_square if self.plain else self.square)(cov, weight) * np.outer(v, v)
        inverse = 1 / np.sqrt(own)
        overlap = (2 / np.pi) * np.arcsin(cov[:k] * inverse[:k, None] * inverse)
        cross = first[:, :k]
        dq = -eta * (cross + cross.T) + eta**2 * square
        return np.concatenate([-eta * first[:, k:].ravel(), dq.ravel(), -eta * overlap @ weight])


def solve_baseline(
    rhs: NumpyCommittee, start: np.ndarray, alpha: float, rtol: float = 1e-6, method: str = "RK45"
) -> np.ndarray:
    """y at `alpha` by `solve_ivp` with its default absolute tolerance (1e-6)."""
    return solve_ivp(rhs, (0, alpha), start, method=method, rtol=rtol, t_eval=[alpha]).y[:, -1]
