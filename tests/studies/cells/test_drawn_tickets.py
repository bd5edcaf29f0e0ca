"""Tickets drawn at steps: at the ends they are the tickets there are, distances are those by hand."""

from dataclasses import fields, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from studies.cells.tickets.drawn import ARMS, ImageDrawn, OnlineDrawn, lacking, segments
from studies.cells.tickets.images import ImageTickets
from studies.cells.tickets.online import OnlineTickets
from studies.study import Study
from teacher_student.pruning import full
from teacher_student.students.two_layer import Params

PAIR = ("curriculum", "no_curriculum")
SHARED: dict[str, Any] = {
    "width": 6, "n_inputs": 12, "n_steps": 120, "n_records": 3, "rounds": 1, "fraction": 0.5,
    "scope": "units", "n_test": 32, "learning_rate": 0.8, "swap": True, "fresh": True,
}  # fmt: skip
CELL = OnlineDrawn(**SHARED, drawn=(0, 40, 120))


def block(cell: Any, protocols=PAIR, rows=3):
    return Study(cell, ({"protocol": protocols},), replicates=rows, rows=rows).blocks()[0]


@pytest.fixture(scope="module")
def found():
    return CELL.compute(block(CELL))


@pytest.mark.slow
@pytest.mark.usefixtures("quick_module")
def test_the_ends_are_the_tickets_there_are(found):
    """Drawn at the end it is the ticket of one round, drawn at step 0 the largest weights at the start."""
    arms = ("ticket", "magnitude_at_start")
    known = OnlineTickets(**SHARED, arms=arms).compute(block(CELL)).isel(round=1, drop=True)
    for step, arm in ((120, "ticket"), (0, "magnitude_at_start")):
        np.testing.assert_allclose(
            found.test_accuracy.sel(step=step), known.test_accuracy.sel(arm=arm), atol=1e-6, err_msg=arm
        )
    assert (found.weights == 3 * 13).all()
    assert (found.dense_flops_per_step == 2 * found.flops_per_step).all()
    assert (found.flops_per_step == 3 * (5 * 12 + 7)).all()


@pytest.mark.usefixtures("quick_module")
def test_distances_are_those_of_masks_drawn_by_hand(found):
    own = block(CELL)
    world: Any = CELL.world(own, [0, 1])
    begin = jax.tree.map(lambda x: jnp.stack([x, x], 1), world.start(False))
    states = [state for state, _, _ in segments(CELL, world, begin, full(begin), 0)]
    for a in range(2):
        for r in range(3):
            scores = [
                np.abs(state.v[r, a]) * np.linalg.norm(state.w[r, a], axis=-1)
                for state in map(world.params, states)
            ]
            kept = [set(np.argsort(-score)[:3]) for score in scores]
            by_hand = [1 - len(one & kept[-1]) / 3 for one in kept]
            np.testing.assert_allclose(found.distance[a, r], by_hand, atol=1e-6)
    assert float(found.distance.isel(time=0).max()) > 0


@pytest.mark.usefixtures("quick_module")
def test_masks_of_other_directions_are_others_of_the_same_students(found):
    """The largest weights at the start know of no directions; what training chose does."""
    other = replace(CELL, found_on="other")
    carried = other.compute(block(other))
    kept = carried.test_accuracy.sel(step=0)
    np.testing.assert_array_equal(kept, found.test_accuracy.sel(step=0))
    assert (carried.test_accuracy.sel(step=120) != found.test_accuracy.sel(step=120)).any()
    np.testing.assert_array_equal(carried.random_accuracy, found.random_accuracy)
    assert (found.random_accuracy.isel(time=-1) != found.test_accuracy.sel(step=0).isel(time=-1)).any()
    assert (carried.dense_accuracy != found.dense_accuracy).any()


