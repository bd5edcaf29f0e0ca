"""The world: tasks drawn from a teacher, students that learn them, and the ways to simulate learning.

With `ts.trajectory` in the place of `ts.simulate` the equations of the limit N -> infinity are solved.
Training loops know no curriculum: they take a schedule (one difficulty level per step), and
`teacher_student.protocols` makes one of a name. Every name below is imported when it is first used, so
importing the package is free.

Examples
--------
A curriculum against its control, at one width:

>>> import teacher_student as ts
>>> task = ts.XorMixture(n_inputs=100)
>>> protocols = ("curriculum", "no_curriculum")
>>> found = ts.simulate(task, ts.TwoLayer(width=8), protocol=protocols, easy=0.1, hard=1.0, budget=20,
...                     easy_fraction=0.3, learning_rate=0.3, replicates=2)
>>> ds = found.to_xarray()                       # what studies.analysis takes
>>> ds.test_accuracy.dims, ds.protocol.values.tolist()
(('protocol', 'width', 'replicate', 'time'), ['curriculum', 'no_curriculum'])
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teacher_student.equations import trajectory
    from teacher_student.flops import training_flops
    from teacher_student.order_parameters import Overlaps
    from teacher_student.protocols import PROTOCOLS, Phase, Protocol, ramp, staircase
    from teacher_student.pruning import Pruning
    from teacher_student.students.deep import Deep
    from teacher_student.students.experts import Experts
    from teacher_student.students.flax_nets import make_student
    from teacher_student.students.pair import Pair
    from teacher_student.students.softmax import Softmax
    from teacher_student.students.tracked import Tracked
    from teacher_student.students.two_layer import TwoLayer
    from teacher_student.tasks.committee import Committee
    from teacher_student.tasks.corruption import Presentation, draw_levels
    from teacher_student.tasks.images import hold_out, image_task, load_images, target_set
    from teacher_student.tasks.relabelling import ClassGroupXor, Parity, PlainClasses, PolarityXor
    from teacher_student.tasks.sparse_teacher import SparseTeacher
    from teacher_student.tasks.xor_mixture import XorMixture
    from teacher_student.training.epochs import train
    from teacher_student.training.evaluation import Labelled
    from teacher_student.training.optimisers import Optimiser
    from teacher_student.training.simulate import simulate
    from teacher_student.training.start import draw_start

#: Module -> the names taken from it.
_NAMES = {
    "equations": ("trajectory",),
    "flops": ("training_flops",),
    "order_parameters": ("Overlaps",),
    "protocols": ("PROTOCOLS", "Phase", "Protocol", "ramp", "staircase"),
    "pruning": ("Pruning",),
    "students.deep": ("Deep",),
    "students.flax_nets": ("make_student",),
    "students.experts": ("Experts",),
    "students.pair": ("Pair",),
    "students.softmax": ("Softmax",),
    "students.tracked": ("Tracked",),
    "students.two_layer": ("TwoLayer",),
    "tasks.committee": ("Committee",),
    "tasks.corruption": ("Presentation", "draw_levels"),
    "tasks.images": ("hold_out", "image_task", "load_images", "target_set"),
    "tasks.relabelling": ("ClassGroupXor", "Parity", "PlainClasses", "PolarityXor"),
    "tasks.sparse_teacher": ("SparseTeacher",),
    "tasks.xor_mixture": ("XorMixture",),
    "training.epochs": ("train",),
    "training.evaluation": ("Labelled",),
    "training.optimisers": ("Optimiser",),
    "training.simulate": ("simulate",),
    "training.start": ("draw_start",),
}
_HOME = {name: f"teacher_student.{module}" for module, names in _NAMES.items() for name in names}

__all__ = [
    "PROTOCOLS", "ClassGroupXor", "Committee", "Deep", "Experts", "Labelled", "Optimiser", "Overlaps",
    "Pair", "Parity", "Phase", "PlainClasses", "PolarityXor", "Presentation", "Protocol", "Pruning",
    "Softmax", "SparseTeacher", "Tracked", "TwoLayer", "XorMixture", "draw_levels", "draw_start", "hold_out",
    "image_task", "load_images", "make_student", "ramp", "simulate", "staircase", "target_set", "train",
    "training_flops", "trajectory",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(
            f"module 'teacher_student' has no attribute {name!r}; it has {', '.join(__all__)}"
        )
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
