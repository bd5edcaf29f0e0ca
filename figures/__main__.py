"""python -m figures NAME [--from PLACE] [--out DIR] [--format png|pdf|svg]: draw a study."""

import logging
import os
import sys
from pathlib import Path

from studies.command_line import Parser, fail


def main(argv: list[str] | None = None) -> int:
    """Parse and draw; what is not drawn is said on standard error, a line each; returns the exit status."""
    os.environ["MPLBACKEND"] = "agg"  # no window is opened, and a backend of a notebook may not exist here
    from figures.parts.drawing import FORMATS, draw, names

    parser = Parser(prog="python -m figures", description=__doc__)
    parser.add_argument("name", help=f"a study with results, or one of: {', '.join(names())}")
    parser.add_argument(
        "--from", dest="source", default="results",
        help="folder of results, of summaries such as figures/data, or one .nc file (default: results)",
    )  # fmt: skip
    parser.add_argument("--out", help="folder for the images (default: FROM/NAME/figures)")
    parser.add_argument("--format", default="png", choices=FORMATS)
    args = parser.parse_args(argv)
    source = Path(args.source).expanduser()
    there = source.is_file() or (source / args.name).is_dir() or (source / f"{args.name}.nc").is_file()
    if args.name not in names() and not there:
        fail(f"unknown figure {args.name!r}; known: {', '.join(names())}, and what has results in {source}")
    out = Path(args.out).expanduser() if args.out else None
    if out is None and source.is_file():
        out = source.parent / args.name / "figures"
    says = logging.StreamHandler()
    log = logging.getLogger("figures")
    log.addHandler(says)
    try:
        for path in draw(args.name, out, args.format, source):
            print(path)
    except (OSError, ValueError) as error:
        fail(error)
    finally:
        log.removeHandler(says)
    return 0


if __name__ == "__main__":
    sys.exit(main())