@pytest.mark.usefixtures("quick_module")
def test_tickets_of_counts_have_other_inputs_but_where_a_unit_keeps_all_or_none():
    """All weights kept: nothing to place elsewhere. Half of them: other tickets, the same dense run."""
    every = replace(CELL, scope="layer", fraction=0.001)
    plain, counts = (replace(every, counts_only=only).compute(block(every)) for only in (False, True))
    np.testing.assert_array_equal(counts.test_accuracy, plain.test_accuracy)
    half = replace(every, fraction=0.5)
    plain, counts = (replace(half, counts_only=only).compute(block(half)) for only in (False, True))
    for name in ("dense_accuracy", "distance", "random_accuracy", "weights"):
        np.testing.assert_array_equal(counts[name], plain[name])
    for step in CELL.drawn:
        assert (counts.test_accuracy.sel(step=step) != plain.test_accuracy.sel(step=step)).any()


def test_what_a_mask_lacks_counts_its_own_weights():
    one = Params(jnp.array([[[[1.0, 0.0], [1.0, 1.0]]]]), jnp.array([[[1.0, 0.0]]]))
    last = Params(jnp.array([[[[1.0, 1.0], [0.0, 1.0]]]]), jnp.array([[[0.0, 0.0]]]))
    np.testing.assert_allclose(lacking(one, last), [[1 / 3]], rtol=1e-6)
    np.testing.assert_allclose(lacking(last, one), [[1 / 2]], rtol=1e-6)


IMAGES = ImageDrawn(
    width=4, n_steps=30, n_records=3, drawn=(0, 30), batch_size=10, n_examples=200, n_test=100
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"drawn": (0, 50)}, "a mask is drawn at step 50; need a multiple of 10 from 0 to n_steps = 30"),
        ({"drawn": (-10,)}, "a mask is drawn at step -10"),
        ({"drawn": (15,)}, "a mask is drawn at step 15"),
        ({"drawn": (30, 0)}, "need different steps in rising order"),
        ({"drawn": ()}, "at least one"),
        ({"rounds": 0}, "rounds is 0; need 1 or more"),
        ({"rewind": 10}, "go back to the start"),
        ({"arms": ("ticket",)}, f"need {', '.join(ARMS)} here"),
        ({"counts_only": True, "scope": "units"}, "keeps all inputs of a unit or none; take scope layer"),
        (
            {"found_on": "mnist", "side": 28},
            r"a mask of mnist \(28 x 28 x 1 inputs\) does not fit digits \(8 x 8 x 1\)",
        ),
        ({"found_on": "letters"}, "unknown data set 'letters'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(change, said):
    with pytest.raises(ValueError, match=said) as refused:
        replace(IMAGES, **change).check()
    assert "\n" not in str(refused.value)


def test_tickets_of_images_have_the_settings_of_images():
    ours, theirs = ImageDrawn(), ImageTickets()
    own = {"arms", "rounds", "drawn", "counts_only", "found_on", "found_pair"}
    for name in {f.name for f in fields(ImageDrawn)} - own:
        assert getattr(ours, name) == getattr(theirs, name), name


def test_other_directions_are_own_or_other():
    with pytest.raises(ValueError, match="unknown directions 'mine'; known: other, own"):
        replace(CELL, found_on="mine").check()


@pytest.mark.slow
@pytest.mark.usefixtures("quick_module")
def test_masks_go_from_one_pair_of_classes_to_another():
    cell = replace(
        IMAGES, student="mlp", optimiser="sgd", learning_rate=0.3, relabelling="polarity_xor", pair="0-4",
        found_pair="1-7", n_examples=100, n_test=50,
    )  # fmt: skip
    cell.check()
    assert cell.origin() == replace(cell, pair="1-7", found_pair="")
    assert replace(cell, found_pair="0-4").origin().pair == "0-4"
    found = cell.compute(block(cell, ("no_curriculum",), 2))
    assert (found.distance.isel(time=-1) == 0).all()
    assert (found.distance.isel(time=0) > 0).all()
    assert found.test_accuracy.dims == ("protocol", "replicate", "step", "time")
    assert (found.test_accuracy.sel(step=0) != found.test_accuracy.sel(step=30)).any()
    assert (found.weights < 0.85 * (64 * 4 + 4 * 2)).all()
