"""Students that learn from wide teachers: what the figures of the studies of distillation share.

A source is what a student learns from: labels only, or the output of a teacher of so many units that learns
beside it (progressive), or that stopped at a time of its own run, at the end of it (final) or before.
"""

from typing import Any

import numpy as np
import xarray as xr

from figures.parts import summary as sums
from figures.parts.rates import is_end
from figures.parts.style import SERIES, words
from studies.analysis import usable, with_axes
from studies.store import STATUS

PAIR = ("curriculum", "no_curriculum")
AXES = ("protocol", "width", "learning_rate", "student", "teacher_width", "checkpoint", "teacher_protocol")
LABELS, PROGRESSIVE, FINAL = "labels only", "progressive", "final"
#: What is measured -> the sign with which more is better, and its name.
MEASURES = {"test_accuracy": (1, "test accuracy"), "test_loss": (-1, "test error")}
#: Comparison -> order of a source's students, and whose students in which order they are ahead of.
COMPARISONS: dict[str, tuple[str, str | None, str]] = {
    "replaces": (PAIR[1], LABELS, PAIR[0]),
    "guidance": (PAIR[1], LABELS, PAIR[1]),
    "guidance with a curriculum": (PAIR[0], LABELS, PAIR[0]),
    "curriculum": (PAIR[0], None, PAIR[1]),
}


def training_flops(width: float, n_inputs: int, n_steps: float) -> float:
    """Operations of training two layers one sample at a time, as `teacher_student.flops` counts them."""
    return (5 * (width * n_inputs + width) + 2 * width) * n_steps


def total_flops(width: int, teacher: float, stop: float, cell: dict[str, Any]) -> float:
    """Operations of a student's training and of its teacher's, and of what the student asks a teacher.

    A teacher that learns beside its student (`stop` NaN) is asked while it learns, which costs nothing more.
    """
    steps = cell["budget"] * cell["n_inputs"]
    own = training_flops(width, cell["n_inputs"], steps)
    if np.isnan(teacher):
        return own
    if np.isnan(stop):
        return own + training_flops(teacher, cell["n_inputs"], steps)
    asked = 2 * teacher * (cell["n_inputs"] + 1) * steps
    return own + asked + training_flops(teacher, cell["n_inputs"], stop * cell["n_inputs"])


def source(
    student: str, teacher: int, stop: float, order: str, budget: float
) -> tuple[str, dict[str, float]]:
    """A source in words; its teacher's width, when that stopped, and whether it learned in another order."""
    if student == "two_layer":
        return LABELS, {"teacher": np.nan, "stopped": np.nan, "apart": 0.0}
    kind = f"stopped at {stop:g}" if stop < budget else FINAL
    kind = f"{kind} of a {words(order)}" if order else kind
    about = {"teacher": float(teacher), "stopped": float(stop) or np.nan, "apart": float(bool(order))}
    return f"{teacher} units, {kind if stop else PROGRESSIVE}", about


def gain(one: xr.Dataset, other: xr.Dataset) -> xr.Dataset:
    """How far one arm is ahead of another, each at its own best rate; nothing where there is no choice."""
    pair = sums.along("protocol", {"one": one, "other": other})
    # a rate that was not run in an arm cannot be chosen for it
    status = pair.status.where(sums.asked(pair), STATUS["diverged"])
    return sums.own_rates(pair.assign(status=status), ("one", "other"), "worth")


def gains(ends: dict[str, xr.Dataset], name: str) -> xr.Dataset:
    """The comparisons of a source, along an axis of that name."""
    found = {}
    for comparison, (order, other, against) in COMPARISONS.items():
        if other != name and (other or name) in ends:
            one, two = ends[name].sel(protocol=order), ends[other or name].sel(protocol=against)
            if part := gain(one.drop_vars("protocol"), two.drop_vars("protocol")):
                found[comparison] = part.drop_dims("protocol")
    return sums.along("comparison", found) if found else xr.Dataset()


