"""The benchmark of finite data: its rows train the same thing, and its table adds up."""

import numpy as np
import pytest

from benchmarks import finite

pytestmark = pytest.mark.usefixtures("quick_module")


def test_rows_of_a_small_group(monkeypatch):
    monkeypatch.setattr(finite, "P", 8)
    monkeypatch.setattr(finite, "N", 5)
    monkeypatch.setattr(finite, "BATCH", 4)
    monkeypatch.setattr(finite, "EPOCHS", {3: 2})
    monkeypatch.setattr(finite, "FEW", 1)
    lines = finite.measure(3, runs=2, repetitions=1)
    assert [line[1] for line in lines] == list(finite.ROWS)
    assert [line[2] for line in lines] == ["2", "1"]
    assert all(len(line) == len(finite.COLUMNS) for line in lines)
    assert lines[0][-1] == "1.0"
    (one, shown), (_, fewer) = (row(3, 2) for row in finite.ROWS.values())
    assert (shown, fewer) == (2 * 2 * 8, 1 * 2 * 8)
    assert np.asarray(one()).tolist() == [False, False]
