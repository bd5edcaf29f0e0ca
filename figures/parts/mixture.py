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


def readings(ds: xr.Dataset) -> list[str]:
    """The readings of a curriculum whose arms were all run."""
    return [reading for reading, arms in READINGS.items() if set(arms) <= set(ds.protocol.values)]


def at_end(ds: xr.Dataset) -> xr.Dataset:
    """Every recorded number at the end of the run, over sigma; a protocol at its smallest easy fraction."""
    ds = by_sigma(ds)
    found = {str(name): last(usable(ds, str(name))) for name, v in ds.data_vars.items() if "time" in v.dims}
    place = sums.asked(ds).any("replicate").argmax("easy_fraction")
    out = xr.Dataset(found).assign(status=ds.status).isel(easy_fraction=place).drop_vars("easy_fraction")
    return out.isel({"easy.noise": 0}, drop=True)


def gains(values: xr.DataArray, status: xr.DataArray) -> xr.Dataset:
    """Benefit over each control in each reading, paired by replicate: (reading, control, sigma, width)."""
    ds = xr.Dataset({"gain": values.expand_dims(time=[0.0], axis=-1), "status": status})
    pairs = {(reading, name): pair(reading) for reading in READINGS for name, pair in CONTROLS.items()}
    each = [
        sums.gain(ds, *pair, "gain").isel(time=0, drop=True).expand_dims(reading=[reading], control=[name])
        for (reading, name), pair in pairs.items()
        if set(pair) <= set(ds.protocol.values)
    ]
    return sums.merged(*each)


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
    each = {
        reading: distance(ds, reading)[["rms", "total"]].max(["easy_fraction", "easy.noise"])
        for reading in readings(ds)
    }
    return sums.along("reading", each) if each else xr.Dataset()


def tuned_gains(ds: xr.Dataset) -> xr.Dataset:
    """The benefit at one sigma with every arm at its own best rate, in accuracy and in loss."""
    part = by_sigma(ds)
    if MIDDLE not in part.sigma or ds.sizes["learning_rate"] < 2:
        return xr.Dataset()
    part = part.sel(sigma=MIDDLE, drop=True).isel({"easy.noise": 0}, drop=True)
    found = []
    for reading, (*pair, _) in READINGS.items():
        if not set(pair) <= set(part.protocol.values):
            continue
        there = sums.asked(part.sel(protocol=pair)).any(["replicate", "width", "learning_rate"])
        run = part.isel(easy_fraction=int(there.all("protocol").argmax("easy_fraction")), drop=True)
        for name, (variable, sign) in QUANTITIES.items():
            if own := sums.own_rates(run.assign(gain=sign * run[variable]), (pair[0], pair[1]), "gain"):
                arms = zip(("curriculum", "shuffled"), pair, strict=True)
                rates = {f"tuned_rate_{arm}": own.tuned_rate.sel(protocol=p, drop=True) for arm, p in arms}
                own = own.drop_vars(["tuned_rate", "protocol"], errors="ignore").assign(rates)
                found.append(own.expand_dims(reading=[reading], quantity=[name]))
    return sums.merged(*found)
