"""The settings of a cell of online SGD, as plain data, and what they name: what its blocks look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from studies.cells.named import named_level, named_start, named_task, student_of


@dataclass(frozen=True)
class OnlineSettings:
    """One run of online SGD, as plain data.

    Parameters
    ----------
    task : name of a module in teacher_student.tasks
    n_inputs : int, input dimension N
    options : further arguments of the task, by name; whole floats serve where it needs an int
    width : int, hidden units K of a layer, see TwoLayer for this and the next five
    activation : of the hidden units
    loss : that is descended
    parametrisation : scaling of weights and rates with K
    train_readout : bool, whether the second layer is trained
    readout_start : how the second layer is drawn
    learning_rate : float, eta
    easy : level of easy samples, as arguments of `task.level`
    hard : level of hard samples, as arguments of `task.level`; runs are tested on it
    easy_fraction : float in [0, 1], easy share of the samples
    protocol : order of easy and hard samples, see teacher_student.protocols
    budget : float, length of the run in units of N samples
    record_every : float, time between two records, in units of N samples; divides the budget
    record : names of what is recorded, see teacher_student.training.recording
    n_test : int, test points per record
    method : "auto", "gram", "bulk" or "full" simulate, "theory" integrates the N -> infinity equations
        "auto" is "gram", or "full" where N - P - K is less than 32 (16 up to K = 8). Where it is less than a
        chunk of 128 samples (64 up to K = 128) "bulk" is the fastest, see docs/speed.md.
        The equations start from the same students, see `teacher_student.theory`.
    dtype : "float32" or "float64"
    seed : int, 0 <= seed < 2^32, of everything that is drawn
    readout_scale : float >= 0, factor on the readout at the start, see TwoLayer
    student : "two_layer", "deep", "experts", "pair", "softmax" or "tracked", by the classes of that name
    depth : int, hidden layers of width units each, see Deep for this and the next
    bias : bool, whether units of the first layer have biases
    experts : int, mixed experts that share the units, see Experts for this and the next
    active : int, experts that count for an input, or 0 for all
    teacher_width : int, units of a teacher that trains beside the student, see Pair for this and the next
    guidance : float in [0, 1], share of the teacher's output in what the student is taught
    checkpoint : float, time at which a pair's teacher stops and its student begins, in units of N samples
        0: both learn from the same samples at the same time. Above 0: the teacher takes the first samples of
        its own run of length `budget`, as many as that, then the student all of its run; records cover both.
    teacher_protocol : order of the samples that a teacher takes before its checkpoint; "" for its student's
    rate_schedule : learning rate over time, by its name in teacher_student.rate_schedules
    average : float in [0, 1), share of the run, at its end, over which iterates are averaged
    start_inputs : 0, or the dimension N at which one start for all replicates is drawn
        0: every replicate draws its own student at its own N. Above 0: all replicates start from the order
        parameters of one student drawn at N = start_inputs, so runs at different N start alike.
    schedule : file that the protocol "optimal" is read from, see teacher_student.saved_schedule
    """

    task: str = "xor_mixture"
    n_inputs: int = 300
    options: Mapping[str, float] = field(default_factory=dict)
    width: int = 16
    activation: str = "relu"
    loss: str = "squared"
    parametrisation: str = "standard"
    train_readout: bool = True
    readout_start: str = "gaussian"
    learning_rate: float = 0.3
    easy: Mapping[str, float] = field(default_factory=lambda: {"noise": 0.1})
    hard: Mapping[str, float] = field(default_factory=lambda: {"noise": 1.0})
    easy_fraction: float = 0.3
    protocol: str = "curriculum"
    budget: float = 1000.0
    record_every: float = 20.0
    record: tuple[str, ...] = ("test_accuracy", "test_loss")
    n_test: int = 512
    method: str = "auto"
    dtype: str = "float32"
    seed: int = 0
    readout_scale: float = field(default=1.0, metadata={"added": True})
    student: str = field(default="two_layer", metadata={"added": True})
    depth: int = field(default=1, metadata={"added": True})
    bias: bool = field(default=False, metadata={"added": True})
    experts: int = field(default=2, metadata={"added": True})
    active: int = field(default=0, metadata={"added": True})
    teacher_width: int = field(default=64, metadata={"added": True})
    guidance: float = field(default=1.0, metadata={"added": True})
    checkpoint: float = field(default=0.0, metadata={"added": True})
    teacher_protocol: str = field(default="", metadata={"added": True})
    rate_schedule: str = field(default="constant", metadata={"added": True})
    average: float = field(default=0.0, metadata={"added": True})
    start_inputs: int = field(default=0, metadata={"added": True})
    schedule: str = field(default="", metadata={"place": True})

    def world(self) -> tuple[Any, Any, tuple[Any, Any]]:
        """The task, the student and the (easy, hard) levels."""
        task = named_task(self.task, self.n_inputs, tuple(sorted(self.options.items())))
        student = student_of(self)
        student.scaling(self.learning_rate, self.n_inputs)
        levels = named_level(task, tuple(self.easy.items())), named_level(task, tuple(self.hard.items()))
        return task, student, levels

    def start(self) -> Any:
        """Order parameters shared by all replicates, or None where each draws its own."""
        if not self.start_inputs:
            return None
        task, student, _ = replace(self, n_inputs=self.start_inputs).world()
        return named_start(task, student, self.learning_rate, self.seed, self.dtype)

    @property
    def n_records(self) -> int:
        """Records after the first."""
        return round((self.budget + self.checkpoint) / self.record_every)

    @property
    def n_steps(self) -> int:
        """Samples of the run, those of a teacher before its student included."""
        return round((self.budget + self.checkpoint) * self.n_inputs)
