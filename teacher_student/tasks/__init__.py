"""One file per task. `TASKS` is the menu: what is registered here, studies, scorers and tests find."""

import importlib
from typing import Any

from teacher_student.checks import known

#: Name of a task -> the module whose TASK is its class; imported when the task is asked for.
TASKS = {name: f"{__name__}.{name}" for name in ("xor_mixture", "sparse_teacher", "committee")}


def task_class(name: str) -> type[Any]:
    """The class of a registered task, which satisfies `teacher_student.interfaces.Task`.

    >>> task_class("xor_mixture")(n_inputs=50).group_names
    ('+e1', '-e1', '+e2', '-e2')
    """
    known("task", name, TASKS)
    return importlib.import_module(TASKS[name]).TASK
