"""Figures of the study consolidation.

linear  accuracy of the linear student against the pull of the second fit, and of one fit beside it
width   two-layer students against width, every arm at the pull that is best on other replicates; their lead
"""

from functools import partial

import xarray as xr

from figures.parts import finite, panels, summary as sums
from figures.parts.style import series
from figures.parts.write import Drawn, Figures, named
from studies.analysis import last, tuned, usable, with_axes

#: The protocols that are compared.
PAIR = ("easy_to_hard", "all_at_once")
AXES = ("protocol", "width", "student", "ridge", "coupling")
CAPTION = (
    "{task:words}, N = {n_inputs}, {alpha_easy:g} N easy examples (noise {easy[noise]:g}) and {alpha_hard:g} "
    "N hard ones (noise {hard[noise]:g}), logistic loss; a fit, or one after the other with a pull to where "
    "the first ended. Protocols of one fit do not know the pull of the second."
)
LABEL = "accuracy on hard examples"


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Accuracy over the grid, and at the ridge and pull that are best on the other half of the replicates."""
    ds = with_axes(ds, AXES[2:])
    grid = last(usable(ds)).sel(student="linear", width=1, drop=True)
    flat = ds.stack(pull=("ridge", "coupling")).reset_index("pull", drop=True)
    flat = flat.assign_coords(pull=range(flat.sizes["pull"]))
    count = ds.sizes["replicate"] // 2 * 2
    # the replicates, and those of even and odd number exchanged in pairs
    halves = (flat.isel(replicate=[i ^ swap for i in range(count)]) for swap in (0, 1))
    both = xr.concat([last(usable(tuned(half, axis="pull"))) for half in halves], "replicate")
    lead = sums.mean(both - both.sel(protocol=PAIR[1], drop=True)).rename(mean="benefit")
    return sums.summary_of(
        ds,
        sums.prefixed("grid", sums.mean(grid)),
        sums.prefixed("tuned", sums.mean(both)),
        sums.prefixed("lead", lead.where(lead.protocol != PAIR[1])),
        left_out=sums.left_out(ds).sum(),
    )


def linear(summary: xr.Dataset) -> Drawn:
    """A panel per ridge."""
    table = sums.numbers(summary, "grid_mean")
    parts = panels.each(table.dropna("ridge", how="all"), "ridge", "ridge of the first {:g}")
    styles = series(summary.protocol.values)
    curves = partial(
        panels.curves, name="grid_mean", along="protocol", styles=styles, x="coupling", step=0.04
    )
    look = {"xscale": "log", "xlabel": "pull of the second fit"}
    figure = panels.facets(parts, curves, 2.2, beside=LABEL, legend=3, panel=look, sharey=True)
    return Drawn(figure, table, CAPTION)


def width(summary: xr.Dataset) -> Drawn:
    """Two-layer students."""
    sums.need("two_layer" in summary.student, "two-layer students were not run")
    names = {LABEL: "tuned_mean", "lead over all at once": "lead_benefit"}
    table = sums.numbers(summary.sel(student="two_layer"), *names.values())
    table = sums.known(table, "width", "protocol")
    text = f"{CAPTION} Ridge and pull are the best on the other half of the replicates."
    return finite.against_width(table, names, "two layers", text, styles=series(table.protocol.values))


FIGURES: Figures = named(linear, width)
