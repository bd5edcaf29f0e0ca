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


@lru_cache(maxsize=1024)
def named_student(*settings: Any) -> Any:
    from teacher_student.students.two_layer import TwoLayer

    return TwoLayer(*settings)


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
