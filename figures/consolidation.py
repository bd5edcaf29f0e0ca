"""Figures of the study consolidation.

linear  accuracy of the linear student against the pull of the second fit, and of one fit beside it
width   two-layer students against width, every arm at the pull that is best on other replicates
"""

import xarray as xr

from figures.parts import finite, panels
from figures.parts import summary as sums
from figures.parts.style import series
from figures.parts.write import Drawn, Figures
from studies.analysis import last, tuned, usable, with_axes

#: The protocols that are compared.
PAIR = ("easy_to_hard", "all_at_once")
AXES = ("protocol", "width", "student", "ridge", "coupling")


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Accuracy over the grid, and at the ridge and pull that are best on the other half of the replicates."""
    ds = with_axes(ds, AXES[2:])
    out = sums.prefixed("grid", sums.mean(last(usable(ds)).sel(student="linear", width=1, drop=True)))
    flat = ds.stack(pull=("ridge", "coupling")).reset_index("pull", drop=True)
    best = [tuned(half(flat, swap), axis="pull") for swap in (False, True)]
    both = xr.concat([last(usable(b)) for b in best], "replicate")
    out = sums.merged(out, sums.prefixed("tuned", sums.mean(both)))
    out["left_out"] = sums.left_out(ds).sum()
    return sums.summary_of(ds, out)


def half(ds: xr.Dataset, swap: bool) -> xr.Dataset:
    """The replicates, those of even and odd number exchanged in pairs if `swap`; `pull` numbered."""
    count = ds.sizes["replicate"] // 2 * 2
    order = [i ^ 1 if swap else i for i in range(count)]
    return ds.isel(replicate=order).assign_coords(pull=range(ds.sizes["pull"]))


def linear(summary: xr.Dataset) -> Drawn:
    """A panel per ridge."""
    ridges = summary.ridge.values[summary.grid_mean.notnull().any(["protocol", "coupling"]).values]
    figure, places = panels.wrapped(len(ridges), 2.2, sharey=True)
    styles = series(summary.protocol.values)
    for axes, ridge in zip(places, ridges, strict=True):
        part = summary.sel(ridge=ridge)
        part = part.sel(coupling=part.grid_mean.notnull().any("protocol"))
        panels.curves(axes, part, "grid_mean", "protocol", styles, x="coupling", step=0.04)
        axes.set(xscale="log", xlabel="pull of the second fit", title=f"ridge of the first {ridge:g}")
    figure.supylabel("accuracy on hard examples", fontsize=8)
    panels.legend_above(figure, 3)
    return Drawn(figure, sums.numbers(summary, "grid_mean"), caption(summary))


def width(summary: xr.Dataset) -> Drawn:
    """Two-layer students."""
    sums.need("two_layer" in summary.student, "two-layer students were not run")
    part = summary.sel(student="two_layer")
    part = part.sel(width=part.tuned_mean.notnull().any("protocol"))
    figure = finite.against_width(
        part,
        {"two layers": ("tuned_mean", {})},
        "accuracy on hard examples",
        styles=series(part.protocol.values),
    )
    note = " Ridge and pull are the best on the other half of the replicates."
    return Drawn(figure, sums.numbers(part, "tuned_mean"), caption(summary) + note)


def caption(summary: xr.Dataset) -> str:
    """Settings."""
    return (
        "{task:words}, N = {n_inputs}, {alpha_easy:g} N easy examples (noise {easy[noise]:g}) and "
        "{alpha_hard:g} N hard ones (noise {hard[noise]:g}), logistic loss; a fit, or one after the other "
        "with a pull to where the first ended. Protocols of one fit do not know the pull of the second."
    )


def figures(summary: xr.Dataset) -> Figures:
    """Every figure by the name of its file."""
    return {"linear": linear, "width": width}
