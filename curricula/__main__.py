"""Command line: what a score file is, and what there is to choose from.

    python -m curricula inspect FILE [--dataset NAME or FILE] [--index-map FILE] [--format F] [--higher D]
    python -m curricula list

Exit status 0, 1 if the file does not fit, 2 if the request cannot be met.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message} (see {self.prog} --help)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; see the module."""
    parser = _Parser(prog="python -m curricula", description="Difficulty scores and orderings.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    inspect = commands.add_parser("inspect", help="what a score file is, and whether it fits a data set")
    inspect.add_argument("file", type=Path)
    inspect.add_argument("--dataset", help="mnist, fashion_mnist, cifar10, cifar100, or a file of labels")
    inspect.add_argument("--index-map", type=Path, help=".npy, or .npz whose only *_to_orig entry is the map")
    inspect.add_argument("--format", default="auto", help="a name from `list`; default: recognise it")
    inspect.add_argument("--higher", help="what a high number means: harder or easier")
    inspect.add_argument("--score", help="which column, where there are several")
    inspect.add_argument("--fraction", type=float, default=0.2, help="size of the easy set; default 0.2")
    commands.add_parser("list", help="scorers, orderings, pacings and file formats")
    try:
        options = parser.parse_args(arguments)
        return _list() if options.command == "list" else _inspect(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _inspect(options: argparse.Namespace) -> int:
    from curricula.datasets import find_dataset
    from curricula.report import inspect_file

    dataset = find_dataset(options.dataset) if options.dataset else None
    lines, fits = inspect_file(
        options.file,
        dataset,
        fraction=options.fraction,
        index_map=_index_map(options.index_map) if options.index_map else None,
        format=options.format,
        higher=options.higher,
        score=options.score,
    )
    print("\n".join(lines))
    return 0 if fits else 1


def _index_map(path: Path) -> np.ndarray:
    if not path.is_file():
        raise ValueError(f"no such file: {path}")
    try:
        loaded: Any = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path.name} holds no index map: need .npy, or .npz with *_to_orig") from error
    if isinstance(loaded, np.ndarray):
        return loaded
    names = [name for name in loaded.files if name.endswith("_to_orig")]
    if len(names) != 1:
        raise ValueError(f"{path.name} has no single *_to_orig entry; it has {', '.join(loaded.files)}")
    return loaded[names[0]]


def _list() -> int:
    from curricula.difficulty.menu import HELDOUT, KNOWN, TEACHER, TRAINED
    from curricula.formats.menu import FORMATS
    from curricula.ordering import ORDERINGS
    from curricula.pacing import PACINGS
    from curricula.self_paced import WEIGHTINGS

    rows = {
        "scores from training": TRAINED,
        "scores from held-out training": HELDOUT,
        "scores from a teacher": TEACHER,
        "scores the task knows": KNOWN,
        "orderings": ORDERINGS,
        "pacings": [*PACINGS, "loss_threshold (curricula.adaptive)"],
        "self-paced weights": WEIGHTINGS,
        "file formats": FORMATS,
    }
    for title, names in rows.items():
        print(f"{title}\n    {', '.join(names)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
