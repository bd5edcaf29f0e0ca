"""The command line: python -m studies list | run | status | where | export | verify."""

import argparse
import sys

from studies.catalogue import get, names, question
from studies.command_line import Parser, fail


def parser() -> Parser:
    """The command line."""
    top = Parser(prog="python -m studies", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True, parser_class=Parser)
    verbs.add_parser("list", help="the studies and their questions")
    helps = {
        "run": "compute what is missing",
        "status": "blocks done, pending and with diverged cells; time left",
        "where": "the address and the folder, without running",
        "verify": "compute randomly chosen finished cells again and compare",
    }
    subs = {
        verb: verbs.add_parser(
            verb,
            help=text,
            allow_abbrev=False,
            epilog="Any field of the cell may follow, as --width 2,4,8 or --easy.noise 0.2.",
        )
        for verb, text in helps.items()
    }
    subs["export"] = verbs.add_parser("export", help="write one labelled file", allow_abbrev=False)
    for verb, sub in subs.items():
        sub.add_argument("name", help="a study, see list")
        sub.add_argument("--out", default="results", help="folder of the results (default: results)")
        if verb != "export":
            sub.add_argument("--preset", default="quick", help="quick (default) or full")
            sub.add_argument("--replicates", help="number of replicates")
    run, status, verify, export = (subs[verb] for verb in ("run", "status", "verify", "export"))
    run.add_argument("--devices", help="spread over N local devices, or all (default: all but CPUs)")
    run.add_argument("--workers", help="compute in N processes of this machine")
    run.add_argument("--cluster", help="address of a Dask scheduler, or a YAML file for dask-jobqueue")
    run.add_argument("--timeout", help="replace a worker that takes more SECONDS for a block")
    run.add_argument("--shard", help="I/N: only every N-th block, from the I-th (for array jobs)")
    status.add_argument("--watch", action="store_true", help="look again every 2 s until all is done")
    verify.add_argument("--cells", type=int, default=3, help="how many (default: 3)")
    verify.add_argument("--seed", type=int, help="choose the same cells again")
    export.add_argument("--to", required=True, help="FILE.nc or FILE.zarr")
    export.add_argument("--address", help="which one, see where (default: the one run last)")
    return top


def overrides(rest: list[str]) -> dict[str, str]:
    """['--width', '2,4', ...] as a mapping."""
    flags, values = rest[0::2], rest[1::2]
    if len(rest) % 2 or not all(flag.startswith("--") for flag in flags):
        raise ValueError(f"cannot read {' '.join(rest)!r}; fields go as --field VALUE or --field V1,V2")
    for flag in flags:
        if flags.count(flag) > 1:
            raise ValueError(f"{flag} is given twice; several values go as {flag} V1,V2")
    return dict(zip((flag[2:] for flag in flags), values, strict=True))


def main(argv: list[str] | None = None) -> int:
    """Parse and act; returns the exit status."""
    args, rest = parser().parse_known_args(argv)
    if args.verb == "list":
        if rest:
            fail(f"unknown argument {rest[0]!r}; list takes none")
        width = max(map(len, names()))
        for name in names():
            print(f"{name:{width}}  {question(name)}")
        return 0
    try:
        return act(args, rest)
    except (ValueError, TypeError, OSError) as error:
        fail(error)


def act(args: argparse.Namespace, rest: list[str]) -> int:
    """Carry out a verb that is about one study."""
    if args.verb == "export":
        from studies.engine.export import export

        if rest:
            raise ValueError(f"unknown argument {rest[0]!r}; export takes --to, --out and --address")
        return export(args.name, args.out, args.to, args.address)
    how = None
    if args.verb == "run":
        from studies.engine.devices import prepare
        from studies.engine.how import How

        how = How.read(args.devices, args.workers, args.cluster, args.timeout, args.shard)
        prepare(how.devices)
    study = get(args.name, args.preset)
    given = overrides(rest)
    if args.replicates is not None:
        given["replicates"] = args.replicates
    if given:
        study = study.changed(given)
    if args.verb == "run":
        from studies.engine.run import run

        return run(study, args.out, how)
    if args.verb == "verify":
        from studies.engine.verify import verify

        if args.cells < 1:
            raise ValueError(f"cells is {args.cells}; need cells >= 1")
        return verify(study, args.out, args.cells, args.seed)
    from studies.engine.status import status, where

    return status(study, args.out, args.watch) if args.verb == "status" else where(study, args.out)


if __name__ == "__main__":
    sys.exit(main())
