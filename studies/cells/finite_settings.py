"""The settings of a cell on finite data, as plain data: what its sources, plans and checks look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Sources that are no Gaussian task of `teacher_student.tasks.TASKS`.
LINEAR, PARITY, IMAGES = "linear", "parity", "images"
#: Sources with real labels: no accuracy, and noise that is added to them.
REAL = (LINEAR, "committee")

#: The ranking that is the difficulty the source knows.
KNOWN = "known"


@dataclass(frozen=True)
class FiniteSettings:
    """One run over a fixed set of examples.

    Parameters
    ----------
    source : a task of teacher_student.tasks.TASKS, "linear", "parity" or "images"
    n_inputs : int, input dimension N; of images the pixels say it
    options : further arguments of a Gaussian task, by name
    easy : level of easy examples, as arguments of `task.level`; {"flip": p} of a parity
    hard : level of hard examples, likewise; runs are tested on it
    easy_fraction : float in [0, 1], share of easy examples, exactly
    bits : numbers of the bits in the label of a parity, from 1
    stages : active bits of a parity, stage by stage, the last one n_inputs; none for all at once
    data_set : "digits", "mnist", "fashion_mnist", "cifar10" or the path of an .npz file
    data_dir : folder of its files; changes no number
    relabelling : "classes", "parity" or "class_group_xor", see `teacher_student.tasks.relabelling`
    side : images are averaged over the smallest squares of pixels that leave at most this many a side
    n_examples : int, P; images are drawn without repeats from the training set, for each replicate anew
    label_noise : share of training labels that are wrong, exactly; of real labels the variance of the noise
    student : a kind of `teacher_student.students.plain.PlainNet`, see there for the next three
    width : int, units K of a layer; of "linear" the inputs that it sees
    depth : int, hidden layers of "mlp"
    activation : of the hidden units
    loss : name from `teacher_student.training.finite.LOSSES`
    optimiser : name from `teacher_student.training.optimisers`
    schedule : of the learning rate, see `Optimiser`
    learning_rate : float, a step is learning_rate / N times the gradient of the mean loss of a minibatch
    weight_decay : float >= 0, times the weights, is part of the gradient
    batch_size : int, divides n_examples
    epochs : int, E, passes over the training set
    record_every : int, epochs between two records; divides epochs
    protocol : which examples an epoch shows
        standard: all; curriculum, anti_curriculum, random, noise_last: a pool that grows, easiest first,
        hardest first, in random order, and at random but for wrong labels, which come last; sorted: all, in
        every epoch easiest first; growing_inputs: stage by stage, each until its test accuracy is `stop`
    ranking : "known" to the source, or a score of `curricula.difficulty.trained.SCORES` on the noisy labels
    ranking_epochs : int, epochs of the ten networks that compute a score
    pacing : how the pool grows, see `curricula.pace`
    a : fraction of the run after which all examples are in
    b : fraction of the examples that it starts with
    stop : float in [0, 1], test accuracy at which a stage is learnt; 0 where there are no stages
    record : more to record, from `teacher_student.training.finite.QUANTITIES`
    n_test : int, test examples, drawn; of images the first ones
    seed : int, 0 <= seed < 2^32, of everything that is drawn
    """

    source: str = "xor_mixture"
    n_inputs: int = 20
    options: Mapping[str, float] = field(default_factory=dict, hash=False)
    easy: Mapping[str, float] = field(default_factory=lambda: {"noise": 0.1}, hash=False)
    hard: Mapping[str, float] = field(default_factory=lambda: {"noise": 1.0}, hash=False)
    easy_fraction: float = 0.3
    bits: tuple[int, ...] = (1, 5, 8)
    stages: tuple[int, ...] = ()
    data_set: str = "digits"
    data_dir: str = field(default="", metadata={"place": True})
    relabelling: str = "classes"
    side: int = 16
    n_examples: int = 200
    label_noise: float = 0.0
    student: str = "two_layer"
    width: int = 16
    depth: int = 1
    activation: str = "relu"
    loss: str = "squared"
    optimiser: str = "sgd"
    schedule: str = "constant"
    learning_rate: float = 0.5
    weight_decay: float = 0.0
    batch_size: int = 10
    epochs: int = 100
    record_every: int = 10
    protocol: str = "curriculum"
    ranking: str = KNOWN
    ranking_epochs: int = 5
    pacing: str = "linear"
    a: float = 0.5
    b: float = 0.2
    stop: float = 0.0
    record: tuple[str, ...] = ()
    n_test: int = 1000
    seed: int = 0

    def network(self) -> Any:
        """The student."""
        from teacher_student.students.plain import PlainNet

        outputs = 10 if self.source == IMAGES and self.relabelling == "classes" else 1
        return PlainNet(self.student, self.width, outputs, self.depth, self.activation)

    def setting(self) -> Any:
        """What shapes the program besides the student."""
        from teacher_student.training.finite import Setting
        from teacher_student.training.optimisers import Optimiser

        optimiser = Optimiser(self.optimiser, self.schedule)
        return Setting(self.n_examples, self.batch_size, self.loss, optimiser, self.record)
