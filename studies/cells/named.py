"""Tasks, students, levels and simulators from their names, each made once."""

import inspect
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=64)
def named_task(name: str, n_inputs: int, options: tuple[tuple[str, float], ...]) -> Any:
    from teacher_student.tasks import task_class

    make = task_class(name)
    return make(n_inputs, **_options(make, dict(options)))


#: Kind of student -> the fields of a cell that it has beside width, activation, loss and parametrisation.
STUDENTS = {
    "two_layer": ("train_readout", "readout_start", "readout_scale"),
    "deep": ("depth", "bias"),
}


def student_of(cell: Any) -> Any:
    """The student of a cell; fields that its kind does not have must be left at their defaults."""
    from teacher_student.checks import known

    known("student", cell.student, STUDENTS)
    own = STUDENTS[cell.student]
    for f in fields(cell):
        value, foreign = getattr(cell, f.name), any(f.name in names for names in STUDENTS.values())
        if foreign and f.name not in own and value != f.default:
            kinds = " or ".join(kind for kind, names in STUDENTS.items() if f.name in names)
            raise ValueError(
                f"{f.name} is {value!r}, but student {cell.student!r} has none; leave it at {f.default!r} or "
                f"take student {kinds}"
            )
    settings = ("width", "activation", "loss", "parametrisation", *own)
    return named_student(cell.student, **{name: getattr(cell, name) for name in settings})


@lru_cache(maxsize=1024)
def named_student(kind: str, **settings: Any) -> Any:
    from teacher_student.students.deep import Deep
    from teacher_student.students.two_layer import TwoLayer

    return {"two_layer": TwoLayer, "deep": Deep}[kind](**settings)


@lru_cache(maxsize=1024)
def named_level(task: Any, given: tuple[tuple[str, float], ...]) -> Any:
    from teacher_student.checks import known

    for name, _ in given:
        known("difficulty field", name, inspect.signature(task.level).parameters)
    return task.level(**dict(given))


@lru_cache(maxsize=1024)
def check_protocol(
    task: Any,
    protocol: str,
    easy: tuple[tuple[str, float], ...],
    hard: tuple[tuple[str, float], ...],
    share: float,
) -> None:
    """Refuse a protocol that cannot be, or not between these levels with this share of easy samples."""
    from teacher_student.schedules import tabulate

    tabulate(task, protocol, named_level(task, easy), named_level(task, hard), share)


@lru_cache(maxsize=1024)
def named_method(task: Any, student: Any, method: str, dtype: str) -> Any:
    from teacher_student.training.program import choose_method

    return choose_method(task, student, method, dtype)


@lru_cache(maxsize=64)
def named_start(task: Any, student: Any, learning_rate: float, seed: int, dtype: str) -> Any:
    """The order parameters of one student, drawn once for all blocks that start from it."""
    from teacher_student.training.start import draw_start

    own = draw_start(task, student, learning_rate=learning_rate, seed=seed, dtype=dtype)
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
