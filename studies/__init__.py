"""What was asked, and where the answer is.

    get(name, preset)        a study of the catalogue
    run(study, out)          compute what is missing; the results as one Dataset
    load(name, out)          the results as one Dataset, whatever part of them is finished
    status(study, out)       blocks done and pending, time left
    verify(study, out)       compute finished cells again and compare bits
    export(name, to, out)    one labelled file
    analysis                 benefit, critical width, speed, coverage, tickets

Nothing is imported before it is used, so that the command line starts at once. What the package has to say
goes to the logger "studies".

Examples
--------
>>> import studies                                           # nothing else is imported by this
>>> study = studies.get("xor_mixture", "quick")              # doctest: +SKIP
>>> ds = studies.run(study, out="results", width=(4, 16))    # doctest: +SKIP
>>> studies.status(study)                                    # doctest: +SKIP
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studies import analysis
    from studies.store import load
    from studies.surface import export, get, run, status, verify

__all__ = ["analysis", "export", "get", "load", "run", "status", "verify"]


def __getattr__(name: str) -> Any:
    if name == "analysis":
        return importlib.import_module("studies.analysis")
    if name == "load":
        return importlib.import_module("studies.store").load
    if name in __all__:
        return getattr(importlib.import_module("studies.surface"), name)
    raise AttributeError(f"module 'studies' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])
