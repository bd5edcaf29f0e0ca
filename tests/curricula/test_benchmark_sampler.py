"""The benchmark of the sampler measures what it says, at a size that takes no time."""

from itertools import islice

import numpy as np
import pytest

from benchmarks.sampler import ROWS, measure
from curricula import Ranking


@pytest.mark.parametrize("row", [row for row in ROWS if row != "torch"])
def test_a_row(row):
    found = measure(row, examples=20_000, batch=64)
    assert found["row"] == row
    assert float(found["kept_GB"]) < 0.1  # the peak is of the whole process, so of all tests before
    assert min(float(found[name]) for name in ("first_s", "us", "cpu_us")) > 0
    shown = np.concatenate(list(islice(ROWS[row](Ranking(np.arange(640.0)), 64), 3)))
    assert (shown.max() < 192) == (row != "paced")  # kept: 3 batches; the others: pools of at most 179
