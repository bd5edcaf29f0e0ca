"""The cell of the study consolidation: easy and hard examples fitted one after the other, elastically.

See `teacher_student.training.elastic` for what a fit is.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from studies.cells.named import named_level, named_task
from studies.cells.result import result
from studies.store import STATUS
from teacher_student.fixed_settings import fixed_settings
from teacher_student.roles import EXAMPLES, RUNS

if TYPE_CHECKING:
    import xarray as xr
    from jax import Array
    from jaxtyping import PyTree

    from studies.cell import Block
    from teacher_student.students.plain import PlainNet

#: Raised by one whenever a change alters the numbers of an existing cell.
NUMERICS = 1

#: Protocol -> the sets that are fitted, one after the other: "e" easy, "h" hard, "eh" both together.
PROTOCOLS: dict[str, tuple[str, ...]] = {
    "all_at_once": ("eh",),
    "hard_only": ("h",),
    "easy_only": ("e",),
    "easy_to_hard": ("e", "h"),
    "hard_to_easy": ("h", "e"),
}


@dataclass(frozen=True)
class ConsolidationCell:
    """One fit, or two, as plain data.

    Parameters
    ----------
    task : name of a module in teacher_student.tasks whose labels are signs
    n_inputs : int, input dimension N
    options : further arguments of the task, by name
    easy : level of easy examples, as arguments of `task.level`
    hard : level of hard examples, likewise; students are tested on it
    alpha_easy : float > 0, easy examples / N
    alpha_hard : float > 0, hard examples / N
    student : "linear", whose fit is convex and exact, or "two_layer", relu without biases
    width : int, units K; 1 for "linear"
    ridge : float > 0, pull of the first fit to 0
    coupling : float >= 0, pull of the second fit to the first; protocols of one fit do not know it
    n_steps : int, steps of the descent of a fit of two layers
    learning_rate : float, of that descent
    protocol : all_at_once, hard_only, easy_only, easy_to_hard, hard_to_easy
    n_test : int, test points of a replicate, see the task's `evaluate`
    seed : int, 0 <= seed < 2^32, of everything that is drawn
    """

    task: str = "sparse_teacher"
    n_inputs: int = 200
    options: Mapping[str, float] = field(default_factory=dict)
    easy: Mapping[str, float] = field(default_factory=lambda: {"noise": 0.0})
    hard: Mapping[str, float] = field(default_factory=lambda: {"noise": 1.0})
    alpha_easy: float = 1.0
    alpha_hard: float = 1.0
    student: str = "linear"
    width: int = 1
    ridge: float = 0.1
    coupling: float = 0.3
    n_steps: int = 1000
    learning_rate: float = 0.2
    protocol: str = "easy_to_hard"
    n_test: int = 2000
    seed: int = 0

    def check(self) -> None:
        """Refuse unknown names and numbers out of range, in one line."""
        from teacher_student.checks import known, seed_fits, whole, within
        from teacher_student.levels import check_ends

        known("protocol", self.protocol, PROTOCOLS)
        known("student", self.student, ("linear", "two_layer"))
        task, levels = self.world()
        check_ends(task, *levels)
        if task.name == "committee":
            raise ValueError("labels of committee are real; consolidation needs signs, as of sparse_teacher")
        for name in ("alpha_easy", "alpha_hard"):
            within(name, getattr(self, name), low=0, open_low=True)
            whole(f"{name} x n_inputs", round(getattr(self, name) * self.n_inputs), low=1)
        within("ridge", self.ridge, low=0, open_low=True)
        within("coupling", self.coupling, low=0)
        within("learning_rate", self.learning_rate, low=0, open_low=True)
        for name in ("width", "n_steps", "n_test"):
            whole(name, getattr(self, name), low=1)
        if self.student == "linear" and self.width != 1:
            raise ValueError(f"width is {self.width}, but student 'linear' has 1")
        if self.student == "linear" and self.coupling == 0 and len(PROTOCOLS[self.protocol]) > 1:
            raise ValueError("coupling is 0; a second fit of a linear student needs coupling > 0")
        seed_fits(self.seed)

    def world(self) -> tuple[Any, tuple[Any, Any]]:
        """The task and its easy and hard level."""
        task = named_task(self.task, self.n_inputs, tuple(sorted(self.options.items())))
        return task, tuple(named_level(task, tuple(level.items())) for level in (self.easy, self.hard))

    def numerics(self) -> dict[str, Any]:
        """The version."""
        return {"version": NUMERICS}

    def definitions(self, protocols: tuple[str, ...]) -> dict[str, str]:
        """Digest of the code of a task that is not the project's own."""
        from studies.cells.definitions import digests

        return digests("task", {self.task: type(self.world()[0])})

    def rows_that_fit(self, protocols: int, most: int, gigabytes: float) -> int:
        """Replicates per block, at most `most`: examples, and hidden units at all of them."""
        from teacher_student.training.memory import rows_within

        one = 4.0 * sum(self.sizes) * (2 * self.n_inputs + 6 * self.width) + 8.0 * self.n_inputs**2
        one += 16.0 * self.n_test * self.width
        return rows_within(self.width, most, one, gigabytes * 2**30)

    @property
    def sizes(self) -> tuple[int, int]:
        """Easy and hard examples."""
        return round(self.alpha_easy * self.n_inputs), round(self.alpha_hard * self.n_inputs)

    @property
    def n_records(self) -> int:
        """None: there is one record, at the end of the last fit."""
        return 0

    @property
    def work(self) -> float:
        """Products of the fits, or of Newton's steps."""
        steps = 10 * self.n_inputs if self.student == "linear" else self.n_steps
        return sum(self.sizes) * self.n_inputs * steps * self.width

    @fixed_settings()
    def compute(self, block: "Block") -> "xr.Dataset":
        """Accuracy on hard examples after the last fit, test_accuracy (protocol, replicate, time)."""
        import jax

        from teacher_student.students.plain import PlainNet
        from teacher_student.training.elastic import accuracy, draw, first
        from teacher_student.training.streams import role_keys

        started = time.perf_counter()
        task, (easy, hard) = self.world()
        keys, starts = (role_keys(self.seed, role, block.replicates) for role in (EXAMPLES, RUNS))
        level = {
            name: np.concatenate(
                [
                    np.repeat(np.asarray(one[name])[None], n, 0)
                    for one, n in zip((easy, hard), self.sizes, strict=True)
                ]
            ).astype(np.float32)
            for name in easy
        }
        target = {name: np.asarray(value, np.float32) for name, value in hard.items()}
        x, y = draw(task, sum(self.sizes), keys, level)
        net = PlainNet(self.student, self.n_inputs if self.student == "linear" else self.width)
        begin = first(net, self.n_inputs, starts)
        zero = jax.tree.map(lambda w: np.zeros(w.shape, w.dtype), begin)
        fits: dict[tuple[str, ...], Any] = {}
        values = []
        for protocol in block.protocols:
            sets = PROTOCOLS[protocol]
            for i in range(len(sets)):
                if sets[: i + 1] not in fits:
                    before = fits[sets[:i]] if i else None
                    pull = self.coupling if i else self.ridge
                    start, centre = (before, before) if i else (begin, zero)
                    fits[sets[: i + 1]] = self._fit(net, x, y, sets[i], pull, start, centre)
            values.append(accuracy(task, net, self.n_test, keys, fits[sets], target))
        found = np.asarray(values)[..., None]
        return result(
            block,
            {"test_accuracy": (("time",), found)},
            np.where(np.isfinite(found[..., 0]), STATUS["ok"], STATUS["diverged"]),
            coords={"time": np.array([sum(self.sizes) / self.n_inputs])},
            method="newton" if self.student == "linear" else "descent",
            run_steps=found.shape[0] * found.shape[1] * self.n_steps,
            started=started,
        )

    def _fit(
        self,
        net: "PlainNet",
        x: "Array",
        y: "Array",
        which: str,
        pull: float,
        start: "PyTree",
        centre: "PyTree",
    ) -> Any:
        """Parameters of all replicates after a fit of the sets in `which`."""
        import jax

        from teacher_student.training.elastic import descend, newton

        n_easy, n_hard = self.sizes
        shown = np.repeat(["e" in which, "h" in which], [n_easy, n_hard])
        if self.student == "linear":
            old = np.asarray(centre[0]["w"])[:, 0]
            rows = [
                newton(a[shown], b[shown], pull, c)
                for a, b, c in zip(np.asarray(x), np.asarray(y), old, strict=True)
            ]
            return [{"w": jax.device_put(np.asarray(rows, np.float32)[:, None])}]
        counted, size, rate = shown.astype(np.float32), np.float32(pull), np.float32(self.learning_rate)
        return descend(net, x, y, counted, size, start, centre, rate, self.n_steps)
