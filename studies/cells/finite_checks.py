"""What cells on finite data refuse of their sources and stages, each in one line."""

from studies.cells import finite_data as sources
from studies.cells.finite_plans import GROWING, SORTED, STANDARD
from studies.cells.finite_settings import IMAGES, KNOWN, LINEAR, PARITY, FiniteSettings


def check_source(cell: FiniteSettings) -> None:
    """Refuse levels, data sets and students that the source does not take."""
    from teacher_student.checks import known, whole
    from teacher_student.tasks.images import DATA_SETS
    from teacher_student.tasks.relabelling import RELABELLINGS

    if cell.source == IMAGES:
        whole("side", cell.side, low=1)
        if not cell.data_set.endswith(".npz"):
            known("data set", cell.data_set, (*DATA_SETS, "a path that ends in .npz"))
        known("relabelling", cell.relabelling, [n for n, rule in RELABELLINGS.items() if not rule().signed])
        if cell.ranking == KNOWN and cell.protocol in ("curriculum", "anti_curriculum", SORTED):
            raise ValueError("images have no known difficulty; give a score, as --ranking el2n")
        if cell.data_set == "digits":
            there = len(sources.pictures("digits", "", "classes", cell.side).train.labels)
            if cell.n_examples > there:
                raise ValueError(f"n_examples is {cell.n_examples}, but digits has {there} training images")
        return
    cell.network().check_inputs(cell.n_inputs)
    if cell.source == PARITY:
        from teacher_student.tasks.bit_parity import BitParity

        for what, level in (("easy", cell.easy), ("hard", cell.hard)):
            if set(level) != {"flip"}:
                raise ValueError(f"{what} is {dict(level)}; a parity needs flip, the probability of -1")
            BitParity(cell.n_inputs, cell.bits).check(cell.n_inputs, level["flip"])
    elif cell.source != LINEAR:
        from teacher_student.levels import check_ends

        task, levels = sources.gaussian(cell)
        check_ends(task, *levels)


def check_stages(cell: FiniteSettings) -> None:
    """Refuse stages of what has none, stages that do not end with all inputs, and a stop without them."""
    if cell.stages:
        from teacher_student.tasks.bit_parity import BitParity

        if cell.source != PARITY:
            raise ValueError(f"stages are of a parity's inputs; source {cell.source!r} has none")
        for n in cell.stages:
            BitParity(cell.n_inputs, cell.bits).check(n, 0.5)
        if list(cell.stages) != sorted(set(cell.stages)) or cell.stages[-1] != cell.n_inputs:
            raise ValueError(
                f"stages are {cell.stages}; need numbers that grow up to n_inputs = {cell.n_inputs}"
            )
    if bool(cell.stages) != (cell.stop > 0):
        raise ValueError(f"stop is {cell.stop:g} with {len(cell.stages)} stages; give both or neither")
    if (cell.protocol == GROWING) > bool(cell.stages):
        raise ValueError(f"protocol {GROWING!r} needs stages, as --stages 10,30,50")
    if cell.stop > 0 and cell.protocol not in (STANDARD, GROWING):
        raise ValueError(f"stages are shown by {GROWING} or {STANDARD}, not by {cell.protocol!r}")
