"""The summary of the XOR mixture against sigma: ends of runs, benefits over each control, histograms."""

from typing import Any

import xarray as xr

from figures.parts import summary as sums
from figures.parts.rates import OPEN
from studies.analysis import last, share, usable
from studies.analysis.mixture import READINGS, by_sigma, cluster_hits, distance, published

#: Quantities with the sign that makes a difference a benefit.
QUANTITIES = {"accuracy": ("test_accuracy", 1), "loss": ("test_loss", -1)}
#: The arm that ends on the target as the curriculum does, by reading; then the controls of each treatment.
SAME_END = {
    "two phases": ("curriculum", "no_curriculum_then_target"),
    "fading": ("ramp_then_target", "shuffled_ramp_then_target"),
}
CONTROLS = {
    "shuffled": lambda reading: READINGS[reading][:2],
    "shuffled, both end on the target": lambda reading: SAME_END[reading],
    "target only": lambda reading: (READINGS[reading][0], READINGS[reading][2]),
}
#: Look of points read off a published figure, on top of that of a line.
READ: dict[str, Any] = OPEN | {"ms": 5, "zorder": 1}
#: The value of sigma at which every arm has its own best rate.
MIDDLE = 0.3


def counts(ends: xr.Dataset) -> list[str]:
    """The counts of clusters that were recorded."""
    return [name for name in ("clusters_right", "covered", "covered_aligned") if name in ends]


def at_end(ds: xr.Dataset) -> xr.Dataset:
    """Every recorded number at the end of the run, over sigma; a protocol at its smallest easy fraction."""
    ds = by_sigma(ds)
    ran = sums.asked(ds).any("replicate")
    found = {str(name): last(usable(ds, str(name))) for name, v in ds.data_vars.items() if "time" in v.dims}
    place = ran.argmax("easy_fraction")
    out = xr.Dataset(found).assign(status=ds.status).isel(easy_fraction=place).drop_vars("easy_fraction")
    return out.isel({"easy.noise": 0}, drop=True)


def gains(values: xr.DataArray, status: xr.DataArray) -> xr.Dataset:
    """Benefit over each control in each reading, paired by replicate: (reading, control, sigma, width)."""
    ds = xr.Dataset({"gain": values.expand_dims(time=[0.0], axis=-1), "status": status})
    there = set(ds.protocol.values.tolist())
    each = [
        sums.gain(ds, *pair(reading), "gain")
        .isel(time=0, drop=True)
        .assign_coords(reading=reading, control=name)
        for reading in READINGS
        for name, pair in CONTROLS.items()
        if set(pair(reading)) <= there
    ]
    return sums.merged(*(part.expand_dims(["reading", "control"]) for part in each))


def shares(ends: xr.Dataset, ds: xr.Dataset) -> xr.Dataset:
    """Shares of runs with 0 to 4 clusters right at the sigma of the published histograms."""
    at = [sigma for sigma in published()["at"].values if sigma in ends.sigma]
    if not at:
        return xr.Dataset()
    hits = cluster_hits(ends.expand_dims(time=[0.0], axis=-1).assign(status=ends.status))
    hits = hits.sel(sums.choose(ds, {"width": None}), drop=True).sel(sigma=at).rename(sigma="at")
    return sums.prefixed("share", share(hits.transpose(..., "replicate")))


def distances(ds: xr.Dataset) -> xr.Dataset:
    """How far the runs of each reading are from the published curves."""
    there = set(ds.protocol.values.tolist())
    each = {
        reading: distance(ds, reading)[["rms", "total"]].max(["easy_fraction", "easy.noise"])
        for reading, arms in READINGS.items()
        if set(arms) <= there
    }
    return sums.along("reading", each) if each else xr.Dataset()


def tuned_gains(ds: xr.Dataset) -> xr.Dataset:
    """The benefit at one sigma with every arm at its own best rate, in accuracy and in loss."""
    part = by_sigma(ds)
    if MIDDLE not in part.sigma or ds.sizes["learning_rate"] < 2:
        return xr.Dataset()
    part = part.sel(sigma=MIDDLE, drop=True).isel({"easy.noise": 0}, drop=True)
    found = []
    for reading, (treatment, control, _) in READINGS.items():
        if not {treatment, control} <= set(part.protocol.values.tolist()):
            continue
        asked = sums.asked(part.sel(protocol=[treatment, control])).any(
            ["replicate", "width", "learning_rate"]
        )
        run = part.isel(easy_fraction=int(asked.all("protocol").argmax("easy_fraction")), drop=True)
        for name, (variable, sign) in QUANTITIES.items():
            own = sums.own_rates(run.assign(gain=sign * run[variable]), (treatment, control), "gain")
            if own:
                rates = own.tuned_rate
                own = own.drop_vars(["tuned_rate", "protocol"], errors="ignore").assign(
                    tuned_rate_curriculum=rates.sel(protocol=treatment, drop=True),
                    tuned_rate_shuffled=rates.sel(protocol=control, drop=True),
                )
                found.append(own.expand_dims(reading=[reading], quantity=[name]))
    return sums.merged(*found)
