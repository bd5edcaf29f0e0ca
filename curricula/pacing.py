"""Pacing: which fraction of the ordered examples is available at step t.

A pacing is a plain callable, step -> fraction in (0, 1]. With N examples, T steps, a the fraction
of T at which all examples are in, b the fraction of N available at t = 0, and s = t / (a T):

    linear  b N + (1 - b) N s                    quad  b N + (1 - b) N s^2
    step    b N + N floor(s)                     root  b N + (1 - b) N s^(1/2)
    exp     b N + (1 - b) N (e^(10 s) - 1) / (e^10 - 1)
    log     b N + (1 - b) N (1 + ln(s + e^-10) / 10)
    geom    N b^(1 - s)                          root_p  N (b^p + (1 - b^p) s)^(1/p)
    two_phase    b N while s < 1, then N
    three_phase  b N while s < 1/2, middle N while s < 1, then N
    baby_step         N (b + grow (floor(t / interval) + 1)), t counts epochs from 0
    exponential_step  ceil(N b inc^floor(t / interval))
    table             N values[t], the last value afterwards

The count is rounded down (up for exponential_step), with a slack of a few units of the last place so
that rounding errors never leave one example out, and clipped to [n_min, N]. Steps may be Python
numbers, numpy arrays (float64) or JAX arrays, also traced; in float32 a count may differ by one.

Sources: first six, Wu, Dyer, Neyshabur, ICLR 2021, arXiv 2012.03107, sec. 3; geom and root_p, Platanios et
al., NAACL 2019, arXiv 1903.09848 (p = 2 there), and Penha & Hauff, ECIR 2020; exponential_step, Hacohen &
Weinshall, ICML 2019, arXiv 1904.03626, sec. 2; baby_step, Spitkovsky et al., NAACL 2010.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from teacher_student.checks import known, within

Amount = Callable[[Any, Any, float], Any]


@dataclass(frozen=True)
class Pacing:
    """A pacing function: `pacing(step)` is the fraction, `pacing.count(step, n)` the number of examples.

    name : the family
    amount : (namespace, step, n) -> available examples out of n, neither rounded nor clipped
    ceil : whether counts round up
    parameters : all parameters, if `pace` made it; such a pacing can be pickled
    """

    name: str
    amount: Amount
    ceil: bool = False
    parameters: dict[str, Any] | None = None

    @property
    def described(self) -> str:
        """`name(key=value, ...)`; of a table its length and the start of its SHA-256."""
        if self.parameters and "values" in self.parameters:
            table = np.asarray(self.parameters["values"], np.float64).astype("<f8")
            return f"{self.name}({table.size} values, sha256 {sha256(table.tobytes()).hexdigest()[:16]})"
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in (self.parameters or {}).items())})"

    def __reduce__(self) -> Any:
        if self.parameters is None:
            return super().__reduce__()
        return _again, (self.name, self.parameters)

    def __call__(self, step: object) -> Any:
        """Fraction available at `step` (any shape), clipped to (0, 1]."""
        xp, t = _as_array(step)
        return xp.clip(self.amount(xp, t, 1.0), np.finfo(np.float32).tiny, 1.0)

    def count(self, step: object, n: int, n_min: int = 1) -> Any:
        """Whole number of examples available at `step` out of `n`, clipped to [n_min, n]."""
        if not 1 <= n_min <= n:
            raise ValueError(f"n_min is {n_min} and n is {n}; need 1 <= n_min <= n")
        xp, t = _as_array(step)
        value, slack = self.amount(xp, t, float(n)), 4 * n * float(xp.finfo(t.dtype).eps)
        whole = xp.ceil(value - slack) if self.ceil else xp.floor(value + slack)
        return xp.clip(whole, n_min, n).astype(int if xp is np else "int32")


def _as_array(step: object) -> tuple[Any, Any]:
    """The array namespace of `step` (numpy unless it is another library's array) and `step` as floats."""
    namespace = getattr(step, "__array_namespace__", None)
    if namespace is not None and not isinstance(step, (np.ndarray, np.generic)):
        xp = namespace()
        return xp, xp.asarray(step, float)
    return np, np.asarray(step, np.float64)


def _grown(shape: Callable[[Any, Any], Any], b: float, duration: float) -> Amount:
    def amount(xp: ModuleType, t: Any, n: float) -> Any:
        value = b * n + (1 - b) * n * shape(xp, t / duration)
        return xp.where(t < duration, value, xp.maximum(value, n))

    return amount


def _linear(total: float, a: float = 1.0, b: float = 1.0) -> Amount:
    return _grown(lambda xp, s: s, b, a * total)


def _quad(total: float, a: float = 1.0, b: float = 1.0) -> Amount:
    return _grown(lambda xp, s: s**2, b, a * total)


def _root(total: float, a: float = 1.0, b: float = 1.0) -> Amount:
    return _grown(lambda xp, s: xp.sqrt(s), b, a * total)


def _step(total: float, a: float = 1.0, b: float = 1.0) -> Amount:
    return lambda xp, t, n: b * n + n * xp.floor(t / (a * total))


def _exp(total: float, a: float = 1.0, b: float = 1.0) -> Amount:
    return _grown(lambda xp, s: xp.expm1(10 * xp.minimum(s, 1.0)) / np.expm1(10), b, a * total)


def _log(total: float, a: float = 1.0, b: float = 1.0) -> Amount:
    return _grown(lambda xp, s: 1 + xp.log(s + np.exp(-10.0)) / 10, b, a * total)


def _geom(total: float, a: float = 1.0, b: float = 1.0) -> Amount:
    return lambda xp, t, n: n * b ** (1 - xp.minimum(t / (a * total), 1.0))


def _root_p(total: float, a: float = 1.0, b: float = 1.0, p: float = 2.0) -> Amount:
    within("p", p, low=0, open_low=True)

    def amount(xp: ModuleType, t: Any, n: float) -> Any:
        value = n * (b**p + (1 - b**p) * t / (a * total)) ** (1 / p)
        return xp.where(t < a * total, value, xp.maximum(value, n))

    return amount


def _two_phase(total: float, a: float = 0.5, b: float = 0.5) -> Amount:
    return lambda xp, t, n: n * xp.where(t < a * total, b, 1.0)


def _three_phase(total: float, a: float = 1.0, b: float = 1 / 3, middle: float = 2 / 3) -> Amount:
    if not b <= middle <= 1:
        raise ValueError(f"middle is {middle!r}; need b <= middle <= 1 with b = {b!r}")
    return lambda xp, t, n: (
        n * xp.where(t < a * total / 2, b, xp.where(t < a * total, middle, xp.ones_like(t)))
    )


def _baby_step(b: float = 0.2, grow: float = 0.2, interval: float = 1.0) -> Amount:
    within("grow", grow, low=0, open_low=True)
    return lambda xp, t, n: n * (b + grow * (xp.floor(t / interval) + 1))


def _exponential_step(b: float = 0.04, inc: float = 1.9, interval: float = 100.0) -> Amount:
    within("inc", inc, low=1)
    stop = 0.0 if inc == 1 else np.ceil(-np.log(b) / np.log(inc))
    return lambda xp, t, n: n * b * inc ** xp.minimum(xp.floor(t / interval), stop)


def _table(values: ArrayLike | Sequence[float]) -> Amount:
    table = np.asarray(values, np.float64)
    if table.ndim != 1 or table.size == 0 or not ((table > 0) & (table <= 1)).all():
        raise ValueError("values must be a non-empty list of fractions in (0, 1], one per step")
    return lambda xp, t, n: n * xp.asarray(table)[xp.clip(t, 0, table.size - 1).astype("int32")]


PACINGS: dict[str, Callable[..., Amount]] = {
    "linear": _linear,
    "quad": _quad,
    "root": _root,
    "step": _step,
    "exp": _exp,
    "log": _log,
    "geom": _geom,
    "root_p": _root_p,
    "two_phase": _two_phase,
    "three_phase": _three_phase,
    "baby_step": _baby_step,
    "exponential_step": _exponential_step,
    "table": _table,
}


def pace(name: str, **parameters: Any) -> Pacing:
    """Build a pacing function; the module docstring gives the formula of each.

    Parameters
    ----------
    name : one of `PACINGS`
    total : T > 0, number of steps (all families but baby_step, exponential_step and table)
    a : > 0, fraction of T at which everything is in; default 1 (two_phase: 0.5)
    b : in (0, 1], fraction available at the start; larger = less of a curriculum; default 1 = none
        (two_phase 0.5, three_phase 1/3, baby_step 0.2, exponential_step 0.04)
    p : > 0, root_p only; larger = faster at first; default 2
    middle : in [b, 1], three_phase only; default 2/3
    grow, inc, interval, values : see the formulas; interval > 0, inc >= 1

    Returns
    -------
    Pacing, a callable step -> fraction in (0, 1]

    Raises
    ------
    ValueError
        For an unknown name, an unknown or missing parameter, or one out of range.

    Examples
    --------
    >>> pacing = pace("linear", total=100, a=0.5, b=0.2)
    >>> float(pacing(0)), float(pacing(20)), float(pacing(80)), int(pacing.count(25, n=1000))
    (0.2, 0.52, 1.0, 600)
    """
    known("pacing", name, PACINGS)
    signature = inspect.signature(PACINGS[name])
    for key in parameters:
        known(f"parameter of pacing {name}:", key, signature.parameters)
    for key, parameter in signature.parameters.items():
        if parameter.default is parameter.empty and key not in parameters:
            raise ValueError(f"pacing {name!r} needs {key}=...")
    settings = {
        k: parameters.get(k, p.default) if k == "values" else float(parameters.get(k, p.default))
        for k, p in signature.parameters.items()
    }
    for key in ("total", "a", "interval"):
        within(key, settings.get(key, 1.0), low=0, open_low=True)
    within("b", settings.get("b", 1.0), low=0, high=1, open_low=True)
    return Pacing(name, PACINGS[name](**settings), name == "exponential_step", settings)


def _again(name: str, parameters: dict[str, Any]) -> Pacing:
    return pace(name, **parameters)
