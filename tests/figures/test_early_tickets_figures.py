"""Figures of early and of carried tickets: they show what is planted in the results."""

from typing import Any

import numpy as np
import small
import xarray as xr
from planted import drawn, stored

from figures import carried_tickets_mixture, early_tickets
from studies.catalogue import get


def ticket(block, accuracy) -> xr.Dataset:
    """A made-up block of drawn tickets; accuracy(cell, finder, trainer, step) at the end."""
    cell: Any = block.cell
    protocols = list(block.protocols)
    trainers, steps, rows = protocols if cell.swap else [""], list(cell.drawn), block.rows
    time = np.arange(cell.n_records + 1) * 1.0
    noise = 0.001 * np.random.default_rng(int(block.address, 16)).normal(size=(rows, 1))
    ends = np.array([[[accuracy(cell, a, b, t) for t in steps] for b in trainers] for a in protocols])
    values = ends[:, None, :, :, None] + noise[:, :, None, None] + 0 * time
    if not cell.swap:
        values = values[:, :, 0]
    dims = ("protocol", "replicate", *(("trained_with",) if cell.swap else ()), "step", "time")
    late = np.linspace(1, 0, time.size) ** np.array([3, 1])[: len(protocols), None, None]
    run, shape = ("protocol", "replicate"), (*values.shape[:2], time.size)
    plain = {"dense_accuracy": 0.7, "random_accuracy": 0.55}
    whole = 2000.0
    flops = {
        "flops_per_step": whole * cell.fraction**cell.rounds,
        "dense_flops_per_step": whole,
        "weights": 100.0,
    }
    return xr.Dataset(
        {"test_accuracy": (dims, values), "distance": ((*run, "time"), np.broadcast_to(late, shape))}
        | {n: ((*run, "time"), np.full(shape, x)) for n, x in plain.items()}
        | {n: (run, np.full(values.shape[:2], x)) for n, x in flops.items()}
        | {"status": (run, np.zeros(values.shape[:2], np.int8))},
        {"protocol": protocols, "replicate": block.replicates, "time": time, "step": steps}
        | ({"trained_with": trainers} if cell.swap else {}),
        small.ATTRS,
    )  # fmt: skip


def test_early_tickets_are_as_planted(tmp_path):
    def accuracy(cell, finder, trainer, step):
        return (
            0.6
            + 0.1 * step / cell.n_steps
            + 0.01 * (finder == "curriculum")
            + 0.02 * (trainer == "curriculum")
        )

    study = get("early_tickets").changed({"replicates": "4", "rows": "4"})
    summary = early_tickets.summarise(stored(study, tmp_path, lambda block: ticket(block, accuracy)))
    tables = drawn(early_tickets, summary)
    assert set(tables) == {"distance", "accuracy", "cost"}
    one = summary.squeeze()
    np.testing.assert_allclose(one.lacks_mean.sel(step=0), 0.1, atol=1e-6)
    np.testing.assert_allclose(one.finder_mean, 0.01, atol=1e-6)
    # (1 - s)^3 falls to a tenth at s = 0.536, 1 - s at 0.9: the records after them are at 0.55 and 0.9
    np.testing.assert_allclose(one.found_mean, [0.55, 0.9], rtol=1e-6)
    np.testing.assert_allclose(one.earlier_mean, 0.35, rtol=1e-6)
    np.testing.assert_allclose(tables["cost"].total.squeeze().sel(step=20000, protocol="curriculum"), 5e7)


def test_carried_masks_are_compared_with_those_of_the_same_task(tmp_path):
    def accuracy(cell, finder, trainer, step):
        return 0.6 if step == 0 else 0.65 if cell.found_on == "own" else 0.61

    study = get("carried_tickets_mixture").changed({"replicates": "4", "rows": "4"})
    ds = stored(study, tmp_path, lambda block: ticket(block, accuracy))
    table = drawn(carried_tickets_mixture, carried_tickets_mixture.summarise(ds))["masks"]
    assert table.place.values.tolist() == ["units, rate 0.6", "weights, rate 0.6"]
    for arm, value in (("own", 0.65), ("carried", 0.61), ("start", 0.6)):
        np.testing.assert_allclose(table.over_random_mean.sel(arm=arm), value - 0.55, atol=2e-3)
        np.testing.assert_allclose(table.over_start_mean.sel(arm=arm), value - 0.6, atol=2e-3)
