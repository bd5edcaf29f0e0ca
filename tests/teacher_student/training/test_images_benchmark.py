"""The benchmark of training on images: its rows train the same thing, and its table adds up."""

import numpy as np

from benchmarks import images


def test_rows_of_a_small_group(monkeypatch):
    monkeypatch.setattr(images, "STEPS", {4: 3})
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 6)).astype(np.float32), rng.integers(0, 10, 50).astype(np.int32)
    lines = images.measure(x, y, width=4, batch=2, seeds=2, repetitions=1)
    assert [line[2] for line in lines][:2] == ["vmapped", "jitted loop"]
    assert [line[3] for line in lines] == ["8"] + ["1"] * (len(lines) - 1)
    assert all(len(line) == len(images.COLUMNS) for line in lines)
    assert lines[0][-1] == "1.0"
    _, count = images.vmapped(x, y, 4, 2, 2)
    assert count == 8 * 3 * 2
