"""Tasks, students, levels and simulators from their names, each made once."""

import inspect
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from teacher_student.interfaces import Student, Task


@lru_cache(maxsize=64)
def named_task(name: str, n_inputs: int, options: tuple[tuple[str, float], ...]) -> Any:
    from teacher_student.tasks import task_class

    make = task_class(name)
    return make(n_inputs, **_options(make, dict(options)))


class Kind(NamedTuple):
    """A kind of student: its name in `teacher_student`, and its arguments that are fields of a cell.

    `own` leaves out width, activation, loss and parametrisation, which all kinds have.
    """

    student: str
    own: tuple[str, ...]


STUDENTS = {
    "two_layer": Kind("TwoLayer", ("train_readout", "readout_start", "readout_scale")),
    "deep": Kind("Deep", ("depth", "bias")),
    "experts": Kind("Experts", ("experts", "active")),
    "pair": Kind("Pair", ("teacher_width", "guidance")),
    "softmax": Kind("Softmax", ()),
    "tracked": Kind("Tracked", ()),
}


#: Kind -> fields that only other kinds have.
FOREIGN = {
    name: frozenset(field for other in STUDENTS.values() for field in other.own if field not in kind.own)
    for name, kind in STUDENTS.items()
}


def student_of(cell: Any) -> Any:
    """The student of a cell; fields that its kind does not have must be left at their defaults."""
    from teacher_student.checks import known

    known("student", cell.student, STUDENTS)
    own, foreign = STUDENTS[cell.student].own, FOREIGN[cell.student]
    for f in fields(cell):
        if f.name in foreign and (value := getattr(cell, f.name)) != f.default:
            kinds = " or ".join(name for name, kind in STUDENTS.items() if f.name in kind.own)
            raise ValueError(
                f"{f.name} is {value!r}, but student {cell.student!r} has none; leave it at {f.default!r} or "
                f"take student {kinds}"
            )
    names = ("width", "activation", "loss", "parametrisation", *own)
    settings = {name: getattr(cell, name) for name in names}
    if settings.get("active") == 0:  # of a cell: all of them
        settings["active"] = None
    return named_student(cell.student, **settings)


@lru_cache(maxsize=1024)
def named_student(kind: str, **settings: object) -> Any:
    import teacher_student

    return getattr(teacher_student, STUDENTS[kind].student)(**settings)


@lru_cache(maxsize=1024)
def named_level(task: "Task", given: tuple[tuple[str, float], ...]) -> Any:
    from teacher_student.checks import known

    for name, _ in given:
        known("difficulty field", name, inspect.signature(task.level).parameters)
    return task.level(**dict(given))


@lru_cache(maxsize=1024)
def check_protocol(
    task: "Task",
    protocol: str,
    easy: tuple[tuple[str, float], ...],
    hard: tuple[tuple[str, float], ...],
    share: float,
) -> None:
    """Refuse a protocol that cannot be, or not between these levels with this share of easy samples."""
    from teacher_student.schedules import tabulate

    tabulate(task, protocol, named_level(task, easy), named_level(task, hard), share)


#: "auto" of a cell takes Gram space, even with a chunk cut short by the dimension, down to this length.
SHORTEST_CHUNK = 32


def settled(task: "Task", student: "Student", method: str, averaged: bool = False) -> str:
    """The simulator, by name, that `method` of a cell stands for; "theory" draws its starts as "auto" does.

    "auto" is in the addresses of stored results, so it means for ever what it meant when they were
    computed: Gram space down to chunks of SHORTEST_CHUNK samples, else "full". `simulate` may have learned
    of something faster since; a cell takes that by its name.
    """
    from teacher_student.training.program import chunk_length, gram_room

    if method not in ("auto", "theory"):
        return method
    rows = student.core().rows * (2 if averaged else 1)
    shortest = min(chunk_length(rows), SHORTEST_CHUNK)
    return "gram" if gram_room(task, rows) >= shortest else "full"


@lru_cache(maxsize=1024)
def named_method(task: "Task", student: "Student", method: str, dtype: str, averaged: bool = False) -> Any:
    """The simulator of a cell, whose `method` is one of simulators or "theory"."""
    from teacher_student.training.program import choose_method

    return choose_method(task, student, settled(task, student, method, averaged), dtype, averaged=averaged)


@lru_cache(maxsize=64)
def named_start(task: "Task", student: "Student", learning_rate: float, seed: int, dtype: str) -> Any:
    """The order parameters of one student, drawn once for all blocks that start from it."""
    from teacher_student.training.start import draw_start

    own = draw_start(
        task, student, learning_rate=learning_rate, seed=seed, dtype=dtype,
        method=settled(task, student, "auto"),
    )  # fmt: skip
    return type(own)(*(x[0] for x in own))


def _options(make: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a task class; the command line gives all numbers as floats, so whole ones become ints."""
    from teacher_student.checks import known

    kinds = {f.name: f.type for f in fields(make) if f.name != "n_inputs"}
    options = {}
    for name, value in given.items():
        known(f"option of {make.name}", name, kinds)
        if kinds[name] is int:
            if not float(value).is_integer():
                raise ValueError(f"{name} is {value!r}; need a whole number")
            value = int(value)
        options[name] = value
    return options
