"""One declarative file per study; the file names are the menu.

A file's name is the study's, the first line of its docstring is the question, and its `PRESETS` maps "quick"
and "full" to functions that give a Study.
"""

import ast
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studies.study import Study


def names() -> list[str]:
    """Names of all studies."""
    return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem != "__init__")


def question(name: str) -> str:
    """The first line of a study's docstring, read without importing it."""
    tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text())
    return (ast.get_docstring(tree) or "").split("\n")[0]


def get(name: str, preset: str = "quick") -> "Study":
    """A preset of a study; ValueError lists the known names."""
    if name not in names():
        raise ValueError(f"unknown study {name!r}; known: {', '.join(names())}")
    presets = importlib.import_module(f"studies.catalogue.{name}").PRESETS
    if preset not in presets:
        raise ValueError(f"unknown preset {preset!r} of {name}; known: {', '.join(presets)}")
    return presets[preset]().named(name, question(name))
