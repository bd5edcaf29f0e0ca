"""Figures of the mixture against sigma and of the sign map, on results made up to have a known answer."""

from typing import Any

import numpy as np
import pytest
import small
import xarray as xr
from small import stored

from figures import mixture_loss, sign_map
from studies.catalogue import get

#: Protocols -> what they have more than others, in accuracy and in loss.
EXTRA = {"curriculum": (-0.1, -0.1), "ramp": (0.1, -0.1)}


def two_readings(block) -> xr.Dataset:
    """In two phases the curriculum is better in loss and worse in accuracy; in fading better in both."""
    ds = small.at_random(block)
    cell: Any = block.cell
    for name, level, which in (("test_accuracy", 0.7, 0), ("test_loss", 0.4, 1)):
        extra = np.array([EXTRA.get(protocol, (0, 0))[which] for protocol in block.protocols])
        noise = 0.001 * ds[name] * cell.width
        ds[name] = level + xr.DataArray(extra, {"protocol": ds.protocol}) + noise.transpose("protocol", ...)
    ds["clusters_right"] = 4.0 + 0 * ds.clusters_right
    return ds


@pytest.mark.slow
def test_where_loss_and_accuracy_disagree_is_said_and_shaded(tmp_path):
    study = get("mixture_loss").changed(
        {"width": "2,4", "hard.noise": "0.01,0.09", "replicates": "6", "rows": "6"}
    )
    summary = mixture_loss.summarise(stored(study, tmp_path, two_readings))
    drawn = mixture_loss.width(summary)
    assert not isinstance(drawn.table, xr.Dataset)
    every = drawn.table["over shuffled, every sigma"]
    assert bool((every.disagree.sel(reading="two phases") == 1).all())
    assert bool((every.disagree.sel(reading="fading") == 0).all())
    np.testing.assert_allclose(every.loss_gain_benefit, 0.1, atol=0.01)
    np.testing.assert_allclose(every.accuracy_gain_benefit.sel(reading="fading"), 0.1, atol=0.01)
    assert "two phases, K = 2, sigma 0.3" in drawn.caption
    assert "fading, K" not in drawn.caption
    loss = mixture_loss.loss(summary).figure
    label = "loss and accuracy disagree on who is better"
    assert [label in axes.get_legend_handles_labels()[1] for axes in loss.axes] == [True, False, True, False]
    shares = summary.share_mean.sel(protocol="ramp", at=0.1)
    assert shares.sel(clusters=[0, 1, 2, 3, 4]).values.tolist() == [0, 0, 0, 0, 1]


@pytest.mark.slow
def test_the_sign_map_is_a_ratio_of_accuracies(tmp_path):
    """Easy first: 0.6, at rate 1 0.7. Hard first: 0.5, at rate 2 0.8. Simulated: 1/2 standard error more."""

    def compute(block):
        cell: Any = block.cell
        ds = small.at_random(block)
        spread = xr.DataArray(np.tile([1.0, -1.0], block.rows)[: block.rows], {"replicate": ds.replicate})
        error = 0.01 * float(spread.std(ddof=1)) / block.rows**0.5
        own = 0.01 * spread + 0.5 * error if cell.method == "auto" else 0 * spread
        easy_first = 0.6 + 0.1 * (cell.learning_rate == 1)
        hard_first = 0.5 + 0.3 * (cell.learning_rate == 2)
        level = {"curriculum": easy_first, "anti_curriculum": hard_first, "no_curriculum": 0.1}
        ds["test_accuracy"] = xr.concat([own + level[p] + 0 * ds.time for p in block.protocols], "protocol")
        return ds

    study = get("sign_map").changed({"replicates": "8", "rows": "8", "budget": "0.5,1"})
    summary = sign_map.summarise(stored(study, tmp_path, compute))
    for rate, ratio in ((0.5, 0.6 / 0.5), (1.0, 0.7 / 0.5), (2.0, 0.6 / 0.8)):
        np.testing.assert_allclose(summary.ratio.sel(learning_rate=rate), ratio, rtol=1e-5)
    np.testing.assert_allclose(summary.own_ratio, 0.7 / 0.8, rtol=1e-5)
    assert set(np.unique(summary.own_rate.sel(protocol="anti_curriculum"))) == {2.0}
    known = summary.away.values[np.isfinite(summary.away.values)]
    assert known.size == 2 * 2 * 2  # budgets, easy fractions, orders
    np.testing.assert_allclose(known, 0.5, rtol=1e-3)
    assert (
        "8 accuracies were simulated too (N = {n_inputs}): 0.50 standard errors"
        in sign_map.map_(summary).caption
    )
