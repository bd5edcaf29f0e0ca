"""The command line: python -m studies list | run | status | where."""

import argparse
import sys
from typing import NoReturn

from studies.catalogue import get, names, question


class Parser(argparse.ArgumentParser):
    """Errors in one line, exit status 2."""

    def error(self, message: str) -> NoReturn:
        fail(f"{message} (see python -m studies --help)")


def fail(message: object) -> NoReturn:
    """Say what is wrong in one line and stop with status 2."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


def parser() -> Parser:
    """The command line."""
    top = Parser(prog="python -m studies", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True, parser_class=Parser)
    verbs.add_parser("list", help="the studies and their questions")
    helps = {
        "run": "compute what is missing",
        "status": "blocks done, pending and with diverged cells; time left",
        "where": "the address and the folder, without running",
    }
    for verb, text in helps.items():
        sub = verbs.add_parser(
            verb,
            help=text,
            allow_abbrev=False,
            epilog="Any field of the cell may follow, as --width 2,4,8 or --easy.noise 0.2.",
        )
        sub.add_argument("name", help="a study, see list")
        sub.add_argument("--preset", default="quick", help="quick (default) or full")
        sub.add_argument("--out", default="results", help="folder of the results (default: results)")
        sub.add_argument("--replicates", help="number of replicates")
    return top


def overrides(rest: list[str]) -> dict[str, str]:
    """['--width', '2,4', ...] as a mapping."""
    flags, values = rest[0::2], rest[1::2]
    if len(rest) % 2 or not all(flag.startswith("--") for flag in flags):
        raise ValueError(f"cannot read {' '.join(rest)!r}; fields go as --field VALUE or --field V1,V2")
    return dict(zip((flag[2:] for flag in flags), values, strict=True))


def main(argv: list[str] | None = None) -> int:
    """Parse and act; returns the exit status."""
    args, rest = parser().parse_known_args(argv)
    if args.verb == "list":
        width = max(map(len, names()))
        for name in names():
            print(f"{name:{width}}  {question(name)}")
        return 0
    try:
        study = get(args.name, args.preset)
        given = overrides(rest)
        if args.replicates is not None:
            given["replicates"] = args.replicates
        if given:
            study = study.changed(given)
    except (ValueError, TypeError) as error:
        fail(error)
    from studies.run import run, status, where

    try:
        return {"run": run, "status": status, "where": where}[args.verb](study, args.out)
    except OSError as error:
        fail(error)


if __name__ == "__main__":
    sys.exit(main())
