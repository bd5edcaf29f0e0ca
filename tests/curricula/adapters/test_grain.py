"""Grain shows the sampler's sequence, shared, with workers, and from its own checkpoints."""

import numpy as np
import pytest

grain = pytest.importorskip("grain")

from curricula import Ranking, Sampler, pace  # noqa: E402
from curricula.adapters.grain import ordered  # noqa: E402

P = 40
DATA = np.arange(P) ** 2


def make(**more):
    ranking = Ranking(np.random.default_rng(0).random(P))
    return Sampler(
        ranking, **({"pacing": pace("linear", total=20, b=0.3), "batch_size": 6, "seed": 3} | more)
    )


EXPECTED = [DATA[make().batch(step)].tolist() for step in range(15)]


def test_batches_are_those_of_the_sampler():
    data = ordered(DATA, make(), steps=15).batch(6)
    assert [x.tolist() for x in data] == EXPECTED
    assert data[9].tolist() == EXPECTED[9]
    assert [x.tolist() for x in data.to_iter_dataset()] == EXPECTED


def test_shares_are_those_of_the_replicas():
    for rank in range(3):
        mine = make().for_replica(rank, 3)
        share = ordered(DATA, make(), steps=15)[rank::3].batch(2)
        assert [x.tolist() for x in share] == [DATA[mine.batch(step)].tolist() for step in range(15)]


@pytest.mark.slow
def test_worker_processes_change_nothing():
    from absl import flags  # pyright: ignore[reportMissingImports]

    if not flags.FLAGS.is_parsed():  # Grain's workers ask for it, as in any program started by absl
        flags.FLAGS.mark_as_parsed()
    options = grain.multiprocessing.MultiprocessingOptions(num_workers=2)
    data = ordered(DATA, make(), steps=15).batch(6).to_iter_dataset().mp_prefetch(options)
    assert [x.tolist() for x in data] == EXPECTED


def test_a_checkpoint_goes_on():
    walk = iter(ordered(DATA, make(), steps=15).batch(6).to_iter_dataset())
    for _ in range(7):
        next(walk)
    again = iter(ordered(DATA, make(), steps=15).batch(6).to_iter_dataset())
    again.set_state(walk.get_state())
    assert [x.tolist() for x in again] == EXPECTED[7:]


def test_refusals():
    with pytest.raises(ValueError, match="the data have 39 examples but the ranking 40"):
        ordered(DATA[1:], make(), steps=2)
    with pytest.raises(ValueError, match='need the sampler of all replicas, with last="drop"'):
        ordered(DATA, make(last="short"), steps=2)
    with pytest.raises(ValueError, match="steps is 0"):
        ordered(DATA, make(), steps=0)
