"""What the figures share: panels of parts, summaries of parts, rates at an end, captions with settings."""

import json
from functools import partial

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from figures.parts import panels, rates, summary as sums
from figures.parts.style import Settings, width_axis
from figures.parts.write import Drawn, named, said
from studies.store import STATUS

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


def test_panels_of_several_axes_are_named_by_the_values_on_all_of_them():
    parts = panels.each(table(), ("protocol", "task"), "{:words}, {task}")
    assert [*parts] == [
        "curriculum, xor_mixture",
        "curriculum, committee",
        "no curriculum, xor_mixture",
        "no curriculum, committee",
    ]
    np.testing.assert_array_equal(parts["no curriculum, xor_mixture"].benefit, [3, 4, 5])
    whole = panels.each(table(), (), "all")
    assert [*whole] == ["all"]
    assert whole["all"].sizes == table().sizes


def test_labels_and_properties_are_those_of_all_panels():
    def draw(axes, part):
        axes.plot([1, 2], [part, part], label="line")

    figure = panels.facets({"a": 1, "b": 2}, draw, 1.5, below="time", beside="loss", panel={"yscale": "log"})
    assert (figure.get_supxlabel(), figure.get_supylabel()) == ("time", "loss")
    assert [axes.get_yscale() for axes in figure.axes] == ["log", "log"]


def test_a_figure_has_the_name_of_its_function():
    def loss(summary: xr.Dataset) -> Drawn:
        return Drawn(Figure(), summary, "")

    def map_(summary: xr.Dataset) -> Drawn:
        return Drawn(Figure(), summary, "")

    assert named(loss, map_) == {"loss": loss, "map": map_}


@pytest.mark.parametrize(
    ("text", "value", "said"),
    [
        ("{:wrong}", 0.4, "40 % wrong"),
        ("{:wrong}", 0.0, "clean"),
        ("{:root}", 0.0225, "0.15"),
        ("{:narrow}", "cosine, last 20% averaged", "cosine, last 20%\naveraged"),
    ],
)
def test_settings_in_words(text, value, said):
    assert Settings().format(text, value) == said


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


def runs() -> xr.Dataset:
    """Results over task and noise, two replicates: two of four places were run, in one a run was lost."""
    at = {"ok": STATUS["ok"], "lost": STATUS["diverged"], "none": STATUS["not_asked"]}
    status = [[[at["none"]] * 2, [at["ok"]] * 2], [[at["ok"], at["lost"]], [at["none"]] * 2]]
    axes = {"task": ["a", "b"], "noise": [0.1, 0.2], "replicate": [0, 1]}
    text = json.dumps({"cell": {}, "axes": {}})
    return xr.Dataset({"status": ((*axes,), status)}, axes, {"study": "x", "description": text})


def test_what_was_run_is_gone_through_and_lost_runs_are_counted():
    found = dict(sums.ran(runs(), ("task", "noise")))
    assert [*found] == [("a", 0.2), ("b", 0.1)]
    assert found["b", 0.1].status.values.tolist() == [STATUS["ok"], STATUS["diverged"]]
    each = {task: sums.ran_with(part, ("noise",)) for (task,), part in sums.ran(runs(), ("task",))}
    assert {task: part.status.values.tolist() for task, part in each.items()} == {
        "a": [STATUS["ok"]] * 2,
        "b": [STATUS["ok"], STATUS["diverged"]],
    }
    counted = sums.summary_of(runs(), xr.Dataset({"x": 1.0}))
    np.testing.assert_array_equal(counted.left_out, [[0, 0], [1, 0]])
    assert int(sums.summary_of(runs(), xr.Dataset({"x": 1.0, "left_out": 7})).left_out) == 7


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
    # at the second depth 0.9 was not tried, so that 0.3 is an end there
    each = xr.DataArray([[0.1, 0.3, 0.9], [0.1, 0.3, np.nan]], dims=("depth", "learning_rate"))
    ends = rates.is_end(xr.DataArray([0.3, 0.3], dims="depth"), each, "learning_rate")
    assert ends.values.tolist() == [False, True]


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
