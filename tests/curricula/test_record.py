"""What was shown: counts by difficulty against a hand count, files, pictures."""

import json

import numpy as np
import pytest

from curricula import Ranking, Sampler, pace
from curricula.record import Record

SCORES = np.array([0.5, 0.1, 0.9, 0.3, 0.7, 0.2])  # ranks 3 0 5 2 4 1


def test_counts_by_hand():
    record = Record(Ranking(SCORES), bins=3, indices=True)
    record.add(0, [1, 5, 5])
    record.add(4, np.array([2, 3]))
    assert record.counts.tolist() == [[3, 0, 0], [0, 1, 1]]
    assert record.steps.tolist() == [0, 4]
    assert record.shown.tolist() == [1, 5, 5, 2, 3]


def test_a_curriculum_shows_its_pool_and_replicas_together_show_the_batch():
    ranking = Ranking(np.random.default_rng(1).random(100))
    sampler = Sampler(ranking, pacing=pace("two_phase", total=20, a=0.5, b=0.3), batch_size=10, seed=1)
    record = sampler.record(0, 30)
    assert record.counts[:9].sum(0).tolist() == [30, 30, 30, 0, 0, 0, 0, 0, 0, 0]
    assert (record.counts.sum(1) == 10).all()
    assert record.counts[12:22].sum(0).tolist() == [10] * 10
    replica = sampler.for_replica(1, 2).record(0, 30)
    assert (replica.counts == record.counts).all()


def test_saved_and_drawn(tmp_path):
    ranking = Ranking(SCORES)
    record = Sampler(ranking, batch_size=2).record(0, 3, bins=3, indices=True)
    with np.load(record.save(tmp_path / "shown.npz")) as saved:
        assert saved["counts"].tolist() == [[2, 0, 0], [0, 2, 0], [0, 0, 2]]
        assert saved["steps"].tolist() == [0, 1, 2]
        assert saved["shown"].tolist() == [1, 5, 3, 0, 4, 2]
        assert json.loads(str(saved["header"]))["ranking"] == ranking.checksum
    assert record.plot(tmp_path / "shown.png").read_bytes()[:4] == b"\x89PNG"


def test_refusals(tmp_path):
    record = Record(Ranking(SCORES), bins=3)
    with pytest.raises(ValueError, match="the record is empty; add batches first"):
        record.plot(tmp_path / "shown.png")
    with pytest.raises(ValueError, match=r"the batch of step 3 has indices outside of 0\.\.5"):
        record.add(3, [6])
    with pytest.raises(ValueError, match="counts only; make it with indices=True"):
        _ = record.shown
    with pytest.raises(ValueError, match="a record is saved as .npz; got 'shown.csv'"):
        record.save(tmp_path / "shown.csv")
    record.add(0, [1])
    with pytest.raises(ValueError, match=r"a plot is saved as .png, .pdf, .svg; got 'shown.txt'"):
        record.plot(tmp_path / "shown.txt")
    with pytest.raises(ValueError, match="bins is 7"):
        Record(Ranking(SCORES), bins=7)
