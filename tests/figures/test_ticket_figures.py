"""Analysis of tickets against cases by hand, and every ticket figure drawn from made-up results."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import small
import xarray as xr

from figures.__main__ import main
from studies import catalogue
from studies.analysis.tickets import (
    at_own_rate,
    costs,
    early_stopping,
    effects,
    frontier,
    same_winner,
    savings,
    single,
    smallest,
)
from studies.cell import Block
from studies.cells.tickets.images import ImageTickets
from studies.store import load
from studies.study import Study


def made_up(block: Block) -> xr.Dataset:
    """A plausible block of a ticket study without training anything."""
    cell: Any = block.cell
    rng = np.random.default_rng(int(block.address, 16))
    pair = list(block.protocols)
    sizes = {"protocol": len(pair), "replicate": block.rows, "arm": len(cell.arms)}
    coords: dict[str, Any] = {"protocol": pair, "replicate": block.replicates, "arm": list(cell.arms)}
    if cell.swap:
        sizes["trained_with"], coords["trained_with"] = len(pair), pair
    sizes |= {"round": cell.rounds + 1, "time": cell.n_records + 1, "cluster": 4}
    coords |= {"round": np.arange(cell.rounds + 1), "cluster": ["+e1", "-e1", "+e2", "-e2"]}
    coords["time"] = np.arange(cell.n_records + 1) * cell.record_every / 100.0
    runs = [d for d in sizes if d not in ("time", "cluster")]
    timed, late = [*runs, "time"], np.linspace(0, 1, cell.n_records + 1)

    def draw(dims, low=0.0, high=1.0):
        return dims, rng.uniform(low, high, [sizes[d] for d in dims]).astype(np.float32)

    accuracy = draw(timed, 0.0, 0.02)[1] + 0.5 + 0.12 * late * (1 - 1 / cell.width)
    left = cell.width * 101.0 * (1 - cell.fraction) ** np.arange(cell.rounds + 1)
    weights = np.broadcast_to(left, [sizes[d] for d in runs])
    names = {
        "test_accuracy": (timed, accuracy),
        "weights": (runs, weights),
        "flops_per_step": (runs, 5 * weights),
    }
    if isinstance(cell, ImageTickets):
        names |= {name: draw(timed) for name in ("valid_loss", "valid_accuracy", "test_loss")}
    else:
        clusters = [*runs, "cluster"]
        names |= {"covered_aligned": (timed, rng.integers(3, 5, accuracy.shape).astype(float))}
        names |= {
            "units": (runs, weights / 101),
            "distinct": draw(runs, 1, 4),
            "effective": draw(clusters, 1, 2),
        }
        names |= {"winner_rank": draw(clusters, 1, 4), "winner_aligned": draw(clusters)}
        names["winner"] = (clusters, np.round(draw(clusters, 0, cell.width - 1)[1]))
    used = {d for dims, _ in names.values() for d in dims}
    status = np.zeros((len(pair), block.rows), np.int8)
    attrs = {"method": "fake", "seconds": 1.0, "run_steps": 1, "device": "none", "versions": "0", "date": "x"}
    return xr.Dataset(
        names | {"status": (("protocol", "replicate"), status)},
        {name: value for name, value in coords.items() if name in used},
        attrs,
    )


FIGURES = {
    "lottery_tickets": {"accuracy", "early_stopping", "curves"},
    "tickets_and_curricula": {"lottery", "winners", "swap", "rates", "smallest"},
    "tickets_and_curricula_images": {"swap", "rates", "course"},
    "efficiency": {"frontier", "savings", "ways"},
}


#: Axis -> values of it that are drawn: every block is a file to write and to read.
MOST = {"learning_rate": 3, "n_steps": 2}


def few(name: str, preset: str) -> Study:
    """A study with few replicates and few values of the longest axes."""
    study = catalogue.get(name, preset).changed({"replicates": "4", "rows": "4"})
    grids = [{axis: values[: MOST.get(axis)] for axis, values in grid.items()} for grid in study.grids]
    return replace(study, grids=tuple(grids))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "preset"), [*((name, "quick") for name in FIGURES), ("tickets_and_curricula", "full")]
)
def test_all_figures_and_their_numbers(name, preset, tmp_path, placed_once):
    images = FIGURES[name]
    small.stored(few(name, preset), tmp_path, made_up)
    assert main([name, "--from", str(tmp_path)]) == 0
    folder = tmp_path / name / "figures"
    assert {p.stem for p in folder.glob("*.png")} == images
    for image in images:
        assert len(pd.read_csv(folder / f"{image}.csv")) > 3
    if preset == "quick":  # published summaries draw the same
        placed_once()
        assert main([name, "--from", str(folder), "--out", str(tmp_path / "again")]) == 0
        for image in images:
            one, two = ((place / f"{image}.csv").read_text() for place in (folder, tmp_path / "again"))
            assert one == two


@pytest.mark.usefixtures("unplaced")
def test_figure_shows_the_mean_of_the_runs(tmp_path):
    small.stored(few("lottery_tickets", "quick"), tmp_path, made_up)
    main(["lottery_tickets", "--from", str(tmp_path)])
    table = pd.read_csv(tmp_path / "lottery_tickets" / "figures" / "accuracy.csv").set_index(["arm", "round"])
    found = early_stopping(load("lottery_tickets", tmp_path)).isel(protocol=0, width=0)
    expected = found.accuracy.mean("replicate").sel(arm="ticket", round=5)
    assert table.loc[("ticket", 5), "accuracy_mean"] == pytest.approx(float(expected), rel=1e-5)


def described(ds: xr.Dataset, **cell) -> xr.Dataset:
    return ds.assign_attrs(description=json.dumps({"cell": cell}))


def test_early_stopping_is_where_the_validation_loss_is_lowest():
    ds = described(
        xr.Dataset(
            {
                "valid_loss": (("replicate", "time"), [[3.0, 1.0, 2.0], [3.0, 2.0, 1.0]]),
                "test_accuracy": (("replicate", "time"), [[0.1, 0.5, 0.9], [0.1, 0.6, 0.7]]),
                "status": ("replicate", [0, 0]),
            },
            {"time": [0.0, 1.0, 2.0]},
        ),
        n_steps=40, n_records=2,
    )  # fmt: skip
    found = early_stopping(ds)
    assert found.step.values.tolist() == [20, 40]
    assert found.accuracy.values.tolist() == [0.5, 0.7]
    assert found.final_accuracy.values.tolist() == [0.9, 0.7]
    assert early_stopping(ds.assign(status=("replicate", [1, 0]))).step.isnull().values.tolist() == [
        True,
        False,
    ]


def test_an_axis_of_which_every_width_has_its_own_value_is_folded():
    data = np.array([[[1.0, 2.0]], [[9.0, 9.0]]])  # rounds, width, ...
    ds = xr.Dataset(
        {
            "x": (("rounds", "replicate", "width"), data),
            "status": (("rounds", "replicate", "width"), [[[0, 0]], [[3, 0]]]),
        },
        {"rounds": [0, 3], "width": [4, 16]},
    )
    assert single(ds).x.values.tolist() == [[1.0, 9.0]]
    assert single(ds.isel(rounds=0)).x.values.tolist() == [[1.0, 2.0]]


def test_same_winner_counts_clusters_and_leaves_out_those_without_one():
    first, second = (
        xr.DataArray(x, dims="cluster") for x in ([0, 1, 2, np.nan], [0, 5, 2, 3])
    )  # fmt: skip
    assert float(same_winner(first, second)) == pytest.approx(2 / 3)


def test_effects_are_paired_differences_by_hand():
    end = xr.DataArray(
        np.arange(8.0).reshape(2, 2, 2) ** 2,
        {
            "protocol": ["no_curriculum", "curriculum"],
            "trained_with": ["curriculum", "no_curriculum"],
            "arm": ["ticket", "random_mask"],
        },
    )
    found = effects(end)
    assert found["trainer_gain"].sel(protocol="curriculum", arm="ticket") == 16 - 36
    assert found["finder_gain"].sel(trained_with="no_curriculum", arm="random_mask") == 49 - 9
    assert found["chosen_gain"].sel(protocol="no_curriculum", trained_with="curriculum") == 0 - 1


def test_the_own_rate_is_chosen_on_even_and_shown_for_odd_replicates():
    """At rate 0.1 the even replicates are better, at 0.3 the odd: 0.1 is chosen, and low values are shown."""
    accuracy = np.array([[[0.9, 0.1, 0.9, 0.1]], [[0.2, 0.8, 0.2, 0.8]], [[1.0, 1.0, np.nan, 1.0]]])
    ds = xr.Dataset(
        {
            "test_accuracy": (("learning_rate", "arm", "replicate", "time"), accuracy[..., None]),
            "status": (("learning_rate", "replicate"), [[0] * 4, [0] * 4, [0, 0, 1, 0]]),
        },
        {"learning_rate": [0.1, 0.3, 1.0], "time": [1.0]},
    )
    own, best = at_own_rate(ds)
    assert best.values.tolist() == [0.1]
    assert own.values.tolist() == [[0.1, 0.1]]


def test_the_smallest_width_and_its_interval():
    rng = np.random.default_rng(0)
    rows = np.array([[0.4], [0.6], [0.8]]) + np.array([[0.001], [0.1], [0.001]]) * rng.normal(size=(3, 20))
    values = xr.DataArray(rows, {"width": [2, 4, 8]}, ["width", "replicate"])
    found = smallest(values, 0.6, "width")
    assert {float(found.ci_low), float(found.ci_high)} == {4.0, 8.0}
    assert float(smallest(values, 0.9, "width").smallest) == np.inf
    assert float(smallest(values, 0.5, "width").ci_high) == 4


def cost_of(reached):
    """Protocols x settings x replicates x budgets of 20 and 40 steps; where the target is reached."""
    reached = np.asarray(reached)
    dims = ("protocol", "width", "replicate", "n_steps", "round")
    shape = (*reached.shape, 1)
    weights = np.array([20.0, 40.0])[None, :, None, None, None]
    # runs of 20 steps have no value at the time at which those of 40 end
    ends = np.array([[0.5, np.nan], [np.nan, 0.5]])[:, None, :]
    return xr.Dataset(
        {
            "test_accuracy": ((*dims, "time"), ends + 0.2 * reached[..., None, None]),
            "status": (dims[:4], np.zeros(reached.shape, int)),
            "weights": (dims, np.broadcast_to(weights, shape)),
            "flops_per_step": (dims, np.broadcast_to(weights / 10, shape)),
        },
        {
            "protocol": ["curriculum", "no_curriculum"],
            "width": [2, 4],
            "n_steps": [20, 40],
            "time": [1.0, 2.0],
            "round": [0],
        },
    )


NEITHER, LATER, BOTH = [0, 0], [0, 1], [1, 1]


def test_costs_frontier_and_savings_by_hand():
    """Without a curriculum the small network reaches the target in one of three replicates only."""
    ds = cost_of(
        [
            [[BOTH, LATER, BOTH], [BOTH, BOTH, BOTH]],
            [[NEITHER, NEITHER, LATER], [LATER, LATER, BOTH]],
        ]
    )
    cost = costs(ds, 0.6)
    flops = cost.flops.isel(round=0)
    inf = np.inf
    assert flops.sel(protocol="curriculum", width=2).values.tolist() == [[40, 80], [inf, 80], [40, 80]]
    assert flops.sel(protocol="no_curriculum", width=4).values.tolist() == [[inf, 160], [inf, 160], [80, 160]]
    line = frontier(cost).isel(round=0)
    assert line.flops.sel(protocol="curriculum").values.tolist() == [[40, 80], [80, 160]]
    assert line.flops.sel(protocol="no_curriculum").values.tolist() == [[inf, inf], [inf, 160]]
    assert line.best.sel(protocol="curriculum").values.tolist() == [[True, False], [False, False]]
    assert line.best.sel(protocol="no_curriculum").values.tolist() == [[False, False], [False, True]]
    assert line.reached.sel(protocol="curriculum", width=2).values.tolist() == [pytest.approx(2 / 3), 1]
    found = savings(cost)
    assert found.weights.values.tolist() == [20, 40]
    assert found.flops.values.tolist() == [40, 160]
    assert float(found.weights_ratio) == 2
    assert float(found.flops_ratio) == 4
    assert float(found.weights_ratio_low) <= 2 <= float(found.weights_ratio_high)


def test_search_costs_the_whole_training_of_the_rounds_before():
    one = cost_of([[[BOTH], [BOTH]], [[BOTH], [BOTH]]])
    two = xr.concat(
        [one, one.assign_coords(round=[1])], "round", data_vars="minimal", coords="minimal", compat="override"
    )
    two = two.assign(flops_per_step=two.flops_per_step / (1 + two["round"]))
    found = costs(two, 0.6).sel(protocol="curriculum", width=2, n_steps=20).isel(replicate=0)
    assert found.flops.values.tolist() == [40, 20]
    assert found.flops_with_search.values.tolist() == [40, 40 + 20]


def test_nobody_reaches_the_target():
    found = savings(costs(cost_of([[[NEITHER] * 2] * 2, [[NEITHER] * 2, [BOTH] * 2]]), 0.6))
    assert found.weights.values.tolist() == [np.inf, 40]
    assert float(found.weights_ratio) == 0
