"""Fields of cells: their names over time, their values from text, the line that explains each."""

import json
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import pytest
import small
import xarray as xr

from studies.address import RENAMED, address, describe, renamed, written
from studies.catalogue import get, names
from studies.cells.consolidation import ConsolidationCell
from studies.cells.finite import FiniteCell
from studies.cells.grading import GradingCell
from studies.cells.images.online import OnlineImages
from studies.cells.images.ranking import RankedImages
from studies.cells.online import OnlineCell
from studies.cells.tickets.images import ImageTickets
from studies.cells.tickets.online import OnlineTickets
from studies.settings import field_help, parse, with_fields
from studies.store import settings
from studies.study import Study

KINDS = (
    *(OnlineCell, GradingCell, OnlineImages, RankedImages, OnlineTickets, ImageTickets),
    *(FiniteCell, ConsolidationCell),
)


@dataclass(frozen=True)
class Before:
    steps: int = 7
    easy: float = 2.0
    rate: float = 0.5


@dataclass(frozen=True)
class After:
    rate: float = 0.5
    easy: dict[str, float] = field(default_factory=lambda: {"noise": 2.0}, metadata={"only": "noise"})
    n_steps: int = field(default=7, metadata={"was": "steps"})


def test_a_renamed_field_and_a_number_that_became_a_mapping_leave_addresses_alone():
    assert address(describe(After())) == address(describe(Before()))
    assert address(describe(replace(After(), n_steps=8))) == address(describe(replace(Before(), steps=8)))
    one, two = (replace(After(), easy={"noise": x}) for x in (3.0, 2.0))
    assert describe(one) == describe(replace(Before(), easy=3.0)) != describe(two)
    assert renamed(After()) == {"easy": "easy.noise", "steps": "n_steps"}
    assert written(After(), "rate") == "rate"


@pytest.mark.parametrize("kind", KINDS)
def test_first_names_of_all_fields_are_known_to_those_who_read_old_descriptions(kind):
    cell = kind()
    for old, new in renamed(cell).items():
        assert RENAMED[old] == new
    # and no field has a name of old today, which would be taken for another one
    scalars = {f.name for f in fields(cell) if not isinstance(getattr(cell, f.name), dict)}
    assert not scalars & set(RENAMED)


def test_settings_have_the_names_of_today_whatever_the_age_of_the_description():
    cell = ImageTickets(data_set="mnist", n_steps=40, n_examples=200, hard={"noise": 4.0})
    entry = Study(cell, ({"width": (4, 8)},), 1, name="x").entry()
    assert {"images", "labels", "steps", "n_train", "n_valid"} < set(entry["cell"])
    old = {name: value for name, value in entry.items() if name != "names"}
    for description in (entry, old):
        found = settings(xr.Dataset(attrs={"description": json.dumps(description)}))
        assert found["data_set"] == "mnist"
        assert (found["n_steps"], found["n_examples"], found["hard"]) == (40, 200, {"noise": 4.0})
        assert "steps" not in found
    entry = Study(OnlineImages(), ({"width": (4,)},), 1, name="x").entry()
    found = settings(xr.Dataset(attrs={"description": json.dumps(entry)}))
    assert (found["hard"], found["n_test"]) == ({"noise": 16.0}, 1000)


def test_a_cell_of_somebody_else_may_use_a_name_that_was_given_up_here():
    entry = {"cell": {"steps": 3}, "names": {}}
    assert settings(xr.Dataset(attrs={"description": json.dumps(entry)})) == {"steps": 3}


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (ImageTickets, "images", "data_set"),
        (ImageTickets, "labels", "relabelling"),
        (OnlineTickets, "steps", "n_steps"),
        (RankedImages, "test_examples", "n_test"),
    ],
)
def test_an_old_name_is_refused_with_the_new_one(kind, old, new):
    with pytest.raises(ValueError, match=f"^{old} is renamed to {new}$"):
        Study(kind(), ({},), 1).changed({old: "1"})
    with pytest.raises(ValueError, match=f"^{old} is renamed to {new}$"):
        Study(kind(), ({old: (1, 2)},), 1)


def test_levels_are_set_by_the_same_words_in_every_kind():
    for kind in (OnlineCell, OnlineImages, OnlineTickets, ImageTickets):
        (cell,) = Study(kind(), ({},), 1).changed({"hard.noise": "20"}).cells()
        found: Any = cell
        assert found.hard == {"noise": 20.0}
    with pytest.raises(ValueError, match="hard has entries; set one, as --hard.noise VALUE"):
        Study(OnlineImages(), ({},), 1).changed({"hard": "20"})


def test_whole_numbers_keep_all_their_digits():
    large = 9007199254740993  # the first that no float is
    assert with_fields(small.CELL, {"n_test": large}).n_test == large
    assert parse(small.CELL, "n_test", str(large)) == [large]
    assert with_fields(small.CELL, {"width": 4.0}).width == 4
    assert with_fields(small.CELL, {"budget": 4}).budget == 4.0
    for value in (4.5, True, "4"):
        with pytest.raises(ValueError, match="width is .*; need"):
            with_fields(small.CELL, {"width": value})


def test_a_vector_is_given_with_colons():
    prior = (0.4, 0.1, 0.3, 0.2)
    (cell,) = Study(small.CELL, ({},), 1).changed({"easy.prior": "0.4:0.1:0.3:0.2"}).cells()
    found: Any = cell
    assert found.easy == {"noise": 0.1, "prior": prior}
    assert describe(found)["easy"]["prior"] == list(prior)
    np.testing.assert_array_equal(found.world()[2][0]["prior"], prior)


@pytest.mark.parametrize("name", names())
def test_every_field_of_every_cell_has_a_line(name):
    """What `run NAME --help` says."""
    cell = get(name).cell
    lines = field_help(cell)
    assert list(lines) == [f.name for f in fields(cell)]
    for line in lines.values():
        assert 8 < len(line) < 105, line
        assert not line.startswith("see "), line


def test_lines_of_a_field_described_again_are_those_of_the_last_class():
    assert field_help(ImageTickets)["data_set"] != field_help(OnlineImages)["data_set"]
    assert field_help(ImageTickets)["side"] == field_help(OnlineImages())["side"]
