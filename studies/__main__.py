"""The command line: python -m studies list | run | status | where | verify | export | report."""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from studies.catalogue import get, names, question
from studies.command_line import Parser, fail, path, spoken, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from studies.engine.status import Survey

#: What the verbs about one study do.
VERBS = {
    "run": "compute what is missing",
    "status": "blocks done, pending and with diverged cells; time left",
    "where": "the address and the folder, without running",
    "verify": "compute randomly chosen finished cells again and compare",
    "export": "write one labelled file",
    "report": "write one page to explore in a browser",
}

#: Verbs about what is stored, whatever was asked -> the file that they write.
STORED = {"export": "FILE.nc or FILE.zarr", "report": "FILE.html"}


class Help(argparse.Action):
    """Prints the help of a verb, and behind the name of a study also that study's fields."""

    def __init__(self, option_strings: list[str], dest: str, **_: object) -> None:
        text = "this; NAME --help lists the fields of the study, too"
        super().__init__(option_strings, dest=argparse.SUPPRESS, nargs=0, help=text)

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *_: object) -> None:
        parser.print_help()
        if getattr(namespace, "name", None) and hasattr(namespace, "preset"):
            from studies.fields import words

            try:
                study = get(namespace.name, namespace.preset)
            except ValueError as error:
                fail(error)
            print(f"\nfields of {study.name} ({namespace.preset}), their values and meaning:")
            print("\n".join(words(study)))
        parser.exit()


def parser() -> Parser:
    """The command line."""
    top = Parser(prog="python -m studies", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True, parser_class=Parser)
    verbs.add_parser("list", help="the studies and their questions")
    subs = {}
    for verb, text in VERBS.items():
        more = (
            "Any field of the cell may follow, as --width 2,4,8 or --easy.noise 0.2; NAME --help lists them."
        )
        sub = verbs.add_parser(
            verb, help=text, allow_abbrev=False, add_help=False, epilog=None if verb in STORED else more
        )
        sub.add_argument("-h", "--help", action=Help)
        sub.add_argument("name", help="a study, see list")
        sub.add_argument(
            "--out", default="results", type=path, help="folder of the results (default: results)"
        )
        if verb not in STORED:
            sub.add_argument("--preset", default="quick", help="quick (default) or full")
            sub.add_argument("--replicates", help="number of replicates")
        subs[verb] = sub
    run, status, verify = (subs[verb] for verb in ("run", "status", "verify"))
    run.add_argument("--devices", help="spread over N local devices, or all (default: all but CPUs)")
    run.add_argument("--workers", help="compute in N processes of this machine")
    run.add_argument(
        "--cluster",
        type=path,
        help="address of a Dask scheduler, the .json file it wrote, or a .yaml file for dask-jobqueue",
    )
    run.add_argument("--timeout", help="replace a worker that takes more SECONDS for a block")
    run.add_argument("--shard", help="I/N: only every N-th block, from the I-th (for array jobs)")
    run.add_argument(
        "--programs", help="keep compiled programs in this folder, or off (default: user's cache)"
    )
    status.add_argument("--watch", action="store_true", help="look again every 2 s until all is done")
    verify.add_argument("--cells", default="3", help="how many (default: 3)")
    verify.add_argument("--seed", help="choose the same cells again")
    for verb, kinds in STORED.items():
        subs[verb].add_argument("--to", required=True, type=path, help=kinds)
        subs[verb].add_argument("--address", help="which one, see where (default: the one run last)")
    return top


def overrides(rest: list[str]) -> dict[str, str]:
    """['--width', '2,4', '--rate=0.1', ...] as a mapping."""
    given: dict[str, str] = {}
    words = iter(rest)
    for word in words:
        flag, equals, value = word.partition("=")
        if not equals:
            value = next(words, "")
        if not flag.startswith("--") or not value:
            raise ValueError(f"cannot read {' '.join(rest)!r}; fields go as --field VALUE or --field V1,V2")
        if flag[2:] in given:
            raise ValueError(f"{flag} is given twice; several values go as {flag} V1,V2")
        given[flag[2:]] = value
    return given


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
        with spoken("studies"):
            return act(args, rest)
    except (ValueError, TypeError, OSError) as error:
        fail(error)


def act(args: argparse.Namespace, rest: list[str]) -> int:
    """Carry out a verb that is about one study; the exit status."""
    if args.verb in STORED:
        if rest:
            raise ValueError(f"unknown argument {rest[0]!r}; {args.verb} takes --to, --out and --address")
        if not os.path.isdir(os.path.join(args.out, args.name)):
            get(args.name)  # a study of the catalogue can be run; any other name is unknown
        if args.verb == "export":
            from studies.engine.export import export as write
        else:
            from studies.report import write
        write(args.name, args.out, args.to, args.address)
        return 0
    how = None
    if args.verb == "run":
        from studies.engine.devices import prepare
        from studies.engine.how import How

        how = How.read(args.devices, args.workers, args.cluster, args.timeout, args.shard, args.programs)
        prepare(how.devices)
    given = overrides(rest)
    if args.replicates is not None:
        given["replicates"] = args.replicates
    study = get(args.name, args.preset)
    study = study.changed(given) if given else study
    if how is not None:
        from studies.engine.display import Display
        from studies.engine.run import run

        ended = run(study, args.out, how, [Display(how.processes)])
        return 130 if ended.left else int(not ended.ok)
    if args.verb == "verify":
        from studies.engine.verify import verify

        seed = None if args.seed is None else whole("seed", args.seed, 0)
        found = verify(study, args.out, whole("cells", args.cells, 1), seed)
        print(found)
        return int(bool(found.differ))
    from studies.engine.status import status, watch, where

    if args.verb == "status" and args.watch:
        return follow(watch(study, args.out))
    print(status(study, args.out) if args.verb == "status" else where(study, args.out))
    return 0


def follow(looks: "Iterator[Survey]") -> int:
    """Show what is there as it changes; the exit status."""
    from rich.console import Console
    from rich.live import Live

    console, shown = Console(), ""
    with Live(console=console, auto_refresh=False) if console.is_terminal else console as live:
        try:
            for look in looks:
                if isinstance(live, Live):
                    live.update(str(look), refresh=True)
                elif str(look) != shown:
                    print(look, flush=True)
                shown = str(look)
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
