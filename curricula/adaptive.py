"""Pacing that listens to the training loss: grow when the current examples are learned.

    state = pacing.start();  state = pacing.update(state, loss);  fraction = state.fraction

The running loss l <- decay l + (1 - decay) loss, starting at the first loss after each growth; when
l falls below `threshold` the fraction grows by `grow` (clipped to 1) and the average starts again.
The switch at a loss threshold is the one used in teacher-student curricula (Saglietti, Sarao
Mannelli, Saxe, NeurIPS 2022, arXiv 2106.08068) for two phases: b = easy fraction, grow = 1 - b.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from teacher_student.checks import within


class AdaptiveState(NamedTuple):
    """fraction available now, running loss, and 1.0 where no loss has come in since the last growth."""

    fraction: Any
    running: Any
    fresh: Any


@dataclass(frozen=True)
class LossThreshold:
    """Grow the available fraction whenever the running loss falls below a threshold.

    Parameters
    ----------
    threshold : float
        Loss below which the examples count as learned; higher = faster growth.
    b : float in (0, 1]
        Fraction at the start.
    grow : float > 0
        Added at each growth.
    decay : float in [0, 1)
        Memory of the running loss; 0 = the last loss alone.

    Examples
    --------
    >>> pacing = LossThreshold(threshold=0.5, b=0.25, grow=0.25, decay=0.0)
    >>> state = pacing.start()
    >>> for loss in (0.9, 0.4, 0.6, 0.1):
    ...     state = pacing.update(state, loss)
    >>> float(state.fraction)
    0.75
    """

    threshold: float
    b: float = 0.2
    grow: float = 0.2
    decay: float = 0.9

    def __post_init__(self) -> None:
        within("threshold", self.threshold)
        within("b", self.b, low=0, high=1, open_low=True)
        within("grow", self.grow, low=0, open_low=True)
        within("decay", self.decay, low=0, high=1 - 1e-12)

    def start(self) -> AdaptiveState:
        """The state before the first loss; three float32 scalars, ready for `jax.lax.scan`."""
        return AdaptiveState(np.float32(self.b), np.float32(0), np.float32(1))

    def update(self, state: AdaptiveState, loss: Any) -> AdaptiveState:
        """The state after a batch with mean loss `loss`; numpy or traced JAX scalars."""
        xp = loss.__array_namespace__() if hasattr(loss, "__array_namespace__") else np
        mixed = self.decay * state.running + (1 - self.decay) * loss
        running = xp.where(state.fresh > 0, loss, mixed).astype("float32")
        learned = running < self.threshold
        fraction = xp.where(learned, xp.minimum(state.fraction + self.grow, 1.0), state.fraction)
        return AdaptiveState(fraction.astype("float32"), running, learned.astype("float32"))
