"""Pages: their numbers are those of figures/data, and every study with arrays there has one."""

import importlib.util
import re
from pathlib import Path

import pytest
import xarray as xr

ROOT = Path(__file__).parent.parent
SPEC = importlib.util.spec_from_file_location("fill", ROOT / "docs" / "fill.py")
assert SPEC is not None
assert SPEC.loader is not None
fill = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(fill)

STUDIES = sorted(path.stem for path in fill.DATA.glob("*.nc"))
#: What the page of a study has, in this order.
PARTS = (
    "**Question.** ",
    "**Found.** ",
    "**Run time.** ",
    "![",
    "## Settings",
    "## Numbers",
    "## What differs from the paper",
)
#: A number with its interval, or a signed one with decimals.
RESULT = re.compile(r"[\d.]+ \[[-+]?\d*\.?\d+, [-+]?\d*\.?\d+\]|(?<![\w^(-])[+-]0?\.\d{2,}")


@pytest.mark.parametrize("path", fill.pages(), ids=lambda path: path.stem)
def test_a_page_says_what_the_arrays_say(path):
    if fill.filled(path) != path.read_text():
        pytest.fail(f"{path.relative_to(ROOT)} is older than figures/data; run make numbers")


@pytest.mark.parametrize(
    "path",
    [p for p in fill.pages() if p.parent == fill.RESULTS or p.stem in ("README", "results", "paper")],
    ids=lambda path: path.stem,
)
def test_results_are_not_written_by_hand(path):
    """The paper's own numbers, which no array has, carry no interval."""
    by_hand = fill.MARK.sub("", fill.NAMES.sub("", path.read_text()))
    published = (
        by_hand
        if path.stem != "paper"
        else re.sub(r"^(\|[^|]*)\|[^|]*\|", r"\1|", by_hand, flags=re.MULTILINE)
    )
    assert not RESULT.findall(published)


def test_every_study_with_arrays_has_a_page_and_no_other():
    assert sorted(path.stem for path in fill.RESULTS.glob("*.md")) == STUDIES


@pytest.mark.parametrize("name", STUDIES)
def test_the_page_of_a_study_has_all_its_parts(name):
    page = fill.plain((fill.RESULTS / f"{name}.md").read_text())
    places = [page.find(f"\n{part}") for part in PARTS]
    assert -1 not in places, PARTS[places.index(-1)]
    assert places == sorted(places)
    assert f"    python -m studies run {name}" in page
    assert f"    python -m figures {name}\n" in page
    assert "TODO" not in page


@pytest.mark.parametrize("path", fill.pages(), ids=lambda path: path.stem)
def test_no_line_of_text_begins_with_a_comment(path):
    """Where one does, Markdown takes the line, or all of the paragraph, for HTML."""
    for match in fill.MARK.finditer(path.read_text()):
        start = match.string.rfind("\n", 0, match.start()) + 1
        alone = "\n" in match[2] and match.start() == start
        assert alone or match.string[start : match.start()].strip(), match[0]
        assert alone == ("\n" in match[2]), match[0]


def test_expressions_pick_format_and_refuse():
    values = xr.DataArray(
        [[0.0, 0.0126], [-0.0004, float("nan")]], {"width": [2, 4], "arm": ["a", "b"]}, ("width", "arm")
    )
    d = xr.Dataset({"benefit": values, "ci_low": values - 0.01, "ci_high": values + 0.02})
    assert fill.ci(d, "benefit", width=2, arm="b") == "+0.013 [0.003, 0.033]"
    assert fill.ci(d, "benefit", 1, -100, width=2, arm="b") == "-1.3 [-3.3, -0.3]"
    assert fill.ci(d, "benefit", width=4, arm="a") == "0.000 [-0.010, 0.020]"
    assert fill.ci(d, "benefit", width=4, arm="b") == "not run"
    with pytest.raises(KeyError, match=r"width has no 3; it has \[2, 4\]"):
        fill.num(d, "benefit", width=3, arm="a")
    with pytest.raises(KeyError, match="benefit has no axis budget"):
        fill.num(d, "benefit", width=2, budget=1)
    assert fill.table("K", [1, 2], {"a": ["x", "y"]}) == "| K | 1 | 2 |\n|---|---|---|\n| a | x | y |"
