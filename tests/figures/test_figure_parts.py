"""What the figures share: panels of parts, summaries of parts, rates at an end, captions with settings."""

import json
from functools import partial

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from figures.parts import panels, rates
from figures.parts import summary as sums
from figures.parts.style import width_axis
from figures.parts.write import said

WIDTHS = [2, 4, 8]


def table() -> xr.Dataset:
    """A benefit and its interval over task, protocol and width, all numbers different."""
    numbers = np.arange(12.0).reshape(2, 2, 3)
    names = {"benefit": numbers, "ci_low": numbers - 0.5, "ci_high": numbers + 1}
    axes = {"task": ["xor_mixture", "committee"], "protocol": ["curriculum", "no_curriculum"]}
    return xr.Dataset({n: ((*axes, "width"), v) for n, v in names.items()}, axes | {"width": WIDTHS})


def test_every_value_of_an_axis_gets_a_panel_with_what_belongs_to_it():
    lines = partial(panels.lines, name="benefit")
    figure = panels.facets(panels.each(table(), "task", "the {:words}"), lines, 2.0, ylabel="gain", legend=1)
    left, right = figure.axes
    assert [axes.get_title() for axes in (left, right)] == ["the XOR mixture", "the committee"]
    assert (left.get_ylabel(), right.get_ylabel()) == ("gain", "")
    for axes, numbers in ((left, np.arange(6.0)), (right, np.arange(6.0, 12.0))):
        drawn = [line.get_ydata() for line in axes.lines if len(np.atleast_1d(line.get_xdata())) == 3]
        np.testing.assert_array_equal(np.unique(np.concatenate(drawn)), numbers)
        assert axes.get_xticks().tolist() == WIDTHS
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["curriculum", "no curriculum"]


def zeros(axes) -> int:
    """How many lines at 0 run through the whole panel."""
    return sum(list(np.atleast_1d(line.get_ydata())) == [0, 0] for line in axes.lines)


def test_a_benefit_has_a_line_at_0_and_nothing_else_has():
    of = table().isel(task=0)
    other = of.rename(benefit="loss", ci_low="loss_ci_low", ci_high="loss_ci_high")
    for name, part, count in (("benefit", of, 1), ("loss", other, 0)):
        _, ((axes,),) = panels.grid(1, 1)
        panels.lines(axes, part, name)
        assert zeros(axes) == count


def test_rows_of_panels_have_a_label_each_and_columns_a_title():
    seen = []
    figure = panels.matrix(
        {"one": 1, "two": 2},
        {"a": "x", "b": "y", "c": "z"},
        lambda axes, row, part: seen.append((row, part, axes.plot([0, 1], [0, row], label="line"))),
        1.5,
    )
    assert [(row, part) for row, part, _ in seen] == [(r, p) for r in (1, 2) for p in "xyz"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["one", "", "", "two", "", ""]
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c", "", "", ""]


def test_a_summary_is_its_parts_and_captions_know_its_attributes():
    text = json.dumps({"cell": {"n_inputs": 20, "easy": {"noise": 0.1}}, "axes": {}})
    ds = xr.Dataset({"status": ("replicate", [0, 0, 1])}, attrs={"study": "x", "description": text})
    one = xr.Dataset({"a": ("width", [1.0, 2.0])}, {"width": [2, 4]})
    two = xr.Dataset({"b": ("width", [3.0])}, {"width": [8]})
    found = sums.summary_of(ds, one, two, left_out=sums.left_out(ds).sum(), level=0.125)
    assert (found.a.dtype, found.attrs["replicates"], int(found.left_out)) == (np.float32, 3, 1)
    np.testing.assert_array_equal(found.b, [np.nan, np.nan, 3])
    assert said("N = {n_inputs}, {easy[noise]:g}, below {level:.2g}", found) == "N = 20, 0.1, below 0.12"


def test_parts_along_an_axis_keep_what_only_one_of_them_has():
    parts = {"a": xr.Dataset({"x": ("width", [1.0])}, {"width": [2]}), "b": xr.Dataset({"y": 5.0})}
    found = sums.along("kind", parts)
    assert found.kind.values.tolist() == ["a", "b"]
    np.testing.assert_array_equal(found.x.sel(width=2), [1, np.nan])
    np.testing.assert_array_equal(found.y, [np.nan, 5])


def test_rates_at_an_end_of_what_was_tried_whatever_their_precision():
    tried = np.array([0.1, 0.3, 0.9])
    chosen = xr.DataArray(np.array([0.1, 0.3, 0.9, np.nan], np.float32), dims="width")
    assert rates.is_end(chosen, tried).values.tolist() == [True, False, True, False]


def test_every_arm_is_shown_at_its_own_best_rate():
    """Accuracy is the rate plus ten times the arm; the arms have chosen 0.3 and 0.1."""
    axes = {"protocol": ["a", "b"], "learning_rate": [0.1, 0.3]}
    values = np.array([[0.1, 0.3], [10.1, 10.3]])
    names = ("accuracy_mean", "accuracy_ci_low", "accuracy_ci_high")
    summary = xr.Dataset(dict.fromkeys(names, ((*axes,), values)), axes)
    with pytest.raises(sums.Missing, match="two learning rates and four replicates"):
        rates.at_best(summary, "accuracy_mean")
    own = {"tuned_benefit": 0.0, "tuned_rate": ("protocol", np.array([0.3, 0.1], np.float32))}
    found = rates.at_best(summary.assign(own), "accuracy_mean")
    np.testing.assert_allclose(found.accuracy_mean, [0.3, 10.1])


def test_widths_whose_names_would_touch_are_not_all_named():
    axes, widths = Figure().add_subplot(), [2, 8, 10, 12, 14, 17, 24, 96]
    width_axis(axes, widths)
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "2",
        "8",
        "10",
        "",
        "14",
        "",
        "24",
        "96",
    ]
    assert axes.get_xticks().tolist() == widths
    width_axis(axes, (4, 5, 6, 8))
    assert [label.get_text() for label in axes.get_xticklabels()] == ["4", "5", "6", "8"]
