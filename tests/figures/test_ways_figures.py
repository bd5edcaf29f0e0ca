"""The figure of all ways to an accuracy: it shows what is planted in the results of three studies."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import small
import xarray as xr

from figures import efficiency
from figures.__main__ import main
from figures.parts.write import said
from studies.catalogue import get
from studies.cell import Block
from studies.cells.online import OnlineCell
from studies.cells.tickets.drawn import OnlineDrawn

#: Operations of a step with so many units.
STEP = {units: 5 * 101 * units + 2 * units for units in (2, 3, 4, 8, 16)}
STUDIES = ("efficiency", "efficiency_early", "efficiency_distilled")


def reached(cell: Any, units: int, protocol: str, at: float) -> bool:
    """Who is at the target; without a curriculum nobody but at rate 0.6.

    at : the step of a mask, or of a teacher that stops; else the round
    """
    if protocol == "no_curriculum" and cell.learning_rate != 0.6:
        return False
    samples = cell.budget * cell.n_inputs if isinstance(cell, OnlineCell) else cell.n_steps
    if isinstance(cell, OnlineCell):
        return samples >= 15000 and (protocol == "curriculum" or at == samples)
    if isinstance(cell, OnlineDrawn):
        return protocol == "curriculum" and at >= 1500
    least = {2: 40000, 3: 50000, 4: 30000, 8: 15000, 16: 15000}[units] / (2 if at else 1)
    return samples >= least


def planted(block: Block) -> xr.Dataset:
    """A block of any of the three studies whose accuracy is 0.65 or 0.5."""
    cell: Any = block.cell
    pair, rows, time = list(block.protocols), block.rows, np.arange(cell.n_records + 1) * 1.0
    run = ("protocol", "replicate")
    coords: dict[str, Any] = {"protocol": pair, "replicate": block.replicates, "time": time}
    if isinstance(cell, OnlineCell):
        axes, places, units = (), [cell.checkpoint * cell.n_inputs], [cell.width]
    elif isinstance(cell, OnlineDrawn):
        axes, places, units = ("step",), list(cell.drawn), [4] * len(cell.drawn)
        coords["step"] = places
    else:
        axes, places = ("arm", "round"), list(range(cell.rounds + 1))
        units = [cell.width // 2**n for n in places]
        coords |= {"arm": ["ticket"], "round": places}
    ends = [
        [0.65 if reached(cell, k, p, at) else 0.5 for k, at in zip(units, places, strict=True)] for p in pair
    ]
    shape = (len(pair), rows, *(len(coords[axis]) for axis in axes))
    values = np.broadcast_to(np.array(ends)[:, None], (len(pair), rows, len(places))).reshape(shape)
    found: dict[str, Any] = {"test_accuracy": ((*run, *axes, "time"), values[..., None] + 0 * time)}
    flops = np.array([STEP[k] for k in units], float)
    if isinstance(cell, OnlineDrawn):
        each = {"weights": 404.0, "flops_per_step": 1.0 * STEP[4], "dense_flops_per_step": 1.0 * STEP[16]}
        found |= {name: (run, np.full(shape[:2], value)) for name, value in each.items()}
    elif axes:
        found["flops_per_step"] = ((*run, *axes), np.broadcast_to(flops, shape))
        found["weights"] = ((*run, *axes), np.broadcast_to(101.0 * np.array(units), shape))
    found["status"] = (run, np.zeros(shape[:2], np.int8))
    return xr.Dataset(found, coords, small.ATTRS)


def few(name: str, **fields: str):
    return get(name).changed({"replicates": "3", "rows": "3"} | fields)


def rows(table: Any) -> pd.DataFrame:
    return table.sel(target=0.6, drop=True).to_dataframe()


@pytest.mark.slow
def test_every_way_is_as_planted(tmp_path):
    ds, *others = (small.stored(few(name), tmp_path, planted) for name in STUDIES)
    summary = efficiency.summarise(ds, dict(zip(STUDIES[1:], others, strict=True)))
    drawn = efficiency.ways_figure(summary)
    drawn.figure.draw_without_rendering()
    found, n = rows(drawn.table), 15000  # samples; the table's FLOPs are compared by sample of these
    flops = found.flops.astype(float).unstack("protocol") / n
    both = {"small": STEP[8], "wide": STEP[16], "ticket": STEP[4], "distilled": STEP[4]}
    for way, expected in both.items():
        np.testing.assert_allclose(flops.loc[way], [expected, expected], rtol=1e-6)
    # of three rounds, at one budget: 16 units, then 8 of half the budget, ...
    searches = {8: 16, 4: 24, 2: 28}
    each = [(STEP[k] + STEP[16] * searches[k] / 16) * {8: 7500, 4: 15000, 2: 30000}[k] / n for k in searches]
    np.testing.assert_allclose(flops.loc["ticket_with_search"], [min(each)] * 2, rtol=1e-6)
    # the first mask that works is that of step 1500: 20 % of the smallest budget
    assert flops.loc["early", "curriculum"] == pytest.approx((STEP[4] * 7500 + STEP[16] * 1500) / n)
    assert np.isinf(flops.loc["early", "no_curriculum"])
    teacher = {"curriculum": STEP[16] * 0.3, "no_curriculum": STEP[16]}
    for protocol, taught in teacher.items():
        asked = 2 * 16 * 101
        assert flops.loc["distilled_with_teacher", protocol] == pytest.approx(STEP[4] + asked + taught)
    one = found.loc[("early", "curriculum")]
    assert (one.samples, one.taken, one["size"]) == (7500, 1500, 404)
    assert found.loc[("distilled", "no_curriculum")].taken == 15000
    assert found.loc[("wide", "curriculum")].rate == pytest.approx(0.3)
    assert found.loc[("wide", "no_curriculum")].rate == pytest.approx(0.6)
    text = said(drawn.caption, summary)
    assert "rate (of 0.3, 0.6, 0.8) and budget (of 7500, 15000, 30000 samples" in text
    assert "Not shown" not in text
    about = json.loads(summary.attrs["beside"])["efficiency_distilled"]
    assert about["replicates"] == 3
    assert json.loads(about["description"])["cell"]["student"] == "pair"


@pytest.mark.slow
def test_ways_that_were_not_run_or_at_other_settings_are_named(tmp_path, capsys):
    small.stored(few("efficiency", n_steps="15000", learning_rate="0.6"), tmp_path, planted)
    other = few("efficiency_early", learning_rate="0.6", **{"hard.noise": "2"})
    small.stored(other, tmp_path, planted)
    assert main(["efficiency", "--from", str(tmp_path)]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "not drawn: what efficiency_distilled adds (no results of it beside these)"
    ]
    folder = tmp_path / "efficiency" / "figures"
    text = (folder / "ways.txt").read_text()
    assert "Not shown: early ticket (run at other settings), distilled (not run)." in text
    assert set(pd.read_csv(folder / "ways.csv").way) == {"small", "wide", "ticket", "ticket_with_search"}
