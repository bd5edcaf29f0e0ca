"""Two exact curves of double descent: least squares against the number of features, and against time.

Width (Belkin, Hsu, Xu, SIAM J. Math. Data Sci. 2020, arXiv 1903.07571): y = b . x + e with x ~ N(0, I_D),
|b| = 1 in a random direction, e ~ N(0, s); least squares on p of the D inputs from n samples, the solution of
least norm where there are several. Its mean squared error on new (x, y) is

    p <= n - 2 :  (1 - p/D + s) (1 + p / (n - p - 1))
    p >= n + 2 :  1 - (n/D) (2 - (D - n - 1) / (p - n - 1)) + s (1 + n / (p - n - 1))

and is infinite in between. Time (Advani, Saxe, Sompolinsky, Neural Networks 2020, arXiv 1710.03667): inputs
with entries N(0, 1/N), a teacher with entries N(0, s_w), students that start at N(0, s_0), noise s_e. After a
time t of gradient flow on half the sum of squares the mean squared error on new (x, y) is

    E(t) = s_e + (1/N) sum_i [(s_w + s_0) e^(-2 L_i t) + (s_e / L_i) (1 - e^(-L_i t))^2]

over the eigenvalues L_i of X^T X; one that is 0 gives s_w + s_0.
"""

import numpy as np
from jaxtyping import Float

from teacher_student.checks import whole, within


def error_against_width(p: int, n: int, n_inputs: int, noise: float) -> float:
    """Mean squared error of least squares on `p` of `n_inputs` = D features; inf for p in n - 1 .. n + 1.

    Examples
    --------
    >>> round(error_against_width(30, 40, 100, 0.25), 3), error_against_width(40, 40, 100, 0.25)
    (4.117, inf)
    """
    whole("p", p, 0, n_inputs)
    whole("n", n, 1)
    within("noise", noise, low=0)
    rest = p / n_inputs
    if p <= n - 2:
        return (1 - rest + noise) * (1 + p / (n - p - 1))
    if p < n + 2:
        return float("inf")
    share = n / n_inputs
    missed = 1 - share * (2 - (n_inputs - n - 1) / (p - n - 1))
    return missed + noise * (1 + n / (p - n - 1))


def error_against_time(
    eigenvalues: Float[np.ndarray, " N"],
    times: Float[np.ndarray, " T"],
    noise: float,
    teacher: float = 1.0,
    start: float = 0.0,
) -> Float[np.ndarray, " T"]:
    """E(t) of the module from the eigenvalues of X^T X; noise s_e, teacher s_w, start s_0 >= 0.

    Examples
    --------
    >>> error_against_time(np.array([0.0, 1.0]), np.array([0.0, 50.0]), noise=0.5).round(6).tolist()
    [1.5, 1.25]
    """
    for name, value in (("noise", noise), ("teacher", teacher), ("start", start)):
        within(name, value, low=0)
    at, found = np.asarray(eigenvalues, float), np.asarray(times, float)[:, None]
    left = np.exp(-at * found)
    zero = at < 1e-12 * max(at.max(), 1e-300)
    safe = np.where(zero, 1.0, at)
    learnt = np.where(zero, 0.0, noise / safe * (1 - left) ** 2)
    return noise + np.mean((teacher + start) * left**2 + learnt, 1)
