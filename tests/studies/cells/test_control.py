"""The cell of optimal curricula: what a block holds, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from studies.cells.control import PROTOCOLS, ControlCell
from studies.study import Study

pytestmark = pytest.mark.usefixtures("quick_module")

CELL = ControlCell(
    n_inputs=100, width=1, easy={"noise": 0.0}, hard={"noise": 2.0}, budget=3.0, record_every=1.5,
    learning_rate=1.0, n_pieces=8, n_starts=2, restarts=4, iterations=6, easy_fraction=0.25,
)  # fmt: skip


@pytest.mark.slow
def test_a_block_holds_the_best_order_and_no_other_is_better():
    study = Study(CELL, ({"protocol": PROTOCOLS, "width": (1,)},), replicates=6, rows=6)
    (block,) = study.blocks()
    ds = block.cell.compute(block)
    assert dict(ds.sizes) == {"protocol": 5, "replicate": 6, "time": 3, "place": 8}
    limit = ds.limit_loss.isel(replicate=0)
    assert float((limit - limit.sel(protocol="optimal")).min()) >= -1e-6  # rounding of single precision
    np.testing.assert_allclose(ds.easy_share.mean("place"), 0.25, atol=1e-4)
    curriculum = ds.easy_share.sel(protocol="curriculum").isel(replicate=0)
    np.testing.assert_array_equal(curriculum, [1, 1, 0, 0, 0, 0, 0, 0])
    # SGD ends near the equations, whose starts are other students: within five standard errors
    end = ds.test_loss.isel(time=-1)
    error = end.std("replicate", ddof=1) / np.sqrt(6)
    assert bool((np.abs(end.mean("replicate") - limit) < 5 * error + 0.02).all())
    assert ds.gap.sel(protocol="optimal").notnull().all()
    assert ds.gap.sel(protocol="ramp").isnull().all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"easy_fraction": 1.2}, "easy_fraction is 1.2; need 0 <= easy_fraction <= 1"),
        ({"task": "corruption"}, "unknown task 'corruption'; known: committee"),
        ({"protocol": "target_only"}, "unknown protocol 'target_only'; known: anti_curriculum"),
        ({"method": "newton"}, "unknown method 'newton'"),
        ({"easy_fraction": 0.05}, "need n_pieces >= 20"),
        ({"easy": {"noise": 3.0}}, "swap the two"),
        ({"record_every": 2.0}, "is no multiple of record_every"),
        ({"activation": "quadratic"}, "is even"),
        ({"n_nodes": 3}, "need a power of two"),
    ],
)
def test_bad_cells_are_refused_in_one_line(changes, message):
    with pytest.raises(ValueError, match=message) as refused:
        replace(CELL, **changes).check()
    assert "\n" not in str(refused.value)
