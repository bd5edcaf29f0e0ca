"""Labels for images: which classes are kept, and what the student has to say about them.

Rules (the names are the keys of `RELABELLINGS`; binary labels are -1 and +1):

    polarity_xor     two classes, label = class, every image shown with a random sign: as in XorMixture,
                     each label belongs to a pair of opposite clusters and no linear rule works
    parity           all classes, +1 for odd and -1 for even ones
    class_group_xor  +1 for the classes that are in exactly one of two groups, -1 for the others
    classes          the classes themselves, 0..C-1

With a random sign no odd function of the image, and so no linear one, says anything about the label. The
origin matters: images are centred with the mean of ALL classes, which leaves four clusters, two per label.
Around the midpoint of the two classes their means would be each other's mirror images, the clusters of both
labels would coincide, and only differences in shape within the classes would be left to learn from.
"""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int


@runtime_checkable
class Relabelling(Protocol):
    """What a rule owes: frozen and hashable."""

    @property
    def signed(self) -> bool:
        """Whether each image is to be shown with a random sign."""
        ...

    @property
    def named(self) -> tuple[int, ...]:
        """The classes that the rule names, all of which a data set has to have."""
        ...

    def kept(self, classes: Int[np.ndarray, " P"]) -> Bool[np.ndarray, " P"]:
        """Which examples take part, by their class."""
        ...

    def labels(self, classes: Int[np.ndarray, " P"]) -> Float[np.ndarray, " P"] | Int[np.ndarray, " P"]:
        """Labels of kept examples: float32 in {-1, +1}, or int32 classes."""
        ...


@dataclass(frozen=True)
class PolarityXor:
    """-1 for the first, +1 for the second of two classes, each image with a random sign."""

    pair: tuple[int, int] = (0, 4)
    signed: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        if len(self.pair) != 2 or self.pair[0] == self.pair[1] or min(self.pair) < 0:
            raise ValueError(f"pair is {self.pair!r}; need two different classes, each 0 or more")

    @property
    def named(self) -> tuple[int, ...]:
        """The pair."""
        return self.pair

    def kept(self, classes: Int[np.ndarray, " P"]) -> Bool[np.ndarray, " P"]:
        """The examples of the pair."""
        return np.isin(classes, self.pair)

    def labels(self, classes: Int[np.ndarray, " P"]) -> Float[np.ndarray, " P"]:
        """-1 for the first class, +1 for the second."""
        return np.where(classes == self.pair[1], 1, -1).astype(np.float32)


@dataclass(frozen=True)
class Parity:
    """+1 for odd classes, -1 for even ones."""

    signed: bool = field(default=False, init=False)
    named: tuple[int, ...] = field(default=(), init=False, repr=False)

    def kept(self, classes: Int[np.ndarray, " P"]) -> Bool[np.ndarray, " P"]:
        """All."""
        return np.ones(classes.shape, bool)

    def labels(self, classes: Int[np.ndarray, " P"]) -> Float[np.ndarray, " P"]:
        """2 (class mod 2) - 1."""
        return (2 * (classes % 2) - 1).astype(np.float32)


@dataclass(frozen=True)
class ClassGroupXor:
    """+1 for the classes in exactly one of the groups `first` and `second`, -1 for those in both or none."""

    first: tuple[int, ...] = (5, 6, 7, 8, 9)
    second: tuple[int, ...] = (1, 3, 5, 7, 9)
    signed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        for name, group in (("first", self.first), ("second", self.second)):
            if not group or len(set(group)) != len(group) or min(group) < 0:
                raise ValueError(f"{name} is {group!r}; need different classes, each 0 or more")
        if set(self.first) == set(self.second):
            raise ValueError(f"first and second are both {self.first!r}: every label would be -1")

    @property
    def named(self) -> tuple[int, ...]:
        """The classes in either group."""
        return tuple(sorted({*self.first, *self.second}))

    def kept(self, classes: Int[np.ndarray, " P"]) -> Bool[np.ndarray, " P"]:
        """All."""
        return np.ones(classes.shape, bool)

    def labels(self, classes: Int[np.ndarray, " P"]) -> Float[np.ndarray, " P"]:
        """2 (in first XOR in second) - 1."""
        return (2 * (np.isin(classes, self.first) ^ np.isin(classes, self.second)) - 1).astype(np.float32)


@dataclass(frozen=True)
class PlainClasses:
    """The classes themselves."""

    signed: bool = field(default=False, init=False)
    named: tuple[int, ...] = field(default=(), init=False, repr=False)

    def kept(self, classes: Int[np.ndarray, " P"]) -> Bool[np.ndarray, " P"]:
        """All."""
        return np.ones(classes.shape, bool)

    def labels(self, classes: Int[np.ndarray, " P"]) -> Int[np.ndarray, " P"]:
        """The classes."""
        return classes.astype(np.int32)


#: Name -> rule.
RELABELLINGS: dict[str, type] = {
    "polarity_xor": PolarityXor,
    "parity": Parity,
    "class_group_xor": ClassGroupXor,
    "classes": PlainClasses,
}
