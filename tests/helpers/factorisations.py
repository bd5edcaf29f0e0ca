"""Which batches of factorisations of a program may run at once."""

from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

#: Primitives that a CPU hands to LAPACK.
LAPACK = {
    "cholesky",
    "qr",
    "geqrf",
    "householder_product",
    "triangular_solve",
    "eigh",
    "eig",
    "lu",
    "svd",
    "schur",
}


def inner(equation: Any) -> list[Jaxpr]:
    """The programs inside an equation: bodies of loops, branches, calls."""
    found = []
    for value in equation.params.values():
        for one in value if isinstance(value, tuple | list) else (value,):
            if isinstance(one, ClosedJaxpr):
                found.append(one.jaxpr)
            elif isinstance(one, Jaxpr):
                found.append(one)
    return found


def batched(equation: Any) -> bool:
    """Whether it, or what is inside it, factors more than one matrix at once."""
    if equation.primitive.name in LAPACK:
        return int(np.prod(equation.invars[0].aval.shape[:-2])) > 1
    return any(batched(one) for jaxpr in inner(equation) for one in jaxpr.eqns)


def at_once(jaxpr: Jaxpr) -> list[tuple[str, str]]:
    """Pairs of equations with batched factorisations of which neither needs a result of the other."""
    found: list[tuple[str, str]] = []
    needs: dict[Any, set[int]] = {}  # variable -> the batches that come before it
    seen: list[str] = []
    for equation in jaxpr.eqns:
        before = set[int]().union(
            *(needs.get(v, set()) for v in equation.invars if not isinstance(v, Literal))
        )
        if batched(equation):
            name = equation.primitive.name
            found += [(seen[i], name) for i in range(len(seen)) if i not in before]
            before.add(len(seen))
            seen.append(name)
        for variable in equation.outvars:
            needs[variable] = before
        for one in inner(equation):
            found += at_once(one)
    return found


def pairs_at_once(function: Any, *arguments: Any) -> list[tuple[str, str]]:
    """Those of a function of arrays, traced and not run."""
    return at_once(jax.make_jaxpr(function)(*arguments).jaxpr)
