"""Held-out scores: nobody is graded by a network that saw it, and noise in the labels is memorised."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from curricula import rank
from curricula.difficulty.heldout import subset_runs
from curricula.difficulty.networks import Network, as_network
from curricula.difficulty.training import Runs

pytestmark = pytest.mark.usefixtures("quick_module")

#: One weight per class and example: it learns what it trains on, and guesses 0 for all others.
LOOKUP = Network(lambda key, x: jnp.zeros((x.shape[1], 2)), lambda w, x: x @ w)
COUNT = 20
INPUTS, LABELS = np.eye(COUNT), np.arange(COUNT) % 2
RUNS = Runs(seeds=6, epochs=2, batch_size=2)


@pytest.mark.slow
def test_a_lookup_table_memorises_what_it_cannot_guess():
    memory = rank("memorisation", INPUTS, LABELS, model=LOOKUP, runs=RUNS)
    assert memory.scores.tolist() == (LABELS == 1).astype(float).tolist()
    consistency = rank("c_score", INPUTS, LABELS, model=LOOKUP, runs=RUNS, ratios=(0.7,))
    assert consistency.original.tolist() == (LABELS == 0).astype(float).tolist()
    heldout = rank("loss_c_score", INPUTS, LABELS, model=LOOKUP, runs=RUNS)
    np.testing.assert_allclose(heldout.scores, np.log(2), rtol=1e-6)


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.7])
def test_subsets_have_their_size_differ_and_leave_everybody_out(ratio):
    runs = Runs(seeds=20, batch_size=2)
    x, y = jnp.asarray(INPUTS, jnp.float32), jnp.asarray(LABELS, jnp.int32)
    right, inside = subset_runs(as_network(LOOKUP), runs, x, y, jax.random.key(0), ratio)
    assert inside.sum(1).tolist() == [round(ratio * COUNT)] * 20
    assert (~inside).any(0).all()
    assert len(np.unique(inside, axis=0)) == 20
    assert (right | ~inside | (np.asarray(y) == 1)).all()


def test_uneven_folds_hold_everybody_out_once_per_shuffle():
    heldout = rank("loss_c_score", INPUTS[:19], LABELS[:19], model=LOOKUP, runs=RUNS, folds=3)
    np.testing.assert_allclose(heldout.scores, np.log(2), rtol=1e-6)
    assert heldout.runs == 6