def at_best_rate(ends: xr.Dataset, sign: int) -> xr.Dataset:
    """What every arm reaches at the rate of its best mean, that rate, and whether it is at an end."""
    worth = ends.worth.where(ends.status == 0)
    mean = worth.mean("replicate", skipna=False)
    known = mean.notnull().any("learning_rate")
    index = mean.fillna(-np.inf).argmax("learning_rate")
    best = xr.Dataset({"score": sign * worth, "rate": ends.learning_rate}).isel(learning_rate=index)
    best = best.drop_vars("learning_rate").where(known)
    tried = ends.learning_rate.values[sums.asked(ends).any(["protocol", "width", "replicate"]).values]
    edge = is_end(best.rate, tried).astype(float).where(known)
    return sums.prefixed("score", sums.mean(best.score)).assign(rate=best.rate, edge=edge)


def halfway(curve: xr.DataArray) -> xr.DataArray:
    """The time at which a mean curve (..., time) has gone half of the way from its start to its end."""
    rise = curve - curve.isel(time=0)
    return rise.time.where(abs(rise) >= abs(rise.isel(time=-1)) / 2).min("time")


def alone(part: xr.Dataset, measure: str, wide: list[int], budget: float) -> xr.Dataset:
    """The teachers on their own, over time, at every rate: students on labels as wide as they."""
    there = [width for width in wide if width in part.width]
    if not there:
        return xr.Dataset()
    curve = usable(part, measure).sel(width=there, time=part.time <= budget).rename(width="teacher_width")
    found = sums.prefixed("teacher", sums.mean(curve))
    return found.assign(teacher_halfway=halfway(found.teacher_mean))


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """What the figures show, replicates reduced to means and intervals."""
    full, cell = with_axes(ds, AXES[2:]), sums.cell_of(ds)
    # accuracy where it was recorded, else the error
    measure, (sign, measured) = next((name, said) for name, said in MEASURES.items() if name in ds)
    ran = [(*source(*at, budget=cell["budget"]), part) for at, part in sums.ran(full, AXES[3:])]
    worths = {name: part.assign(worth=sign * part[measure]) for name, _, part in ran}
    ends = {name: sums.at_end(part, "worth") for name, part in worths.items()}
    parts = []
    for name, about, _ in ran:
        own = sums.merged(at_best_rate(ends[name].isel(time=0, drop=True), sign), gains(ends, name))
        flops = [total_flops(k, about["teacher"], about["stopped"], cell) for k in own.width.values.tolist()]
        parts.append(own.assign(about).assign(flops=("width", flops)).expand_dims(source=[name]))
    out = sums.merged(*parts)
    own_steps = cell["budget"] * cell["n_inputs"]
    out["own_flops"] = ("width", [training_flops(k, cell["n_inputs"], own_steps) for k in out.width.values])
    wide = sorted({int(about["teacher"]) for name, about, _ in ran if name != LABELS})
    labels = [alone(part, measure, wide, cell["budget"]) for name, _, part in ran if name == LABELS]
    return sums.summary_of(ds, out, *labels, left_out=sums.left_out(ds).sum(), measured=measured)


def styles(names: np.ndarray) -> dict[str, dict[str, Any]]:
    """A colour and marker for what the teacher was when it taught, a dash for its width."""
    kinds = sorted(dict.fromkeys(str(name).rpartition(", ")[2] for name in names), key=lambda x: x != LABELS)
    wide = list(dict.fromkeys(str(name).rpartition(", ")[0] for name in names if ", " in str(name)))
    looks = dict(zip(kinds, (SERIES[6], *SERIES[:6]) if LABELS in kinds else SERIES, strict=False))
    dashes: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)))
    found = {}
    for name in map(str, names):
        units, _, kind = name.rpartition(", ")
        colour, marker = looks[kind]
        dash = dashes[wide.index(units) % len(dashes)] if units else "-"
        found[name] = {"color": colour, "marker": marker, "ls": dash, "label": name}
    return found
