"""What the names in a cell stand for, where that is not the project's own: a digest for the address.

An address holds names. What the project's own tasks, protocols and the like compute is fixed by the versions
in `NUMERICS`, which a change that alters numbers raises. A name that a user has added, or has given another
meaning, has no version: the code of the module that defines it goes into the address, without its comments,
docstrings and layout.
"""

import ast
import hashlib
import inspect
import sys
from collections.abc import Mapping
from typing import Any

#: Names whose meaning the versions in `NUMERICS` fix. A name that is not here is fixed by its code.
PINNED: dict[str, frozenset[str]] = {
    "task": frozenset({"xor_mixture", "sparse_teacher", "committee"}),
    "protocol": frozenset(
        {
            "curriculum", "anti_curriculum", "no_curriculum", "target_only", "rule_curriculum", "ramp",
            "shuffled_ramp", "no_curriculum_then_target", "ramp_then_target", "shuffled_ramp_then_target",
        }
    ),
    "activation": frozenset({"relu", "quadratic", "erf"}),
    "loss": frozenset({"squared", "logistic"}),
    "relabelling": frozenset({"polarity_xor", "parity", "class_group_xor", "classes"}),
    "student": frozenset({"mlp", "mlp2", "lenet", "cnn", "cnn_patches"}),
    "score": frozenset(
        {
            "el2n", "el1n", "grand", "grand_last", "loss", "entropy", "max_confidence", "margin", "aum",
            "confidence", "variability", "correctness", "threshold_closeness", "forgetting",
            "forgetting_epoch", "first_learned", "learned_iteration", "prediction_depth", "vog",
        }
    ),
}  # fmt: skip

#: Packages whose code the versions in `NUMERICS` speak of.
PROJECT = ("teacher_student", "curricula")


def digests(kind: str, named: Mapping[str, Any]) -> dict[str, str]:
    """Digests of the code of what is named and is not the project's own, by "KIND NAME".

    Parameters
    ----------
    kind : a key of `PINNED`
    named : name -> its definition: a class, a function, or a tuple or dataclass of functions

    Raises
    ------
    ValueError : the code cannot be read, as of what was typed into an interpreter

    Examples
    --------
    >>> from curricula.schedule import PROTOCOLS
    >>> digests("protocol", {"curriculum": PROTOCOLS["curriculum"]})
    {}
    """
    found = {}
    for name, definition in named.items():
        modules = {part.__module__ for part in _parts(definition)}
        foreign = {module for module in modules if module.split(".")[0] not in PROJECT}
        if foreign or name not in PINNED[kind]:
            text = "".join(_code(module, f"{kind} {name!r}") for module in sorted(foreign or modules))
            found[f"{kind} {name}"] = hashlib.sha256(text.encode()).hexdigest()[:20]
    return found


def _parts(definition: object) -> list[Any]:
    """The classes and functions that a definition is made of."""
    if isinstance(definition, type) or inspect.isroutine(definition):
        return [definition]
    values = definition if isinstance(definition, tuple) else vars(definition).values()
    return [type(definition), *(part for part in values if inspect.isroutine(part))]


def _code(module: str, what: str) -> str:
    """The code of a module in one layout, without comments and docstrings."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError, KeyError):
        raise ValueError(f"the code of {what} cannot be read; define it in a file that is imported") from None
    for node in ast.walk(tree):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
