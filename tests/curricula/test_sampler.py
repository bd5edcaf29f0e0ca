"""The sampler: one sequence for every number of replicas and interruptions, pools that follow the pacing."""

import json
import pickle
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from inspect import unwrap
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from curricula import Ranking, Sampler, order, pace
from curricula.passes import Passes
from curricula.sorting import keyed_shuffle, stable_order, uniform

P = 60
RANKING = Ranking(np.random.default_rng(5).permutation(P) / 7.0, labels=np.arange(P) % 3)
PATH = order(RANKING)
PACE = pace("linear", total=30, a=0.8, b=0.2)
WEIGHTS = np.arange(P) % 4 * 1.0

KINDS = {
    "kept": {},
    "hardest first": {"ordering": "anti_curriculum"},
    "random": {"ordering": "random"},
    "balanced": {"balanced": True, "pacing": PACE},
    "paced": {"pacing": PACE},
    "short": {"pacing": PACE, "last": "short"},
    "per step": {"pacing": PACE, "refresh": "step"},
    "weighted": {"weights": WEIGHTS},
}


def make(kind, **more):
    return Sampler(RANKING, **({"batch_size": 7, "seed": 3} | KINDS[kind] | more))


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_a_function_of_seed_and_step(kind):
    forward, backward, travelled = make(kind), make(kind), pickle.loads(pickle.dumps(make(kind)))
    batches = [forward.batch(step) for step in range(50)]
    for step in reversed(range(50)):
        assert (backward.batch(step) == batches[step]).all()
    with ThreadPoolExecutor(4) as pool:
        for mine, theirs in zip(batches, pool.map(travelled.batch, range(50)), strict=True):
            assert (mine == theirs).all()
    assert all(batch.dtype == np.int64 for batch in batches)
    if kind not in ("kept", "hardest first"):
        assert any((make(kind, seed=4).batch(step)[:3] != batches[step][:3]).any() for step in range(5))


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "short"])
@pytest.mark.parametrize("world", [1, 2, 3, 7])
def test_replicas_share_every_global_batch_without_loss(kind, world):
    whole = make(kind)
    replicas = [make(kind).for_replica(rank, world) for rank in range(world)]
    for step in range(20):
        parts = [replica.batch(step) for replica in replicas]
        together = np.empty(7, np.int64)
        for rank, part in enumerate(parts):
            assert part.size in (7 // world, -(-7 // world))
            together[rank::world] = part
        assert (together == whole.batch(step)).all()


@given(st.sampled_from(sorted(KINDS)), st.integers(0, 40), st.integers(0, 12))
def test_a_state_goes_on_at_any_step(kind, done, more):
    first, second = make(kind), make(kind)
    shown = []
    while len(shown) < done:
        for batch in first:
            shown.append(batch.tolist())
            if len(shown) == done:
                break
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert second.step == done
    assert shown == [make(kind).batch(step).tolist() for step in range(done)]
    rest = iter(second)
    for step in range(done, min(done + more, (second.epoch + 1) * len(second))):
        assert next(rest).tolist() == make(kind).batch(step).tolist()


def test_a_state_fits_another_number_of_replicas():
    before = [make("paced").for_replica(rank, 3) for rank in range(3)]
    for replica in before:
        walk = iter(replica)
        for _ in range(5):
            next(walk)
    states = [replica.state_dict() for replica in before]
    assert states[0] == states[1] == states[2]
    after = [make("paced").for_replica(rank, 2) for rank in range(2)]
    for replica in after:
        replica.load_state_dict(states[0])
    together = np.empty(7, np.int64)
    for rank, replica in enumerate(after):
        together[rank::2] = next(iter(replica))
    assert (together == make("paced").batch(5)).all()
    assert len(json.dumps(states[0])) < 1000


def test_the_order_is_kept_where_no_pacing_is_given():
    sampler = Sampler(RANKING, batch_size=8, last="short")
    assert len(sampler) == 8
    assert np.concatenate(list(sampler)).tolist() == PATH.tolist()
    assert np.concatenate(list(sampler)).tolist() == PATH.tolist()
    hardest = Sampler(RANKING.scores, ordering="anti_curriculum", batch_size=8)
    assert len(hardest) == 7
    assert np.concatenate(list(hardest)).tolist() == PATH[::-1][:56].tolist()


@pytest.mark.parametrize("last", ["drop", "short"])
@pytest.mark.parametrize("kind", ["linear", "step", "exp"])
def test_a_pass_shows_its_pool_once_and_then_reads_the_pacing(last, kind):
    pacing = pace(kind, total=30, a=0.8, b=0.2)
    sampler = Sampler(RANKING, pacing=pacing, batch_size=7, last=last, n_min=10)
    step = 0
    while step < 60:
        pool = max(int(pacing.count(step, P)), 10)
        length = pool // 7 if last == "drop" else -(-pool // 7)
        shown = np.concatenate([sampler.batch(step + k) for k in range(length)])
        assert np.unique(shown).size == shown.size == (7 * length if last == "drop" else pool)
        assert np.isin(shown, PATH[:pool]).all()
        assert shown.tolist() != PATH[: shown.size].tolist()
        step += length
    assert Passes(pacing, P, 7, 10, last).at(step).start == step


def test_passes_do_not_depend_on_the_order_in_which_they_are_asked_for():
    forward, backward = (Passes(PACE, P, 4) for _ in range(2))
    found = [forward.at(step) for step in range(2000)]
    assert [backward.at(step) for step in reversed(range(2000))][::-1] == found
    assert found[-1].pool == P


def test_draws_per_step_are_uniform_over_the_pool_of_the_step():
    sampler = Sampler(RANKING, pacing=PACE, refresh="step", batch_size=P, seed=1)
    for step in (0, 3, 11, 40):
        assert set(sampler.batch(step)) <= set(PATH[: int(PACE.count(step, P))])
    late = np.bincount(np.concatenate([sampler.batch(step) for step in range(30, 1030)]), minlength=P)
    errors = (late - 1000) / np.sqrt(1000 * (1 - 1 / P))
    assert np.abs(errors).max() < 4.5
    assert abs((errors**2).sum() - (P - 1)) < 5 * np.sqrt(2 * P)


def test_weighted_draws_have_the_frequencies_of_the_weights():
    sampler = Sampler(RANKING, weights=WEIGHTS * 1e300, batch_size=P, seed=2)
    seen = np.bincount(np.concatenate([sampler.batch(step) for step in range(1000)]), minlength=P)
    share = WEIGHTS / WEIGHTS.sum()
    assert (seen[WEIGHTS == 0] == 0).all()
    used = share > 0
    errors = (seen - 1000 * P * share)[used] / np.sqrt(1000 * P * share * (1 - share))[used]
    assert np.abs(errors).max() < 4.5
    assert abs((errors**2).mean() - 1) < 5 * np.sqrt(2 / used.sum())
    only = Sampler(RANKING, weights=np.eye(P)[P - 1], batch_size=5)
    assert set(only.batch(0)) == {P - 1}


def test_weights_may_change_and_are_part_of_the_state():
    sampler = make("weighted")
    sampler.set_weights(WEIGHTS[::-1])
    assert (sampler.batch(4) == make("weighted", weights=WEIGHTS[::-1]).batch(4)).all()
    state, other = sampler.state_dict(), make("weighted")
    with pytest.raises(ValueError, match="another sequence of batches; call set_weights first"):
        other.load_state_dict(state)
    other.set_weights(WEIGHTS[::-1])
    other.load_state_dict(state)


def test_epochs():
    sampler = make("paced")
    assert len(sampler) == P // 7 == 8
    everything = [make("paced").batch(step).tolist() for step in range(24)]
    assert [b.tolist() for _ in range(3) for b in sampler] == everything  # goes on without set_epoch
    sampler.set_epoch(1)
    assert [b.tolist() for b in sampler] == everything[8:16]
    sampler.set_epoch(1)
    next(iter(sampler))
    sampler.set_epoch(1)  # begun and broken off: from its start again
    assert sampler.step == 8
    sampler.load_state_dict(make("paced").state_dict(step=11))
    sampler.set_epoch(1)  # as a trainer does after a resume: the step stays
    assert [b.tolist() for b in sampler] == everything[11:16]
    sampler.load_state_dict(make("paced").state_dict(step=11))
    sampler.set_epoch(2)
    assert sampler.step == 16
    assert len(list(make("paced", steps_per_epoch=3))) == 3


def test_the_sequence_is_the_same_on_every_machine_and_version():
    digest = sha256()
    for kind in KINDS:
        digest.update(np.concatenate([make(kind).batch(step) for step in range(40)]).astype("<i8").tobytes())
    assert digest.hexdigest() == "cabadadd347dc37431046f00fe072fa489a60aa95cb6c09fb2d7cd7e571841b7"


@given(st.integers(1, 300), st.integers(0, 5), st.booleans(), st.integers(0, 2**32 - 1))
def test_sorting_is_that_of_a_stable_argsort(size, kind, descending, seed):
    rng = np.random.default_rng(seed)
    scores = [
        rng.normal(size=size),
        rng.integers(0, 5, size) * 1.0,
        rng.standard_cauchy(size) ** 5,
        np.where(rng.random(size) < 0.02, 1e300, rng.random(size)),
        1 + rng.integers(0, 40, size) * 2.0**-52,
        rng.choice([-1.7e308, 1.7e308, 5e-324, 0.0, -0.0], size),
    ][kind]
    expected = np.argsort(-scores if descending else scores, kind="stable")
    assert (stable_order(scores, descending=descending) == expected).all()


def test_sorting_where_few_scores_share_a_key():
    """Keys of 47 bits cannot tell scores of 1e-17 apart beside scores of up to 1; those are sorted after."""
    rng = np.random.default_rng(0)
    scores = rng.random(100_000)
    scores[::1000] *= 1e-17
    scores[5000::20_000] = scores[0]
    for sign, descending in ((1, False), (-1, True)):
        assert (stable_order(scores, descending=descending) == np.argsort(sign * scores, kind="stable")).all()


def test_every_permutation_is_as_likely():
    cards = np.arange(4, dtype=np.uint32)
    found = dict.fromkeys(permutations(range(4)), 0)
    for number in range(24 * 100):
        found[tuple(keyed_shuffle(cards, 11, number).tolist())] += 1
    chi2 = sum((count - 100) ** 2 / 100 for count in found.values())
    assert abs(chi2 - 23) < 4 * np.sqrt(46)
    assert abs(uniform(1, 2, 10_000).mean() - 0.5) < 4 / np.sqrt(12 * 10_000)


def test_memory_per_example():
    scores = Ranking(np.random.default_rng(0).random(1 << 20))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        sampler = Sampler(scores, pacing=pace("linear", total=1), batch_size=128)
        sampler.batch(0)
        sampler.state_dict()
        kept, peak = (value - before for value in tracemalloc.get_traced_memory())
    finally:
        tracemalloc.stop()
    assert peak < 17 << 20  # a sorted word and the path, 12 bytes, and 4 that newer versions of NumPy sort in
    assert kept < 9 << 20  # the path and the pool, 8 bytes


BAD = [
    (
        {"weights": np.where(np.arange(P) == 4, np.nan, 1.0)},
        "1 weights are NaN or infinite, the first at index 4",
    ),
    ({"weights": -np.ones(P)}, "60 weights are negative, the first at index 0; need >= 0"),
    ({"weights": np.zeros(P)}, "all weights are 0: nothing to draw"),
    ({"weights": np.ones(3)}, r"weights have shape \(3,\) but there are 60 scores"),
    ({"weights": np.ones(P), "pacing": PACE}, r"pass a pacing \(subsets\) or weights, not both"),
    ({"pacing": lambda step: 1.0}, "pacing is a function; need what curricula.pace returns"),
    ({"refresh": "step"}, 'refresh="step" draws from the pools of a pacing'),
    ({"refresh": "never"}, "unknown refresh 'never'; known: epoch, step"),
    ({"last": "keep"}, "unknown last 'keep'; known: drop, short"),
    ({"ordering": "easy"}, "unknown ordering 'easy'; known: anti_curriculum"),
    ({"ordering": "easy", "weights": np.ones(P)}, "unknown ordering 'easy'"),
    ({"batch_size": 0}, "batch_size is 0; need 1 <= batch_size <= 60"),
    ({"batch_size": P + 1}, "batch_size is 61"),
    ({"seed": 2**32}, "seed is 4294967296"),
    ({"seed": -1}, "seed is -1"),
    ({"n_min": P + 1}, "n_min is 61"),
    ({"steps_per_epoch": 0}, "steps_per_epoch is 0"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_settings(change, message):
    with pytest.raises(ValueError, match=message) as refusal:
        unwrap(Sampler.__init__)(Sampler.__new__(Sampler), RANKING, **({"batch_size": 7} | change))
    assert "\n" not in str(refusal.value)


def test_bad_scores():
    with pytest.raises(ValueError, match="1 scores are NaN or infinite, the first at index 1"):
        Sampler([0.0, np.nan], batch_size=1)
    with pytest.raises(ValueError, match="this needs class labels"):
        Sampler([0.0, 1.0], batch_size=1, balanced=True)


@pytest.mark.parametrize(
    ("kind", "rank", "world", "message"),
    [
        ("paced", 0, 8, "8 replicas share batches of 7; need batch_size >= 8"),
        ("paced", 2, 2, "rank is 2; need 0 <= rank <= 1"),
        ("paced", 0, 0, "world is 0"),
        ("short", 0, 2, 'a short last batch may leave a replica without examples; need last="drop"'),
    ],
)
def test_bad_replicas(kind, rank, world, message):
    with pytest.raises(ValueError, match=message):
        make(kind).for_replica(rank, world)


def test_a_replica_is_not_shared_again():
    with pytest.raises(ValueError, match="the sampler of a replica already"):
        make("paced").for_replica(0, 2).for_replica(0, 2)


STATE = make("paced").state_dict(step=9)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "this is no state of a Sampler: it lacks version, step, seed, ranking, settings"),
        ({k: v for k, v in STATE.items() if k != "seed"}, "it lacks seed"),
        (STATE | {"version": 2}, "the state has version 2; this reads version 1"),
        (STATE | {"step": -1}, "step of the state is -1"),
        (STATE | {"step": 2.5}, "step of the state is 2.5; need an integer"),
        (STATE | {"seed": 4}, "the state has seed 4, the sampler 3; pass seed=..."),
        (
            Sampler(RANKING.scores + 1, batch_size=7).state_dict(),
            "the state belongs to another ranking, checksum",
        ),
        (
            make("paced", batch_size=6).state_dict(),
            "the state has batch_size 6, the sampler 7: another sequence",
        ),
        (
            make("kept").state_dict(),
            r'the state has pacing null, the sampler "linear\(total=30.0, a=0.8, b=0.2\)"',
        ),
        (make("paced", pacing=pace("linear", total=31)).state_dict(), 'pacing "linear'),
        (make("paced", pacing=pace("table", values=[0.5])).state_dict(), r'pacing "table\(1 values, sha256 '),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(state, message):
    sampler = make("paced")
    list(sampler)
    with pytest.raises(ValueError, match=message) as refusal:
        sampler.load_state_dict(state)
    assert "\n" not in str(refusal.value)
    assert sampler.step == 8
    assert (next(iter(sampler)) == make("paced").batch(8)).all()


def test_bad_steps():
    with pytest.raises(ValueError, match="step is -1"):
        make("paced").batch(-1)
    with pytest.raises(ValueError, match="epoch is -1"):
        make("paced").set_epoch(-1)
    with pytest.raises(ValueError, match=r"the sampler has a pacing \(subsets\)"):
        make("paced").set_weights(np.ones(P))
