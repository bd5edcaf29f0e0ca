"""Closed forms against quasi-Monte Carlo and quadrature, for covariances without any symmetry."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf
from scipy.stats import multivariate_normal, norm, qmc

from teacher_student.expectations import arcsine, pairs, quadruples, slopes, triples
from teacher_student.theory.quadratic import quadratic
from teacher_student.theory.rectified import orthant, rectified

pytestmark = pytest.mark.usefixtures("float64", "quick_module")


def draw(cov: np.ndarray, mean: float | np.ndarray = 0.0, power: int = 17) -> np.ndarray:
    """Sobol normals of the given law, (2^power, n); the last one is the first Sobol coordinate alone."""
    z = norm.ppf(qmc.Sobol(len(cov), rng=3).random_base2(power))
    return mean + (z @ np.linalg.cholesky(cov[::-1, ::-1]).T)[:, ::-1]


def close(ours, sampled: np.ndarray) -> None:
    """Equal up to the error of the sample, 2e-3 of the largest entry."""
    assert np.abs(np.asarray(ours) - sampled).max() < 2e-3 * np.abs(sampled).max()


def random_covariance(n: int, seed: int) -> np.ndarray:
    a = np.random.default_rng(seed).normal(size=(n, n))
    return a @ a.T / n + 0.1 * np.eye(n)


def test_arcsine_is_exact_to_rounding_in_both_precisions():
    x = np.linspace(-1, 1, 20001)
    ours = jax.jit(arcsine)
    assert np.abs(ours(x) - np.arcsin(x)).max() < 1e-15
    single = np.asarray(ours(x.astype(np.float32)), float)
    assert np.abs(single - np.arcsin(x.astype(np.float32).astype(float))).max() < 3e-7
    slope = jax.jit(jax.vmap(jax.grad(arcsine)))(x[1:-1])
    np.testing.assert_allclose(slope, 1 / np.sqrt(1 - x[1:-1] ** 2), rtol=1e-9)


@pytest.mark.parametrize("signs", [0, 1], ids=["erf", "one sign unit"])
@pytest.mark.parametrize("width", [1, 3])
def test_erf_integrals(width, signs):
    n = width + 2
    cov, rng = random_covariance(n, seed=width), np.random.default_rng(9)
    offset = np.append(np.ones(n - 1), 1.0 - signs)
    weight, probe = rng.normal(size=n), rng.normal(size=(3, n))
    u = draw(cov)
    phi = np.where(offset > 0, erf(u / 2**0.5), np.sign(u))
    slope = np.sqrt(2 / np.pi) * np.exp(-0.5 * u[:, :width] ** 2)
    total = phi @ weight
    size = len(u)

    @jax.jit
    def ours(c, probe_cov, w):
        third, fourth = triples(c, probe_cov, w, offset, width), quadruples(c, w, offset, width)
        return pairs(c, offset), slopes(c, width), third, fourth

    second, slope_pairs, third, fourth = ours(cov, probe @ cov, weight)
    close(second, phi.T @ phi / size)
    close(slope_pairs, slope.T @ slope / size)
    close(third, (slope * total[:, None]).T @ (u @ probe.T) / size)
    close(fourth, (slope * total[:, None] ** 2).T @ slope / size)


def test_a_sign_is_the_limit_of_infinite_gain():
    cov, gain = random_covariance(3, seed=4), np.diag([1, 1, 1e6])
    weight = jnp.array([0.3, -1.2, 0.8])

    @partial(jax.jit, static_argnums=1)
    def both(c, last):
        offset = np.array([1.0, 1.0, last])
        return pairs(c, offset), quadruples(c, weight, offset, 2)

    for steep, sign in zip(both(gain @ cov @ gain, 1.0), both(cov, 0.0), strict=True):
        np.testing.assert_allclose(steep, sign, atol=1e-5)


@pytest.mark.slow
def test_gradients_of_quadruples():
    cov, weight = random_covariance(5, seed=2), jnp.array([0.5, -1.0, 0.3, 0.9, -1.0])
    step = np.random.default_rng(0).normal(size=(5, 5))
    step = step + step.T
    for offset in (np.ones(5), np.array([1.0, 1, 1, 1, 0])):
        function = lambda t: quadruples(cov + t * step, weight, offset, 3)[0, 1]  # noqa: B023, E731
        both = jax.jit(jax.value_and_grad(function))
        numeric = (both(1e-5)[0] - both(-1e-5)[0]) / 2e-5
        np.testing.assert_allclose(both(0.0)[1], numeric, rtol=1e-7)


def test_orthant_against_scipy():
    rng = np.random.default_rng(1)
    h, k = 2 * rng.normal(size=(2, 60))
    r = np.concatenate([rng.uniform(-1, 1, 40), [0.999, -0.999, 1 - 1e-8, -1 + 1e-8], np.zeros(16)])
    h[:4], k[:4] = [0, 0, 1, -1], [0, -1, 0, 0]
    ours = jax.jit(orthant)(jnp.asarray(h), jnp.asarray(k), jnp.asarray(r))
    law: Any = multivariate_normal
    theirs = [
        law([0, 0], np.array([[1, c], [c, 1]]), allow_singular=True).cdf([a, b])
        for a, b, c in zip(h, k, r, strict=True)
    ]
    np.testing.assert_allclose(ours, theirs, atol=2e-12)


def test_relu_moments():
    cov, mean = random_covariance(3, seed=5), np.array([0.4, -0.7, 0.1])
    lam = draw(cov, mean)
    on, relu, size = 1.0 * (lam > 0), np.maximum(lam, 0), len(lam)
    ours = jax.jit(rectified)(jnp.asarray(mean), jnp.asarray(cov))
    np.testing.assert_allclose(ours.on, on.mean(0), atol=2e-4)
    np.testing.assert_allclose(ours.relu, relu.mean(0), atol=2e-4)
    np.testing.assert_allclose(ours.both, on.T @ on / size, atol=2e-4)
    np.testing.assert_allclose(ours.on_relu, on.T @ relu / size, atol=2e-4)
    np.testing.assert_allclose(ours.relu_relu, relu.T @ relu / size, atol=2e-4)


def test_relu_moments_of_merged_and_of_silent_units():
    cov = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    ours = jax.jit(rectified)(np.array([0.3, 0.3, 0.0]), cov)
    assert all(np.isfinite(x).all() for x in ours)
    products = np.asarray(ours.relu_relu)
    np.testing.assert_allclose(products[0, 1], products[0, 0], rtol=1e-6)
    np.testing.assert_allclose(products[2], 0, atol=1e-12)


def test_quadratic_moments():
    cov, mean, u = random_covariance(3, 6), np.array([0.4, -0.7, 0.1]), np.array([0.6, -1.1, 0.3])
    x, w = np.polynomial.hermite_e.hermegauss(6)  # exact for polynomials of degree 11
    grid = np.stack(np.meshgrid(x, x, x), -1).reshape(-1, 3)
    weight = np.prod(np.stack(np.meshgrid(w, w, w), -1).reshape(-1, 3), 1) / (2 * np.pi) ** 1.5
    lam = mean + grid @ np.linalg.cholesky(cov).T
    error = lam**2 @ u - 1
    scaled, of = lam * error[:, None], weight[:, None]
    theirs = (
        weight @ error,
        weight @ error**2,
        weight @ scaled,
        (of * scaled).T @ lam,
        (of * scaled).T @ scaled,
    )
    ours = jax.jit(quadratic)(mean, cov, u, 1.0)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)
