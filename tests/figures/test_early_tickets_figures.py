"""Figures of early and of carried tickets: they show what is planted in the results."""

from typing import Any

import numpy as np
import pytest
import small
import xarray as xr
from planted import drawn, stored

from figures import carried_tickets, carried_tickets_mixture, early_tickets, early_tickets_images
from figures.parts.summary import Missing
from studies.catalogue import get


def ticket(block, accuracy) -> xr.Dataset:
    """A made-up block of drawn tickets; accuracy(cell, finder, trainer, step) at the end."""
    cell: Any = block.cell
    protocols = list(block.protocols)
    trainers, steps, rows = protocols if cell.swap else [""], list(cell.drawn), block.rows
    batch, n_inputs, _ = cell.samples()
    time = np.arange(cell.n_records + 1) * cell.record_every * batch / n_inputs
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
    """With a curriculum the better rate is 0.3, without one it is 0.6, by 0.05 either."""

    def accuracy(cell, finder, trainer, step):
        rate = 0.3 if trainer == "curriculum" else 0.6
        found = 0.015 * (finder == "curriculum") + 0.02 * (trainer == "curriculum")
        return 0.6 + 0.1 * step / cell.n_steps + found + 0.05 * (cell.learning_rate == rate)

    study = get("early_tickets").changed({"replicates": "4", "rows": "4", "learning_rate": "0.3,0.6"})
    summary = early_tickets.summarise(stored(study, tmp_path, lambda block: ticket(block, accuracy)))
    tables = drawn(early_tickets, summary)
    assert set(tables) == {"distance", "accuracy", "cost", "own"}
    one = summary.squeeze()
    np.testing.assert_allclose(one.lacks_mean.sel(step=0), 0.1, atol=1e-6)
    np.testing.assert_allclose(one.finder_mean, 0.015, atol=1e-6)
    # (1 - s)^3 falls to a tenth at s = 0.536, 1 - s at 0.9: the records after them are at 0.55 and 0.9
    np.testing.assert_allclose(one.found_mean.transpose(..., "protocol"), 2 * [[0.55, 0.9]], rtol=1e-6)
    np.testing.assert_allclose(one.earlier_mean, 0.35, rtol=1e-6)
    np.testing.assert_allclose(tables["cost"].total.squeeze().sel(step=20000, protocol="curriculum"), 5e7)
    both = one.own_rate.isel(step=-1)
    np.testing.assert_allclose(both.transpose("protocol", "trained_with"), 2 * [[0.3, 0.6]], rtol=1e-6)
    np.testing.assert_allclose(one.own_gain_mean, 0.035, atol=3e-3)
    # the last ticket without a curriculum has 0.75: 0.685 + 0.1 s is a hundredth below it from s = 0.55 on
    assert one.reaches.values.tolist() == [12000, 20000]


def test_early_tickets_of_images_have_a_panel_for_each_share_and_rate(tmp_path):
    def accuracy(cell, finder, trainer, step):
        return 0.6 + 0.1 * (step > 0) + 0.01 * cell.rounds + 10 * cell.learning_rate

    few = {"replicates": "4", "rows": "4", "learning_rate": "0.0012,0.003"}
    study = get("early_tickets_images", "full").changed(few)
    summary = early_tickets_images.summarise(stored(study, tmp_path, lambda block: ticket(block, accuracy)))
    figures = {name: early_tickets_images.FIGURES[name](summary) for name in ("accuracy", "own")}
    titles = [axes.get_title() for axes in figures["accuracy"].figure.axes]
    shares = ("12 % left", "3.1 % left")
    assert titles == [f"{share}, rate {rate}" for share in shares for rate in (0.0012, 0.003)]
    assert [axes.get_title() for axes in figures["own"].figure.axes] == [*shares]
    table = figures["own"].table
    assert isinstance(table, xr.Dataset)
    best = table.accuracy_mean.sel(step=300)
    for rounds in (3, 5):
        np.testing.assert_allclose(best.sel(rounds=rounds), 0.73 + 0.01 * rounds, atol=2e-3)
    assert (summary.reaches == 30).all()
    assert (summary.own_rate == np.float32(0.003)).all()


