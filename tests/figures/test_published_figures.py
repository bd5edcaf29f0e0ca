"""All committed figures: their numbers stand in the tables beside them, at the size of a printed column."""

from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.collections import QuadMesh
from matplotlib.text import Text

from figures.images_online import half_widths
from figures.parts.drawing import draw, find, names
from figures.parts.maps import edges
from figures.parts.panels import gone
from figures.parts.style import COLUMN, PAGE, RC, own_look
from figures.parts.summary import columns
from figures.parts.write import Drawn

DATA = Path(__file__).parent.parent.parent / "figures" / "data"


summary = cache(find)
CASES = [*((name, DATA) for name in names()), ("images_ranking", DATA / "c_score")]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1].name}")
def drawn(request) -> dict[str, Drawn]:
    """Every figure of a published summary, not written."""
    name, source = request.param
    found: dict[str, Drawn] = {}

    def keep(figure: Drawn, summary: xr.Dataset, path: Path, fmt: str) -> Path:
        found[path.name] = figure
        return path

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("figures.parts.drawing.save", keep)
        draw(summary(name, source), "nowhere")
    return found


def one(name: str, which: str, source: Path = DATA) -> Drawn:
    """A single figure of a published summary."""
    ds, module = summary(name, source), import_module(f"figures.{name}")
    with own_look():
        return (getattr(module, "FIGURES", None) or module.figures(ds))[which](ds)


@pytest.mark.slow
def test_all_plotted_numbers_are_in_the_table(drawn):
    """Lines with markers and maps are data; lines without are guides or the equations."""
    for figure in drawn.values():
        tables = [figure.table] if isinstance(figure.table, xr.Dataset) else figure.table.values()
        values = [np.ravel(v.values) for t in tables for v in t.data_vars.values() if v.dtype.kind == "f"]
        known = np.sort(np.concatenate(values).astype(float))
        known = known[np.isfinite(known)]
        seen = 0
        for axes in figure.figure.axes:
            if axes.get_label() == "<colorbar>":
                continue
            data = [line for line in axes.lines if line.get_marker() not in ("None", "|", "_", "")]
            sideways = ("rank correlation", "FLOPs to accuracy")
            up = figure.figure.axes[0].get_xlabel().startswith(sideways)
            plotted = [line.get_xdata() if up else line.get_ydata() for line in data if not is_dot(line)]
            maps = [mesh.get_array() for mesh in axes.collections if isinstance(mesh, QuadMesh)]
            plotted += [np.ma.compressed(values) for values in maps if values is not None]
            for numbers in plotted:
                numbers = np.asarray(numbers, float)
                seen += len(numbers)
                place = np.clip(np.searchsorted(known, numbers), 1, len(known) - 1)
                near = np.minimum(np.abs(known[place] - numbers), np.abs(known[place - 1] - numbers))
                np.testing.assert_array_less(near, 1e-6 * np.abs(numbers) + 1e-12)
        assert seen > 5


def is_dot(line) -> bool:
    """Dots on a map, where an interval covers 0, are at places and not at numbers."""
    return line.get_markersize() == 1.5


def there(axis: Axis) -> list[Artist]:
    """Without the ticks that are not made before they are painted: those are as `get_tick_params` says."""
    made = [tick for kind in ("majorTicks", "minorTicks") for tick in vars(axis).get(kind, ())]
    return [axis.label, axis.offsetText, *made]


@pytest.mark.slow
def test_figures_have_the_width_of_a_column_or_a_page_and_type_that_can_be_read(drawn, monkeypatch):
    monkeypatch.setattr(Axis, "get_children", there)
    for figure in drawn.values():
        assert figure.figure.get_figwidth() in (COLUMN, PAGE)
        sizes = [float(t.get_fontsize()) for t in figure.figure.findobj(Text) if t.get_text().strip()]
        for axis in figure.figure.findobj(Axis):
            usual = RC[f"{axis.axis_name}tick.labelsize"]
            sizes += [axis.get_tick_params(kind).get("labelsize", usual) for kind in ("major", "minor")]
        assert min(sizes) >= 7


