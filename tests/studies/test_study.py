"""Studies: what is asked, how it is cut into blocks, how addresses behave."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import small

from studies.address import address, canonical, describe
from studies.catalogue import get
from studies.cells.grading import GradingCell
from studies.cells.images.online import OnlineImages
from studies.cells.online import OnlineCell
from studies.study import Study


def test_addresses_are_pinned():
    """A change here orphans every stored result: it must be meant."""
    assert small.study().blocks()[0].address == "dca60919c4b7b0cdf0f8"
    assert address(describe(OnlineCell())) == "92a925b42c33dc10155e"


def test_one_and_one_point_zero_are_the_same_question():
    whole = small.study().changed({"learning_rate": "1"})
    point = small.study().changed({"learning_rate": "1.0"})
    assert whole.address == point.address
    assert small.study().changed({"learning_rate": "1.0000001"}).address != whole.address


@pytest.mark.parametrize(
    ("kind", "whole", "point"),
    [
        (OnlineCell, {"hard": {"noise": 2}}, {"hard": {"noise": 2.0}}),
        (OnlineCell, {"easy": {"prior": (1, 0, 0, 0)}}, {"easy": {"prior": (1.0, 0.0, 0.0, 0.0)}}),
        (OnlineCell, {"learning_rate": 1, "width": np.int64(4)}, {"learning_rate": 1.0, "width": 4}),
        (GradingCell, {"levels": (1, 2)}, {"levels": (1.0, 2.0)}),
        (OnlineImages, {"hard": {"noise": 4}}, {"hard": {"noise": np.float64(4)}}),
    ],
)
def test_whole_numbers_given_in_python_are_the_same_question(kind, whole, point):
    asked = [Study(kind(**given), ({},), 2) for given in (whole, point)]
    assert asked[0].address == asked[1].address
    assert [b.address for b in asked[0].blocks()] == [b.address for b in asked[1].blocks()]
    assert asked[0].address != Study(kind(), ({},), 2).address


def test_whole_numbers_on_an_axis_are_the_same_question():
    whole, point = (
        Study(small.CELL, ({"learning_rate": (one, 0.3), "hard.noise": (two,)},), 2)
        for one, two in ((1, 2), (1.0, 2.0))
    )
    assert whole.address == point.address
    assert whole.entry() == point.entry()
    assert json.dumps(whole.entry()) == json.dumps(point.entry())


def test_a_field_added_later_leaves_old_addresses_alone():
    from dataclasses import dataclass, field

    @dataclass(frozen=True)
    class Old:
        rate: float = 0.1

    @dataclass(frozen=True)
    class New:
        rate: float = 0.1
        momentum: float = field(default=0.0, metadata={"added": True})

    assert canonical(describe(Old())) == canonical(describe(New()))
    assert canonical(describe(Old())) != canonical(describe(New(momentum=0.9)))


def test_blocks_do_not_depend_on_what_else_is_asked():
    few = {b.address for b in small.study(widths=(4,), replicates=2).blocks()}
    many = {b.address for b in small.study(widths=(2, 4, 8), replicates=7).blocks()}
    assert few < many
    assert len(many) == 3 * 4


def test_overlapping_grids_share_their_cells():
    grids = ({"width": (2, 4)}, {"width": (4, 8)})
    study = Study(small.CELL, grids, 2, rows=2, name="small")
    assert [b.cell.width for b in study.blocks()] == [2, 4, 8]
    assert study.axes() == {"protocol": ("curriculum",), "width": (2, 4, 8)}


def test_protocols_already_covered_are_not_computed_again():
    pair = ("curriculum", "no_curriculum")
    grids = (
        {"protocol": (*pair, "target_only"), "width": (2,)},
        {"protocol": pair, "width": (2,), "learning_rate": (0.3, 0.5)},
    )
    found = [(b.protocols, b.cell) for b in Study(small.CELL, grids, 2, rows=2, name="small").blocks()]
    cells: Any = [cell for _, cell in found]
    assert [p for p, _ in found] == [(*pair, "target_only"), pair]
    assert [cell.learning_rate for cell in cells] == [0.3, 0.5]


def test_axes_of_a_union_hold_the_base_value_of_grids_without_them():
    study = get("xor_mixture", "full")
    assert set(study.axes()["parametrisation"]) == {"standard", "ntk", "mean_field"}
    assert 600.0 in study.axes()["budget"]


def test_text_overrides():
    study = small.study().changed({"width": "8", "easy.noise": "0.05,0.2", "train_readout": "false"})
    assert study.axes()["width"] == (8,)
    assert study.axes()["easy.noise"] == (0.05, 0.2)
    cells: Any = list(study.cells())
    assert not any(c.train_readout for c in cells)
    assert {c.easy["noise"] for c in cells} == {0.05, 0.2}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"task": "parity"}, "unknown task 'parity'; known:"),
        ({"activation": "tanh"}, "unknown activation"),
        ({"activation": "erf"}, "'erf' is odd"),
        ({"parametrisation": "mup"}, "unknown parametrisation"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0"),
        ({"hard": {"noise": 0.0}}, "noise is 0.0"),
        ({"easy": {"noise": -1.0}}, "noise is -1.0"),
        ({"easy_fraction": 1.5}, "easy_fraction is 1.5"),
        ({"budget": 1.0}, "too short to record"),
        ({"budget": 12.0}, "not a multiple of record_every"),
        ({"record_every": 0.01}, "whole number of samples"),
        ({"record": ("accuracy",)}, "unknown quantity to record 'accuracy'"),
        ({"record": ()}, "nothing to record"),
        ({"method": "fast"}, "unknown method"),
        ({"method": "gram", "width": 39}, "N - P - K >= chunk"),
        ({"dtype": "float16"}, "unknown dtype 'float16'"),
        ({"n_inputs": 2}, "n_inputs is 2"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**32}, "seed is 4294967296; need 0 <= seed <= 4294967295"),
        ({"seed": 2**63}, "seed is 9223372036854775808"),
        ({"width": "4"}, "width is '4'; need a whole number"),
        ({"hard": {"noise": "much"}}, "hard.noise is 'much'; need a number"),
        ({"record": ("M", 3)}, "record is 3; need text"),
    ],
)
def test_bad_fields_are_refused_when_the_study_is_made(fields, message):
    cell = replace(small.CELL, **fields)
    with pytest.raises(ValueError, match=message) as error:
        Study(cell, ({},), 2, name="small")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seed": "9007199254740993"}, "seed is 9007199254740993; need 0 <= seed <= 4294967295"),
        ({"widht": "4"}, "unknown field 'widht'; did you mean width"),
        ({"width": "4.5"}, "width is '4.5'; need a whole number"),
        ({"width": "0"}, "width is 0"),
        ({"width": "4,4"}, "distinct"),
        ({"protocol": "anti-curr"}, "unknown protocol 'anti-curr'; known:"),
        ({"easy": "0.1"}, "--easy.noise"),
        ({"easy.sigma": "0.1"}, "unknown difficulty field 'sigma'; known: noise, prior, signal"),
        ({"replicates": "0"}, "replicates is 0"),
        ({"hard.noise": "inf"}, "noise is inf; need 0 < noise < inf"),
        ({"learning_rate": "inf"}, "learning_rate is inf"),
        ({"memory": "nan"}, "memory is nan"),
        ({"replicates": "many"}, "replicates"),
        ({"train_readout": "perhaps"}, "need true or false"),
        ({"learning-rate": "1"}, "unknown field 'learning-rate'; did you mean learning_rate"),
        ({"options": "1"}, "options has entries; set one, as --options.NAME VALUE"),
        ({"options.noise": "1"}, "unknown option of xor_mixture 'noise'"),
        ({"width.noise": "1"}, "width has no entries; set it as --width VALUE"),
        ({"easy.prior": "0.4:0.1:0.4"}, "need 4 probabilities"),
        ({"easy.prior": "0.4:0.1:0.4:0.1,0.1:0.4:0.1:0.4"}, "easy.prior is a vector; give one"),
        ({"easy.prior": "0.4:some"}, "easy.prior is '0.4:some'|easy.prior is 'some'; need a number"),
    ],
)
def test_bad_overrides_are_refused(given, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small.study().changed(given)


def test_replicates_that_are_computed_beside_those_asked_for_are_counted():
    assert small.study(replicates=3, rows=2).surplus == 1
    assert small.study(replicates=4, rows=2).surplus == 0
    assert small.study(replicates=1, rows=8).surplus == 7


def test_labels_of_blocks_name_all_that_differs_between_them():
    study = Study(small.CELL, ({"width": (2, 4), "easy.noise": (0.1, 0.5)}, {"seed": (0, 1)}), 2, rows=2)
    labels = [block.label() for block in study.blocks()]
    assert labels[1] == "easy.noise 0.5 seed 0 width 2 replicates 0-1"
    assert len(set(labels)) == len(labels)
    assert small.study(widths=(8,)).blocks()[1].label() == "width 8 replicates 2-3"


def test_counts_may_be_numpy_integers_and_nothing_but_whole():
    counts: Any = {"replicates": np.int64(3), "rows": np.int32(2)}
    study = small.study(widths=(2,), **counts)
    assert study.address == small.study(widths=(2,)).address
    assert json.loads(json.dumps(study.entry()))["replicates"] == 3
    wrong: Any
    for wrong in (0, -1, 1.5, "2"):
        with pytest.raises(ValueError, match="replicates is .*; need"):
            small.study(replicates=wrong)


@pytest.mark.parametrize(
    ("grids", "message"),
    [
        ({"width": (2, 4)}, "grids is one mapping; need a tuple of them"),
        (({"protocol": "curriculum"},), "axis protocol is 'curriculum'; need a tuple of values"),
        (({"width": 4},), "axis width is 4; need a tuple of values"),
        (({"width": ()},), "axis width needs distinct values, at least one"),
        (({"widht": (2,)},), "unknown field 'widht'; did you mean width"),
        (({"easy.signal": (0.5, 1.0)}, {"width": (2,)}), "easy has no entry 'signal' where it is not swept"),
        (({"easy.irrelevant": (0.5, 1.0)},), "unknown difficulty field 'irrelevant'; known: noise"),
    ],
)
def test_bad_grids_are_refused(grids, message):
    with pytest.raises(ValueError, match=message) as error:
        Study(small.CELL, grids, 2)
    assert "\n" not in str(error.value)


def test_an_axis_that_every_grid_has_needs_no_value_in_the_base():
    assert Study(small.CELL, ({"easy.signal": np.array([0.5, 1.0])},), 2).axes()["easy.signal"] == (0.5, 1.0)


def test_name_and_question_stand_in_the_file_alone_and_the_question_not_in_the_address():
    study = get("xor_mixture")
    assert study.name == "xor_mixture"
    assert study.question.startswith("How does the benefit of a curriculum change with width")
    assert study.named("xor_mixture", "Why?").address == study.address
    assert study.named("other", study.question).address != study.address
