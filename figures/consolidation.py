"""Figures of the study consolidation.

linear  accuracy of the linear student against the pull of the second fit, and of one fit beside it
width   two-layer students against width, every arm at the pull that is best on other replicates; their lead
"""

import xarray as xr
from matplotlib.axes import Axes

from figures.parts import finite, panels
from figures.parts import summary as sums
from figures.parts.style import series
from figures.parts.write import Drawn, Figures
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
    best = [tuned(half(flat, swap), axis="pull") for swap in (False, True)]
    both = xr.concat([last(usable(b)) for b in best], "replicate")
    lead = sums.mean(both - both.sel(protocol=PAIR[1], drop=True)).rename(mean="benefit")
    return sums.summary_of(
        ds,
        sums.prefixed("grid", sums.mean(grid)),
        sums.prefixed("tuned", sums.mean(both)),
        sums.prefixed("lead", lead.where(lead.protocol != PAIR[1])),
        left_out=sums.left_out(ds).sum(),
    )


def half(ds: xr.Dataset, swap: bool) -> xr.Dataset:
    """The replicates, those of even and odd number exchanged in pairs if `swap`; `pull` numbered."""
    count = ds.sizes["replicate"] // 2 * 2
    order = [i ^ 1 if swap else i for i in range(count)]
    return ds.isel(replicate=order).assign_coords(pull=range(ds.sizes["pull"]))


def linear(summary: xr.Dataset) -> Drawn:
    """A panel per ridge."""
    table = sums.numbers(summary, "grid_mean")
    parts = panels.each(table.dropna("ridge", how="all"), "ridge", "ridge of the first {:g}")
    styles = series(summary.protocol.values)

    def draw(axes: Axes, part: xr.Dataset) -> None:
        part = part.dropna("coupling", how="all")
        panels.curves(axes, part, "grid_mean", "protocol", styles, x="coupling", step=0.04)
        axes.set(xscale="log", xlabel="pull of the second fit")

    figure = panels.facets(parts, draw, 2.2, beside=LABEL, legend=3, sharey=True)
    return Drawn(figure, table, CAPTION)


def width(summary: xr.Dataset) -> Drawn:
    """Two-layer students."""
    sums.need("two_layer" in summary.student, "two-layer students were not run")
    names = {LABEL: "tuned_mean", "lead over all at once": "lead_benefit"}
    table = sums.numbers(summary.sel(student="two_layer"), *names.values())
    table = table.dropna("width", how="all").dropna("protocol", how="all")
    figure = finite.against_width(table, names, "two layers", styles=series(table.protocol.values))
    note = "Ridge and pull are the best on the other half of the replicates."
    return Drawn(figure, table, f"{CAPTION} {note}")


FIGURES: Figures = {"linear": linear, "width": width}
