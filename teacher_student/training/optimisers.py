"""What is made of a gradient, and how the learning rate changes along a run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import optax
from jax import Array

from teacher_student.checks import known, within

#: Share of the run that "warmup_cosine" rises for.
WARM = 0.1

#: Fraction of the run done -> factor on the learning rate.
SCHEDULES: dict[str, Callable[[Array], Any]] = {
    "constant": optax.constant_schedule(1.0),
    "linear": optax.linear_schedule(1.0, 0.0, 1),
    "cosine": optax.cosine_decay_schedule(1.0, 1),
    "warmup_cosine": lambda done: jnp.where(
        done < WARM, done / WARM, optax.cosine_decay_schedule(1.0, 1)((done - WARM) / (1 - WARM))
    ),
}
OPTIMISERS = ("sgd", "momentum", "adam")


@dataclass(frozen=True)
class Optimiser:
    """What is made of the gradient, and how the learning rate changes along the run.

    Parameters
    ----------
    name : {"sgd", "momentum", "adam"}
    schedule : {"constant", "linear", "cosine", "warmup_cosine"}
        Constant; falling to 0 linearly or as half a cosine; the cosine after a linear rise over a tenth.
    decay : float in [0, 1), default 0.9
        Of the momentum (name "momentum"); adam uses optax's 0.9 and 0.999.
    """

    name: str = "sgd"
    schedule: str = "constant"
    decay: float = 0.9

    def __post_init__(self) -> None:
        known("optimiser", self.name, OPTIMISERS)
        known("learning rate schedule", self.schedule, SCHEDULES)
        within("decay", self.decay, low=0, high=1)

    def transform(self) -> optax.GradientTransformation:
        """The optax transformation, without the learning rate."""
        if self.name == "momentum":
            return optax.trace(self.decay)
        return optax.scale_by_adam() if self.name == "adam" else optax.identity()
