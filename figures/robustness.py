"""Figures of the study robustness.

lipschitz  Lipschitz constant against width where every run has the same training loss, a line per protocol
envelope   its smallest value over runs against n / K, and that of the mean gradient, beside sqrt(n / K)
"""

import numpy as np
import xarray as xr

from figures.parts import finite, panels, summary as sums
from figures.parts.style import GREY, looks
from figures.parts.write import Drawn, Figures, named
from studies.analysis import with_axes

#: The protocols that are compared.
PAIR = ("curriculum", "random")
RECORDED = ("steepest", "gradient_norm", "train_loss")
AXES = ("protocol", "width", "n_examples")
#: Share of the least loss that ignores the noise at which arms are compared.
SHARE = 0.25
#: What is fitted: least over runs ~ n^of K^-of.
POWERS = ("n_examples", "width")
RESAMPLES = 500
CAPTION = (
    "{source:words}, N = {n_inputs}, {label_noise:percent} % of the labels wrong, two layers of K relu units "
    "without biases, {loss} loss, {optimiser:words}, batches of {batch_size}. Every run where its training "
    "loss first falls below {level:.3g}, a quarter of what the noise alone would leave; runs that never do "
    "are left out. The Lipschitz constant is exact up to 20 units, beyond it is the largest gradient found "
    "at an input."
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """What was recorded when the training loss first fell below `SHARE` of the noise level."""
    ds, wrong = with_axes(ds, AXES[2:]), sums.cell_of(ds)["label_noise"]
    # the best guess of labels +-1, of which so many are turned round, leaves half of 4 wrong (1 - wrong)
    level = SHARE * 2 * wrong * (1 - wrong)
    met = finite.when(ds, ds.train_loss < level, RECORDED)
    runs = xr.Dataset({f"at_{name}": met[name] for name in RECORDED})
    fits = met.train_loss.notnull().where(ds.status == 0)
    least = {f"{name}_least": met[name].min("replicate") for name in RECORDED[:2]}
    fitted = (sums.prefixed(f"{name}_power", powers(met[name])) for name in RECORDED[:2])
    known = sums.means(runs.assign(fits=fits)), xr.Dataset(least), *fitted
    return sums.summary_of(ds, *known, level=level)


def powers(values: xr.DataArray) -> xr.Dataset:
    """Exponents of the smallest value over replicates, a plane through logarithms: `mean` (protocol, power).

    The intervals are of resamples of the replicates. The exponent of K is that of 1 / K; what was not swept
    has none.
    """
    flat = values.stack(point=POWERS).transpose("protocol", "point", "replicate").values
    sizes = np.array(np.meshgrid(*(values[name].values for name in POWERS), indexing="ij")).reshape(2, -1)
    columns = np.log(sizes) * np.array([[1.0], [-1.0]])
    swept = np.ptp(columns, 1) > 0
    rng, count = np.random.default_rng(0), flat.shape[-1]
    picks = np.concatenate([np.arange(count)[None], rng.integers(count, size=(RESAMPLES, count))])
    found = np.full((len(flat), len(picks), 2), np.nan)
    filled = np.where(np.isnan(flat), np.inf, flat)
    for row, own in enumerate(filled):
        for i, pick in enumerate(picks):
            least = own[:, pick].min(1)
            known = np.isfinite(least)
            design = np.vstack([np.ones(known.sum()), columns[swept][:, known]]).T
            if np.linalg.matrix_rank(design) == design.shape[1]:
                found[row, i, swept] = np.linalg.lstsq(design, np.log(least[known]))[0][1:]
    again = found[:, 1:].transpose(0, 2, 1)
    fitted = np.isfinite(again).any(-1)
    low, high = bounds = np.full((2, *fitted.shape), np.nan)
    bounds[:, fitted] = np.nanquantile(again[fitted], (0.025, 0.975), axis=-1)
    dims, coords = ("protocol", "power"), {"protocol": values.protocol.values, "power": list(POWERS)}
    named = {"mean": found[:, 0], "ci_low": low, "ci_high": high}
    return xr.Dataset({name: (dims, numbers) for name, numbers in named.items()}, coords)


def lipschitz(summary: xr.Dataset) -> Drawn:
    """The constant and the root-mean-square gradient, a row for each number of examples."""
    names = {
        "Lipschitz constant, n = {n_examples}": "at_steepest_mean",
        "mean gradient, n = {n_examples}": "at_gradient_norm_mean",
    }
    label, by = "at equal training loss", ("n_examples",)
    return finite.against_width(summary, names, label, CAPTION, by, log=True, more=("fits_mean",))


def envelope(summary: xr.Dataset) -> Drawn:
    """The smallest values over runs against n / K."""
    figure, places = panels.wrapped(2, 2.6)
    ratio = summary.n_examples / summary.width
    for axes, name, said in zip(places, RECORDED, ("Lipschitz constant", "mean gradient"), strict=False):
        least = summary[f"{name}_least"]
        for protocol, style in looks(summary.protocol.values).items():
            values = least.sel(protocol=protocol).transpose(*ratio.dims).values.ravel()
            axes.plot(ratio.values.ravel(), values, **{**style, "ls": "none"})
        ends = np.array([float(ratio.min()), float(ratio.max())])
        top = float((least / ratio**0.5).min())
        axes.plot(ends, top * ends**0.5, color=GREY, lw=1, label="exponent 1/2, as the law's bound")
        axes.set(xscale="log", yscale="log", xlabel="n / K", title=f"smallest {said}")
    panels.legend_above(figure, 3)
    least = summary[[f"{name}_least" for name in RECORDED[:2]]]
    fits = sums.numbers(summary, *(f"{name}_power_mean" for name in RECORDED[:2]))
    return Drawn(figure, {"smallest": least, "powers of n and 1 / K": fits}, CAPTION)


FIGURES: Figures = named(lipschitz, envelope)
