"""Figures of the study double_descent.

peak    training and test loss at the end against width, a line per protocol
gain    test loss at the end less that of standard training, and of a random order of the same pacing
course  test loss against time at every width, with the most wrong labels
"""

import xarray as xr

from figures.parts import finite, panels
from figures.parts import summary as sums
from figures.parts.write import Drawn, Figures
from studies.analysis import usable, with_axes

#: The protocols that are compared.
PAIR = ("curriculum", "random")
CONTROLS = ("standard", "random")
RECORDED = ("train_loss", "test_loss")
AXES = ("protocol", "width", "label_noise", "learning_rate")


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Losses and accuracy at the end and along the run, at the rate that fits each arm best."""
    ds = with_axes(ds, AXES[2:])
    lost = sums.left_out(ds).sum(["replicate", "learning_rate"])
    kept = finite.fitted(ds)
    ends, controls = sums.at_end(kept, "test_loss"), [name for name in CONTROLS if name in ds.protocol]
    gains = sums.along("control", {name: sums.gains(ends, name, "test_loss") for name in controls})
    return sums.summary_of(
        ds,
        sums.means(finite.ends(kept, *RECORDED, "test_accuracy")),
        sums.prefixed("gain", gains.isel(time=0, drop=True)),
        sums.prefixed("course", sums.mean(usable(kept, "test_loss"))),
        kept[["chosen"]],
        left_out=lost,
    )


def caption(summary: xr.Dataset) -> str:
    """Settings and what the arms are."""
    rates = (
        "at the learning rate of {learning_rate:g}"
        if sums.description(summary)["axes"].get("learning_rate", [0])[1:] == []
        else "each arm at the learning rate that leaves the least training loss"
    )
    return (
        "{data_set:words}, {n_examples} images of ten classes, {student:words} with K units, {loss} loss, "
        f"{{epochs}} epochs of batches of {{batch_size}}, {{optimiser:words}}, {rates}. Pools grow "
        "from a share of {b:g} to all at {a:g} of the run; the ranking is {ranking:words}, computed on the "
        "noisy labels. Tests have true labels."
    )


def peak(summary: xr.Dataset) -> Drawn:
    """Test and training loss against width, a row for each share of wrong labels."""
    names = {
        "test loss, {label_noise:percent} % wrong": "test_loss_mean",
        "training loss, {label_noise:percent} % wrong": "train_loss_mean",
    }
    figure = finite.against_width(summary, names, "loss at the end", ("label_noise",), log=True)
    return Drawn(figure, sums.numbers(summary, *names.values()), caption(summary))


def gain(summary: xr.Dataset) -> Drawn:
    """Differences in test loss at the end: below 0 is better."""
    names = {"over {control}, {label_noise:percent} % wrong": "gain_benefit"}
    by = ("label_noise", "control")
    figure = finite.against_width(summary, names, "change of test loss", by, "treatment")
    note = " Below 0: the order lowers the test loss."
    return Drawn(figure, sums.numbers(summary, "gain_benefit"), caption(summary) + note)


def course(summary: xr.Dataset) -> Drawn:
    """Test loss against time, a panel per width."""
    part = summary.sel(label_noise=float(summary.label_noise.max()))
    part = part.sel(width=part.course_mean.notnull().any(["protocol", "time"]))
    figure = panels.time_panels(part, "course_mean", "test loss", log=True)
    note = f" Share of wrong labels: {float(part.label_noise):g}."
    return Drawn(figure, sums.numbers(part, "course_mean"), caption(summary) + note)


FIGURES: Figures = {"peak": peak, "gain": gain, "course": course}
