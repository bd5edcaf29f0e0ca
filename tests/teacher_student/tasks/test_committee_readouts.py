"""A committee whose readouts fall as a power law: the sum by hand, the same task as with readouts given."""

from math import erf, sqrt

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import sample

from teacher_student.tasks.committee import Committee

FALLING = Committee(40, 5, decay=1.5)


def test_labels_are_the_sum_by_hand():
    along = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    by_hand = [sum((m + 1) ** -1.5 * erf(x / sqrt(2)) for m, x in enumerate(row)) for row in along]
    np.testing.assert_allclose(FALLING.teacher(jnp.asarray(along)), by_hand, rtol=1e-5)


def test_it_is_the_committee_with_these_readouts():
    given = Committee(40, 5, readout=tuple(m**-1.5 for m in range(1, 6)))
    np.testing.assert_array_equal(FALLING.teacher_readout, given.teacher_readout)
    one, other = (sample(task, jax.random.key(1), 4, task.level(0.1)) for task in (FALLING, given))
    np.testing.assert_array_equal(one[1], other[1])
    assert (Committee(40, 5).teacher_readout == 1).all()


def test_what_says_the_readouts_twice_is_refused():
    with pytest.raises(ValueError, match=r"decay is 1.5, but readout is given; leave one of the two out"):
        Committee(40, 2, readout=(1.0, 0.5), decay=1.5)
    with pytest.raises(ValueError, match=r"decay is -1; need 0 <= decay"):
        Committee(40, 2, decay=-1)