@pytest.mark.parametrize("preset", ["quick", "full"])
def test_carried_masks_of_directions_are_compared_with_those_of_the_same(tmp_path, preset):
    def accuracy(cell, finder, trainer, step):
        kept = 0.6 if step == 0 else 0.65 if cell.found_on == "own" else 0.61
        return kept - 0.03 * cell.counts_only * (cell.found_on == "own") - 0.002 * cell.counts_only

    study = get("carried_tickets_mixture", preset).changed({"replicates": "4", "rows": "4"})
    ds = stored(study, tmp_path, lambda block: ticket(block, accuracy))
    table = drawn(carried_tickets_mixture, carried_tickets_mixture.summarise(ds))["masks"]
    kinds = [place for place in table.place.values if place.endswith("rate 0.6")]
    assert kinds == ["units, rate 0.6", "weights, rate 0.6"]
    for arm, value in (("own", 0.65), ("carried", 0.61), ("start", 0.6)):
        np.testing.assert_allclose(table.over_random_mean.sel(arm=arm), value - 0.55, atol=2e-3)
        np.testing.assert_allclose(table.over_start_mean.sel(arm=arm), value - 0.6, atol=2e-3)
    if preset == "full":
        assert table.accuracy_mean.sel(arm="own_shuffled").isnull().values.tolist() == 2 * [True] + 2 * [
            False
        ]
        shuffled = table.over_shuffled_mean.sel(place=kinds[1])
        np.testing.assert_allclose(shuffled.sel(arm=["own", "carried"]), [0.032, 0.002], atol=2e-3)


def test_carried_masks_of_images_are_compared_with_those_of_the_same_images(tmp_path):
    """What is learned decides, not what the mask is from; masks of Fashion-MNIST harm MNIST, by 0.01."""

    def accuracy(cell, finder, trainer, step):
        own = (cell.found_on or cell.data_set) == cell.data_set and (
            cell.found_pair or cell.pair
        ) == cell.pair
        kept = 0.6 if step == 0 else 0.65 if own else 0.61 if cell.data_set == "digits" else 0.59
        noisy = cell.data_set != "digits" and cell.hard["noise"] > 0
        return kept + 0.1 * (cell.data_set == "mnist") - 0.02 * noisy

    study = get("carried_tickets", "full").changed({"replicates": "2", "rows": "2"})
    summary = carried_tickets.summarise(stored(study, tmp_path, lambda block: ticket(block, accuracy)))
    tables = drawn(carried_tickets, summary)
    assert {name: len(table.place) for name, table in tables.items()} == dict.fromkeys(tables, 8)
    assert [*tables] == ["pairs", "data_sets", "in_noise"]
    pairs, sets = (tables[name].over_start_mean for name in ("pairs", "data_sets"))
    np.testing.assert_allclose(pairs.sel(arm="own"), 0.05, atol=4e-3)
    np.testing.assert_allclose(pairs.sel(arm="carried"), 0.01, atol=4e-3)
    np.testing.assert_allclose(sets.sel(arm="carried"), -0.01, atol=4e-3)
    place = "MNIST, 3.1 % left, rate 0.004"
    np.testing.assert_allclose(
        tables["data_sets"].over_random_mean.sel(place=place, arm="own"), 0.2, atol=4e-3
    )
    noisy = tables["in_noise"].over_random_mean.sel(place="MNIST in noise, 3.1 % left, rate 0.004", arm="own")
    np.testing.assert_allclose(noisy, 0.18, atol=4e-3)
    with pytest.raises(Missing, match="two data sets"):
        carried_tickets.FIGURES["data_sets"](summary.sel(place=tables["pairs"].place))
