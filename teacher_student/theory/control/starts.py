"""Named orders as controls, and the guesses from which descents start.

With the same share of every level, from easy (the first) to hard (the last):

    curriculum        one level after the other
    anti_curriculum   the reverse
    no_curriculum     all along in their shares: shuffled
    ramp              mixed, from easy to hard: with two levels the easy share falls linearly, by one over the
                      run as far as it stays within [0, 1], shifted so that the shares are kept

The ramp of `teacher_student.protocols` has levels of its own between easy and hard; this one has not, so that
all four are orders of the same samples.
"""

import numpy as np
from jaxtyping import Float

from teacher_student.theory.control.polytope import extreme, project
from teacher_student.theory.schedule import floats

ORDERS = ("curriculum", "anti_curriculum", "no_curriculum", "ramp")

#: Shares tried where the share is free.
FREE = (0.25, 0.5, 0.75)


def places(n_pieces: int) -> Float[np.ndarray, " J"]:
    """The middle of every piece, as a part of the run."""
    return (np.arange(n_pieces) + 0.5) / n_pieces


def ordered(name: str, shares: Float[np.ndarray, " C"], n_pieces: int) -> Float[np.ndarray, "J C"]:
    """A named order as a mixture of every piece.

    >>> ordered("curriculum", np.array([0.5, 0.5]), 4)[:, 0].tolist()
    [1.0, 1.0, 0.0, 0.0]
    >>> ordered("ramp", np.array([0.5, 0.5]), 4)[:, 0].round(3).tolist()
    [0.875, 0.625, 0.375, 0.125]
    """
    shares = np.asarray(shares, float)
    if name == "no_curriculum":
        return np.tile(shares, (n_pieces, 1))
    if name == "ramp":
        level = np.arange(len(shares))
        behind = -0.5 * np.abs(places(n_pieces)[:, None] * level[-1] - level)
        return np.asarray(project(floats(2 * behind), floats(shares)), float)
    share = shares if name == "curriculum" else shares[::-1]
    ends = np.concatenate([[0.0], np.cumsum(share)])
    edges = np.linspace(0, 1, n_pieces + 1)
    inside = np.clip(edges[:, None], ends[:-1], ends[1:])
    mix = np.diff(inside, axis=0) * n_pieces
    return mix if name == "curriculum" else mix[:, ::-1]


def guesses(
    shares: Float[np.ndarray, " C"] | None, n_levels: int, n_pieces: int, restarts: int, seed: int
) -> Float[np.ndarray, "R J C"]:
    """The first mixtures of `restarts` descents: the named orders, the ends, the middle, then chance.

    Chance is piecewise constant: 2 to 6 stretches of random lengths and random mixtures.
    """
    rng = np.random.default_rng([seed, n_pieces])
    if shares is None:
        even = np.full(n_levels, 1 / n_levels)
        tilted = [np.append(np.full(n_levels - 1, s / (n_levels - 1)), 1 - s) for s in FREE]
        found = [ordered(name, even, n_pieces) for name in ORDERS]
        found += [ordered("no_curriculum", one, n_pieces) for one in tilted]
    else:
        found = [ordered(name, shares, n_pieces) for name in ORDERS]
    wave = np.cos(2 * np.pi * places(n_pieces))[:, None] * np.linspace(1, -1, n_levels)
    found += [extreme(sign * wave, shares) for sign in (1, -1)]
    while len(found) < restarts:
        ends = np.sort(rng.uniform(size=rng.integers(1, 6)))
        values = rng.normal(size=(len(ends) + 1, n_levels))
        z = floats(values[np.searchsorted(ends, places(n_pieces))])
        found.append(np.asarray(project(z, None if shares is None else floats(shares)), float))
    return np.stack(found[:restarts])
