"""python -m figures NAME [--from DIR] [--out DIR] [--format png|pdf|svg]: draw a study from saved arrays."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import xarray as xr

from figures.parts.style import RC
from studies.command_line import Parser, fail
from studies.store import load


def check_protocols(module: ModuleType, protocols: xr.DataArray) -> None:
    """Refuse results without the protocols that the figures compare: those in the module's `PAIR`, if any."""
    needed, there = getattr(module, "PAIR", ()), protocols.values.tolist()
    if missing := [name for name in needed if name not in there]:
        fail(
            f"these figures compare {' and '.join(needed)}, but the study has no {' and no '.join(missing)}, "
            f"only {', '.join(there)}; run it with --protocol {','.join(needed)}"
        )


def names() -> list[str]:
    """The studies that have figures."""
    own = {"__init__", "__main__", "style", "panels", "summary"}
    return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in own)


def main(argv: list[str] | None = None) -> int:
    """Parse, load or compute the summary, draw; returns the exit status."""
    parser = Parser(prog="python -m figures", description=__doc__)
    parser.add_argument("name", help=f"one of: {', '.join(names())}")
    parser.add_argument(
        "--from", dest="source", default="results",
        help="folder of a study's results, or of summaries such as figures/data (default: results)",
    )  # fmt: skip
    parser.add_argument("--out", help="folder for the images (default: FROM/NAME/figures)")
    parser.add_argument("--format", default="png", choices=("png", "pdf", "svg"))
    args = parser.parse_args(argv)
    if args.name not in names():
        fail(f"unknown figure {args.name!r}; known: {', '.join(names())}")
    module = importlib.import_module(f"figures.{args.name}")
    published = Path(args.source) / f"{args.name}.nc"
    out = Path(args.out or Path(args.source) / args.name / "figures")
    try:
        if published.exists():
            summary = xr.load_dataset(published, engine="h5netcdf")
        else:
            results = load(args.name, args.source)
            check_protocols(module, results.protocol)
            summary = module.summarise(results)
            out.mkdir(parents=True, exist_ok=True)
            packed = {name: {"zlib": True, "complevel": 9} for name in summary.data_vars}
            summary.to_netcdf(out / f"{args.name}.nc", engine="h5netcdf", encoding=packed)
        mpl.use("Agg")
        with mpl.rc_context(RC):
            for path in module.draw(summary, out, args.format):
                print(path)
    except OSError as error:
        fail(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
