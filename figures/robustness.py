"""Figures of the study robustness.

lipschitz  Lipschitz constant against width where every run has the same training loss, a line per protocol
envelope   its smallest value over runs and rates against n / K, beside sqrt(n / K)
"""

import numpy as np
import xarray as xr

from figures.parts import finite, panels
from figures.parts import summary as sums
from figures.parts.style import GREY, looks
from figures.parts.write import Drawn, Figures
from studies.analysis import with_axes

#: The protocols that are compared.
PAIR = ("curriculum", "random")
RECORDED = ("lipschitz", "gradient_norm", "train_loss")
AXES = ("protocol", "width", "n_examples", "learning_rate")
#: Share of the least loss that ignores the noise at which arms are compared.
SHARE = 0.25
CAPTION = (
    "{source:words}, N = {n_inputs}, {label_noise:percent} % of the labels wrong, two layers of K relu units "
    "without biases, {loss} loss, {optimiser:words}, batches of {batch_size}. Every run where its training "
    "loss first falls below {level:.3g}, a quarter of what the noise alone would leave; runs that never do "
    "are left out. Exact up to 20 units, beyond from below; where K > N over all patterns of units, also "
    "those of no input."
)


def noise_level(share: float) -> float:
    """Half the mean squared error of the best guess of labels +-1 of which this share is turned round."""
    return 2 * share * (1 - share)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """What was recorded when the training loss first fell below `SHARE` of the noise level."""
    ds = with_axes(ds, AXES[2:])
    level = SHARE * noise_level(sums.cell_of(ds)["label_noise"])
    met = finite.when(ds, "train_loss", level, RECORDED)
    runs = xr.Dataset({f"at_{name}": met[name] for name in RECORDED})
    share = met.train_loss.notnull().where(ds.status == 0)
    known = {
        "envelope": met.lipschitz.min(["replicate", "learning_rate"]),
        "lost": sums.left_out(ds).sum(["replicate", "learning_rate"]),
    }
    fits = sums.means(xr.Dataset({"fits": share.mean("learning_rate")}))
    return sums.summary_of(ds, sums.means(finite.over_rates(runs)), fits, xr.Dataset(known), level=level)


def lipschitz(summary: xr.Dataset) -> Drawn:
    """The constant and the root-mean-square gradient, a row for each number of examples."""
    names = {
        "Lipschitz constant, n = {n_examples}": "at_lipschitz_mean",
        "mean gradient, n = {n_examples}": "at_gradient_norm_mean",
    }
    figure = finite.against_width(summary, names, "at equal training loss", ("n_examples",), log=True)
    return Drawn(figure, sums.numbers(summary, *names.values(), "fits_mean"), CAPTION)


def slope(ratio: np.ndarray, values: np.ndarray) -> float:
    """Exponent of a least-squares line through the logarithms."""
    known = np.isfinite(values)
    return float(np.polyfit(np.log(ratio[known]), np.log(values[known]), 1)[0]) if known.sum() > 1 else np.nan


def envelope(summary: xr.Dataset) -> Drawn:
    """The smallest constant of all runs against n / K, each protocol with its exponent."""
    figure, (axes,) = panels.wrapped(1, 2.6)
    ratio = (summary.n_examples / summary.width).broadcast_like(summary.envelope.isel(protocol=0))
    styles = looks(summary.protocol.values)
    for protocol, style in styles.items():
        values = summary.envelope.sel(protocol=protocol).transpose(*ratio.dims).values.ravel()
        found = slope(ratio.values.ravel(), values)
        style["label"] += f": exponent {found:.2f}"
        style["ls"] = "none"
        axes.plot(ratio.values.ravel(), values, **style)
    ends = np.array([float(ratio.min()), float(ratio.max())])
    top = float((summary.envelope / (summary.n_examples / summary.width) ** 0.5).min())
    axes.plot(ends, top * ends**0.5, color=GREY, lw=1, label="exponent 1/2")
    axes.set(xscale="log", yscale="log", xlabel="n / K", ylabel="smallest Lipschitz constant")
    panels.legend_below(axes)
    return Drawn(figure, summary[["envelope"]], CAPTION)


FIGURES: Figures = {"lipschitz": lipschitz, "envelope": envelope}
