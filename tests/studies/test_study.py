"""Studies: what is asked, how it is cut into blocks, how addresses behave."""

from dataclasses import replace
from typing import Any

import pytest
import small

from studies.address import address, canonical, describe
from studies.catalogue import get, names
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
    study = Study("small", "none", small.CELL, grids, 2, rows=2)
    assert [b.cell.width for b in study.blocks()] == [2, 4, 8]
    assert study.axes() == {"protocol": ("curriculum",), "width": (2, 4, 8)}


def test_protocols_already_covered_are_not_computed_again():
    pair = ("curriculum", "no_curriculum")
    grids = (
        {"protocol": (*pair, "target_only"), "width": (2,)},
        {"protocol": pair, "width": (2,), "learning_rate": (0.3, 0.5)},
    )
    found = [(b.protocols, b.cell) for b in Study("small", "none", small.CELL, grids, 2, rows=2).blocks()]
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


@pytest.mark.parametrize("name", names())
def test_catalogue_is_valid_and_quick_and_full_exist(name):
    for preset in ("quick", "full"):
        study = get(name, preset)
        assert study.name == name
        assert study.blocks()


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
    ],
)
def test_bad_fields_are_refused_when_the_study_is_made(fields, message):
    cell = replace(small.CELL, **fields)
    with pytest.raises(ValueError, match=message) as error:
        Study("small", "none", cell, ({},), 2)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seed": "9007199254740993"}, "seed is 9007199254740993; need 0 <= seed <= 4294967295"),
        ({"widht": "4"}, "unknown field 'widht'; known: activation"),
        ({"width": "4.5"}, "width is '4.5'; need int"),
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
        ({"train_readout": "perhaps"}, "need bool"),
    ],
)
def test_bad_overrides_are_refused(given, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small.study().changed(given)
