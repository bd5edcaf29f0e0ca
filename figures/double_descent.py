"""Figures of the study double_descent.

peak       training and test loss at the end against width, a line per protocol
gain       test loss at the end less that of standard training, and of a random order of the same pacing
course     test loss against time at every width, with the most wrong labels
threshold  test loss of standard training against width, a line per number of images, and where there are as
           many weights as labels
"""

import xarray as xr

from figures.parts import finite, panels, summary as sums
from figures.parts.style import series
from figures.parts.write import Drawn, Figures, named
from studies.analysis import usable, with_axes

#: The protocols that are compared.
PAIR = ("curriculum", "random")
RECORDED = ("train_loss", "test_loss")
AXES = ("protocol", "width", "label_noise", "learning_rate", "n_examples")


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Losses and accuracy at the end and along the run, at the rate that fits each arm best."""
    ds = with_axes(ds, AXES[2:])
    lost = sums.left_out(ds).sum(["replicate", "learning_rate"])
    kept, cell, count = finite.fitted(ds), sums.cell_of(ds), ds.n_examples
    balance = balanced(count, cell["epochs"] * float(count.max() / ds.time.max()))
    return sums.summary_of(
        ds,
        sums.means(finite.ends(kept, *RECORDED, "test_accuracy")),
        sums.gains_over(sums.at_end(kept, "test_loss"), ("standard", "random"), "test_loss"),
        sums.prefixed("course", sums.mean(usable(kept, "test_loss"))),
        kept[["chosen"]],
        xr.Dataset({"balance": balance}),
        left_out=lost,
    )


def balanced(count: xr.DataArray, pixels: float) -> xr.DataArray:
    """Width K at which a hidden layer has as many weights and biases, K (pixels + 1) + 10 (K + 1), as labels.

    Examples
    --------
    >>> float(balanced(xr.DataArray(415), 196))                     # 20 x 197 + 10 x 21 = 4150
    20.0
    """
    return 10 * (count - 1) / (pixels + 11)


def main_part(summary: xr.Dataset) -> xr.Dataset:
    """The part with the number of images that the study is about."""
    return summary.sel(sums.choose(summary, {"n_examples": None}))


def caption(summary: xr.Dataset) -> str:
    """Settings and what the arms are."""
    rates = "at the learning rate of {learning_rate:g}"
    if len(sums.description(summary)["axes"].get("learning_rate", ())) > 1:
        rates = "each arm at the learning rate that leaves the least training loss"
    return (
        "{data_set:words}, {n_examples} images of ten classes, {student:words} with K units, {loss} loss, "
        f"{{epochs}} epochs of batches of {{batch_size}}, {{optimiser:words}}, {rates}. Pools grow "
        "from a share of {b:g} to all at {a:g} of the run; the ranking is {ranking:words}, computed on the "
        "noisy labels. Tests have true labels."
    )


def peak(summary: xr.Dataset) -> Drawn:
    """Test and training loss against width, a row for each share of wrong labels."""
    summary = main_part(summary)
    names = {
        "test loss, {label_noise:percent} % wrong": "test_loss_mean",
        "training loss, {label_noise:percent} % wrong": "train_loss_mean",
    }
    by = ("label_noise",)
    return finite.against_width(summary, names, "loss at the end", caption(summary), by, log=True)


def gain(summary: xr.Dataset) -> Drawn:
    """Differences in test loss at the end: below 0 is better."""
    summary = main_part(summary)
    names = {"over {control}, {label_noise:percent} % wrong": "gain_benefit"}
    text = f"{caption(summary)} Below 0: the order lowers the test loss."
    by = ("label_noise", "control")
    return finite.against_width(summary, names, "change of test loss", text, by, "treatment")


def course(summary: xr.Dataset) -> Drawn:
    """Test loss against time, a panel per width."""
    part = main_part(summary).sel(label_noise=float(summary.label_noise.max()))
    part = part.dropna("time", how="all", subset=["course_mean"])
    part = part.sel(width=part.course_mean.notnull().any(["protocol", "time"]))
    figure = panels.time_panels(part, "course_mean", "test loss", log=True)
    note = f" Share of wrong labels: {float(part.label_noise):g}."
    return Drawn(figure, sums.numbers(part, "course_mean"), caption(summary) + note)


def threshold(summary: xr.Dataset) -> Drawn:
    """Where the peak lies with other numbers of images."""
    sums.need(summary.sizes["n_examples"] > 1, "one number of images was run")
    sums.need("standard" in summary.protocol, "no standard training was run")
    part = summary.sel(protocol="standard", label_noise=float(summary.label_noise.max()))
    figure, ((axes,),) = panels.grid(1, 1, 2.6)
    styles = series(part.n_examples.values, "n = {}")
    panels.lines(axes, part, "test_loss_mean", "n_examples", styles)
    for n, style in styles.items():
        axes.axvline(float(part.balance.sel(n_examples=n)), color=style["color"], lw=0.8, ls=":")
    axes.set(yscale="log", ylabel="test loss at the end")
    panels.legend_below(axes, 3)
    note = " Standard training. Dotted: as many weights as images x outputs."
    table = sums.numbers(part, "test_loss_mean").assign(balance=part.balance)
    return Drawn(figure, table, caption(summary) + note)


FIGURES: Figures = named(peak, gain, course, threshold)
