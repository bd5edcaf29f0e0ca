"""Score: what is measured on an example, how often, and what is made of it over time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from jax import Array

from curricula.difficulty.networks import Network
from curricula.difficulty.over_time import OverTime


class View(NamedTuple):
    """A model and some examples, as a measure sees them.

    network, params : the model at this moment
    inputs : (n, ...)
    labels : (n,)
    logits : (n, C)
    """

    network: Network
    params: Any
    inputs: Array
    labels: Array
    logits: Array


@dataclass(frozen=True)
class Score:
    """A difficulty score that is computed while training.

    measure : View -> values (n, ...), one per example
    over_time : accumulator over the records
    higher : what a high number means, "harder" or "easier"
    definition, source : for the ranking's record
    when : "evaluation", all examples at each evaluation, in chunks; "whole", the same but given all
        examples at once; "batch", each example when it is in the minibatch, before the update
    finish : (accumulated (P, ...), labels (P,)) -> (P,)
    never_learned : policy for examples that were never right
    """

    measure: Callable[[View], Array]
    over_time: OverTime
    higher: str
    definition: str
    source: str
    when: str = "evaluation"
    finish: Callable[[Array, Array], Array] = lambda values, labels: values
    never_learned: str = "not applicable"
