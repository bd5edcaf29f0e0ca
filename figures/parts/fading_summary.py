"""The summary of images_depth and images_filters: what the ramp gains, and how the gain goes with width."""

import xarray as xr

from figures.parts import summary as sums
from figures.parts.rates import is_end
from studies.analysis import last, peak, usable, with_axes

#: Name of a comparison -> treatment and control; the first is that of the paper.
COMPARED = {
    "over the same images shuffled": ("ramp", "shuffled_ramp"),
    "over shuffled images that end on the target": ("ramp", "shuffled_ramp_then_target"),
    "both end on the target": ("ramp_then_target", "shuffled_ramp_then_target"),
    "over the target all along": ("ramp", "target_only"),
}
HEADLINE = next(iter(COMPARED))
AXES = ("shared_rate", "depth")
QUANTITIES = ("test_accuracy", "test_loss")
#: Whether both arms have one learning rate, or each its own best one.
SHARED, OWN = "one rate", "own rates"


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Accuracy, loss, and what each comparison gains, at the end of runs.

    A gain in loss is what is avoided of it, so that more is better in both. Along `rates` both arms have the
    learning rate of most runs, which is the attribute `shared_rate`, or each has its own best one: of the
    rates that were run or, where that is a single one, of the sweep of its block (rate 0). The attribute
    `chosen` tells which, "halves" or "sweep".

    Returns
    -------
    test_accuracy_mean, test_loss_mean : (shared_rate, depth, protocol, width)
    accuracy_benefit, loss_benefit : (comparison, rates, depth, width)
    accuracy_rise, accuracy_fall, accuracy_steeper, and of the loss : (rates, depth), see
        `studies.analysis.peak`, of the first comparison
    learning_rate, edge : (depth, protocol, width), each arm's own, and whether it is an end of those tried
    """
    # a depth of 1 is left out of descriptions
    ds = with_axes(ds if "depth" in ds.coords else ds.assign_coords(depth=1), AXES).sortby("width")
    ends, pair = xr.Dataset({name: last(usable(ds, name)) for name in QUANTITIES}), COMPARED[HEADLINE]
    signed = xr.Dataset({"accuracy": ends.test_accuracy, "loss": -ends.test_loss})
    signed = signed.expand_dims(time=[0.0], axis=-1).assign(status=ds.status)
    signed = signed.rename(shared_rate="learning_rate")
    # the rate of most runs of the pair that the paper compares, of several the first
    runs = sums.asked(signed.sel(protocol=list(pair)))
    count = runs.sum([d for d in runs.dims if d != "learning_rate"])
    rate = float(ds.shared_rate[int(count.argmax("learning_rate"))])
    # rates for which a single entry of the axis stands
    single = {SHARED: rate} | ({OWN: 0.0} if rate > 0 and 0 in signed.learning_rate else {})
    own = {name: tuned(signed, pair, name) for name in ("accuracy", "loss")}
    gains = {
        comparison: sums.merged(*(_gain(signed, single, arms, name) for name in own))
        for comparison, arms in COMPARED.items()
        if set(arms) <= set(ds.protocol.values)
    }
    return sums.summary_of(
        ds,
        sums.means(ends),
        sums.along("comparison", gains),
        *(_peaks(signed, single, found, name) for name, found in own.items()),
        _own_rates(ds, own["accuracy"]),
        shared_rate=rate,
        chosen="halves" if own["accuracy"] else "sweep",
    )


def tuned(signed: xr.Dataset, pair: tuple[str, str], variable: str) -> xr.Dataset:
    """The benefit with each arm at its own best rate, and the rates; nothing where there is no choice."""
    swept = signed.sel(learning_rate=signed.learning_rate > 0)
    found = sums.merged(*(sums.own_rates(swept.sel(depth=[d]), pair, variable) for d in swept.depth.values))
    found = found.drop_vars("tuned_halves", errors="ignore")
    return found.rename({name: str(name).removeprefix("tuned_") for name in found.data_vars})


def _gain(signed: xr.Dataset, single: dict[str, float], pair: tuple[str, str], variable: str) -> xr.Dataset:
    """What a treatment gains over a control at one rate and, where rates were swept, each arm at its own."""
    found = {
        rates: sums.gain(signed.sel(learning_rate=at, drop=True), *pair, variable).isel(time=0, drop=True)
        for rates, at in single.items()
    }
    if own := tuned(signed, pair, variable):
        found[OWN] = own.drop_vars(["rate", "protocol"])
    return sums.prefixed(variable, sums.along("rates", found))


def _peaks(signed: xr.Dataset, single: dict[str, float], own: xr.Dataset, variable: str) -> xr.Dataset:
    """Rise and fall of the benefit over width, at one rate and at own ones; `own` is that of `tuned`."""
    cases = {rates: signed.sel(learning_rate=[at]) for rates, at in single.items()}
    if own:
        widths = own.width[own.benefit.notnull().all("depth").values]
        cases[OWN] = signed.sel(learning_rate=signed.learning_rate > 0, width=widths)
    each = {rates: peak(part, *COMPARED[HEADLINE], variable) for rates, part in cases.items()}
    return sums.prefixed(variable, sums.along("rates", each))


def _own_rates(ds: xr.Dataset, own: xr.Dataset) -> xr.Dataset:
    """Each arm's own learning rate where there was a choice, and whether it is the smallest or largest tried.

    It is that of `tuned`, else the best of the sweep of its block.
    """
    if own:
        ran = sums.asked(ds).any("replicate") & (ds.shared_rate > 0)
        tried, along, rates = ds.shared_rate.where(ran), "shared_rate", own.rate
    elif 0 in ds.shared_rate:
        sweep = ds.sel(shared_rate=0, drop=True)
        tried, along = sweep.rate.where(sweep.sweep_accuracy.notnull().any("replicate")), "rate"
        rates = sweep.learning_rate.mean("replicate")
    else:
        return xr.Dataset()
    edge = is_end(rates, tried, along).where(rates.notnull())
    return xr.Dataset({"learning_rate": rates, "edge": edge})
