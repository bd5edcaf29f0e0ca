"""Figures of any study: curves of every recorded quantity, and the benefit if there is a pair to compare."""

from functools import partial

import numpy as np
import xarray as xr

from figures.parts import panels, summary as sums
from figures.parts.style import words
from figures.parts.write import Drawn, Figures, literal
from studies.analysis import usable

#: What `summary.attrs["figures"]` says of a summary made here.
KIND = "default"
RUN = ("protocol", "width", "replicate")
#: Treatment, control and quantity (with its sign as a benefit) that are compared, the first that is there.
PAIRS = (("curriculum", "no_curriculum"), ("curriculum", "standard"))
QUANTITIES = (("test_accuracy", 1), ("test_loss", -1))


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Means and intervals of all numbers recorded for a run; of arrays with more axes the first entry."""
    shown, said = {}, {}
    for name, values in ds.data_vars.items():
        if name == "status" or not set(RUN) <= set(values.dims) or values.dtype.kind not in "fiub":
            continue
        more = [str(d) for d in values.dims if d not in (*RUN, "time")]
        first = usable(ds, str(name)).isel(dict.fromkeys(more, 0)).astype(float)
        if bool(first.notnull().any()):
            shown[str(name)] = first.drop_vars(more, errors="ignore")
            said[f"note_{name}"] = ", ".join(f"{d} {values[d].values[0]}" for d in more)
    sums.need(bool(shown), "no number of a run was recorded")
    parts = [sums.prefixed(name, sums.mean(values)) for name, values in shown.items()]
    about = {"figures": KIND, "quantities": [*shown]} | said
    return sums.summary_of(ds, *parts, _benefit(ds, shown), **about)


def _benefit(ds: xr.Dataset, shown: dict[str, xr.DataArray]) -> xr.Dataset:
    """The benefit at the end of the run; nothing without a pair of protocols or a quantity to compare."""
    pair = next((pair for pair in PAIRS if set(pair) <= set(ds.protocol.values)), None)
    compared = next(
        ((name, sign) for name, sign in QUANTITIES if name in shown and "time" in shown[name].dims), None
    )
    if pair is None or compared is None:
        return xr.Dataset()
    name, sign = compared
    ends = sums.at_end(ds.assign({name: sign * shown[name]}), name)
    return sums.gain(ends, *pair, name).isel(time=0, drop=True)


def caption(summary: xr.Dataset) -> str:
    """Plain settings of the cell and number of replicates."""
    cell = {key: v for key, v in sums.cell_of(summary).items() if key not in ("protocol", "width")}
    said = ", ".join(f"{words(key)} {v}" for key, v in cell.items() if isinstance(v, int | float | str))
    return f"{words(summary.attrs['study'])}: {literal(said)}."


def quantity(name: str, summary: xr.Dataset) -> Drawn:
    """One quantity against time, a panel per width; against width if there is no time."""
    table = sums.numbers(summary, f"{name}_mean").dropna("width", how="all")
    where = str(summary.attrs[f"note_{name}"])
    text = f"{words(name)}{f' ({where})' if where else ''}"
    if "time" in table[f"{name}_mean"].dims:
        table = table.dropna("time", how="all")
        figure = panels.time_panels(table, f"{name}_mean", text)
    else:
        figure, ((axes,),) = panels.grid(1, 1, 2.8)
        panels.lines(axes, table, f"{name}_mean", step=0)
        axes.set_ylabel(text)
        panels.legend_below(axes, 2)
    return Drawn(figure, table, caption(summary))


def benefit(summary: xr.Dataset) -> Drawn:
    """Benefit of the curriculum at the end of the run against width."""
    sums.need("benefit" in summary, "no curriculum beside its control, or no test accuracy or loss")
    table = summary[["benefit", "ci_low", "ci_high", "n", "critical_width", "fading_width"]]
    figure, ((axes,),) = panels.grid(1, 1, 2.6)
    panels.lines(axes, table.expand_dims(treatment=["curriculum"]), "benefit", "treatment")
    axes.set_ylabel("benefit of the curriculum\nat the end")
    return Drawn(figure, table, caption(summary))


def figures(summary: xr.Dataset) -> Figures:
    """Every figure by the name of its file."""
    each = {name: partial(quantity, name) for name in map(str, np.atleast_1d(summary.attrs["quantities"]))}
    return each | {"benefit": benefit}