def test_the_scores_of_a_file_have_their_own_panels():
    for name in ("benefit", "accuracy", "rates"):
        found = one("images_ranking", name, DATA / "c_score")
        table = found.table
        assert isinstance(table, xr.Dataset)
        assert table.ranking.values.tolist() == ["el2n", "published"]
        titles = [axes.get_title(loc="left") for axes in found.figure.axes]
        assert sum("published score" in title for title in titles) == len(titles) // 2
        if name == "benefit":
            assert "ordered by EL2N or a published score" in found.caption


def test_both_shares_of_wrong_labels_are_drawn():
    for name in ("accuracy", "rates"):
        found = one("images_ranking", name)
        table = found.table
        assert isinstance(table, xr.Dataset)
        assert table.label_noise.values.tolist() == [0.0, 0.4]
        titles = [axes.get_title(loc="left") for axes in found.figure.axes]
        assert (
            sum("40 % wrong" in title for title in titles) == sum("clean" in title for title in titles) == 4
        )


def test_axes_of_weights_left_run_from_dense_to_sparse():
    for name, which in (("lottery_tickets", "accuracy"), ("tickets_and_curricula_images", "swap")):
        for axes in one(name, which).figure.axes:
            left, right = axes.get_xlim()
            assert left > 1 > right > 0


@pytest.mark.slow
def test_rates_at_an_edge_of_the_sweep_are_open():
    axes = one("committee", "tuned").figure.axes[1]
    (edge,) = [
        line for line in axes.lines if line.get_markerfacecolor() == "white" and np.size(line.get_xdata()) > 1
    ]
    np.testing.assert_allclose(np.asarray(edge.get_ydata(), float), 0.1, rtol=1e-6)
    assert "smallest or largest rate tried" in axes.get_legend_handles_labels()[1]
    inside = one("xor_mixture", "tuned").figure.axes[1]
    assert "smallest or largest rate tried" not in inside.get_legend_handles_labels()[1]
    figure = one("images_online", "rates")
    assert "edge" not in figure.caption


def test_maps_leave_out_time_0_and_no_budget():
    found = one("sparse_teacher", "map").figure
    titles = [axes.get_title(loc="left") for axes in found.axes if axes.get_label() != "<colorbar>"]
    assert titles == [f"budget {budget}" for budget in (10, 20, 40, 80)]
    for axes in found.axes[:4]:
        assert axes.get_ylim()[0] == pytest.approx(0.5)


def line(lows, highs, fading=np.inf) -> xr.Dataset:
    widths = {"width": 2 ** np.arange(1, len(lows) + 1)}
    return xr.Dataset(
        {"ci_low": ("width", lows), "ci_high": ("width", highs), "fading_width": fading,
         "benefit": ("width", (np.array(lows) + np.array(highs)) / 2)}, widths,
    )  # fmt: skip


def test_gone_in_words():
    assert gone(line([0.1, 0.2], [0.2, 0.3])) == "not gone"
    assert gone(line([0.1, -0.1], [0.2, 0.3], 4.0)) == "gone from K = 4"
    assert gone(line([-0.3, -0.1], [-0.2, 0.3], 2.0)) == "never above 0"


def test_the_interval_of_the_half_width():
    """Benefits 4, 2, 1 at K = 2, 4, 8 fall to half at K = 4; sharp points leave no doubt."""
    sharp = half_widths(line([0.4, 0.2, 0.1], [0.4, 0.2, 0.1]))
    assert [*sharp.values()] == pytest.approx([4.0, 4.0, 4.0])
    wide = half_widths(line([0.3, 0.15, 0.05], [0.5, 0.25, 0.15]))
    assert wide["half_width"] == pytest.approx(4.0)
    assert 2.2 < wide["half_width_low"] < 3.8
    assert 4.2 < wide["half_width_high"] < 8


def test_names_of_intervals():
    assert columns("accuracy_mean") == ["accuracy_mean", "accuracy_ci_low", "accuracy_ci_high"]
    assert columns("benefit") == ["benefit", "ci_low", "ci_high"]
    assert columns("tuned_benefit") == ["tuned_benefit", "tuned_ci_low", "tuned_ci_high"]
    assert columns("gap") == ["gap", "gap_ci_low", "gap_ci_high"]


def test_edges_are_half_way_between_neighbours():
    assert edges(np.array([1.0, 2.0, 4.0])).tolist() == [0.5, 1.5, 3.0, 5.0]
    assert edges(np.array([3.0])).tolist() == [2.5, 3.5]
