"""What all scorers owe: shape, type, finite, higher = harder, keys that count, one compiled run."""

from functools import cache
from inspect import unwrap

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

from curricula import Ranking, rank
from curricula.difficulty.menu import HELDOUT, KNOWN, SCORERS, TEACHER, TRAINED
from curricula.difficulty.networks import Network, as_network
from curricula.difficulty.pointwise import cross_entropy, error_l2
from curricula.difficulty.trained import SCORES, as_key, rank_all
from curricula.difficulty.training import Runs, compiled, train_scores, warn_at_chance
from teacher_student.students.flax_nets import MLP
from teacher_student.tasks.xor_mixture import XorMixture

pytestmark = pytest.mark.usefixtures("quick_module")

P, WRONG = 240, 24
RUNS = Runs(seeds=8, epochs=8, batch_size=24)
#: A ratio of its own and that of memorisation, so that these two share a program.
OPTIONS = {"c_score": {"ratios": (0.5, 0.7)}}


@cache
def examples():
    """Three Gaussian clusters in 8 dimensions; the first 24 of 240 examples carry the wrong label."""
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, P)
    x = rng.normal(size=(P, 8)) + 3 * np.eye(8)[truth]
    y = np.where(np.arange(P) < WRONG, (truth + 1) % 3, truth)
    return x, y


@cache
def xor():
    """The XOR mixture at two noise levels, and its true posterior."""
    from curricula.difficulty.known import xor_posterior

    level = np.repeat([0.05, 1.0], P // 2)
    x, sign = jax.jit(lambda level: XorMixture(8).sample(jax.random.key(1), P, level))(np.float32(level))
    return np.asarray(x), (np.asarray(sign) > 0).astype(int), level, xor_posterior(x, np.eye(2, 8), level)


@cache
def scored(name: str, key: int = 0) -> Ranking:
    """Any scorer on the examples above."""
    x, y = examples()
    points, sides, level, posterior = xor()
    if name in SCORES:
        return trained(key)[name]
    given = {
        "transfer": (x, y),
        "prototype_distance": (x, y),
        "teacher_loss": (np.where(np.eye(3)[y] > 0, 0.8, 0.1) if key else _soft(x, y), y),
        "noise_level": (level,),
        "noise_norm": (points[:, 2:],),
        "boundary_distance": (points, np.eye(8)[0]),
        "bayes_error": (posterior,),
        "label_surprise": (posterior, sides),
    }
    if name in HELDOUT:
        return rank(name, x, y, runs=RUNS, key=key, **OPTIONS.get(name, {}))
    return rank(name, *given[name])


def floats():
    """The examples as the trainer takes them."""
    x, y = examples()
    return jax.device_put(x.astype(np.float32)), jax.device_put(y.astype(np.int32))


def _soft(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    power = np.exp(x[:, :3])
    return power / power.sum(1, keepdims=True)


@cache
def trained(key: int) -> dict[str, Ranking]:
    """All trained scores from one run."""
    return everything(*examples(), key=key)


def everything(x, y, key=0) -> dict[str, Ranking]:
    """All trained scores of any examples of this shape, by one program."""
    return rank_all(tuple(SCORES), x, y, runs=RUNS, key=key, k=10)


def scores_of(name: str, x, y) -> Ranking:
    """A score of training or of held-out networks, by the programs of the above."""
    return everything(x, y)[name] if name in SCORES else rank(name, x, y, runs=RUNS, **OPTIONS.get(name, {}))


def test_the_menu_is_complete():
    assert set(TRAINED) == set(SCORES)
    assert set(SCORERS) == {*TRAINED, *HELDOUT, *TEACHER, *KNOWN}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SCORERS))
def test_contract(name):
    ranking = scored(name)
    assert ranking.scores.shape == (P,)
    assert ranking.scores.dtype == np.float64
    assert np.ptp(ranking.scores) > 0
    assert ranking.definition
    assert ranking.source
    assert ranking.higher_was in ("harder", "easier")
    if name in SCORES:
        assert ranking.runs == RUNS.seeds
        assert ranking.error is not None
        assert (ranking.error >= 0).all()
        assert ("never learned" in ranking.never_learned) == ("learn" in name or "forget" in name)


#: Scores of an example's whole course or of its neighbourhood do not single out wrong labels.
NOT_ABOUT_LABELS = {"vog", "entropy", "max_confidence", "variability", "threshold_closeness"}


@pytest.mark.parametrize("name", sorted({*SCORES, *HELDOUT, *TEACHER} - NOT_ABOUT_LABELS))
def test_wrong_labels_are_harder(name):
    scores = scored(name).scores
    assert scores[:WRONG].mean() > scores[WRONG:].mean() + scores[WRONG:].std() / 4
    assert (scores[:WRONG][:, None] > scores[WRONG:][None]).mean() > 0.6


@pytest.mark.parametrize("name", sorted({"entropy", "max_confidence", "variability", "threshold_closeness"}))
def test_points_between_the_clusters_are_harder(name):
    x, _ = examples()
    top = np.sort(x[:, :3], 1)
    between = np.argsort(top[:, 2] - top[:, 1])
    scores = scored(name).scores
    assert scores[between[: P // 5]].mean() > scores[between[-P // 5 :]].mean()


@pytest.mark.parametrize("name", KNOWN)
def test_oracles_find_the_noisy_half_harder(name):
    points, _, level, _ = xor()
    scores = scored(name).scores
    if name == "boundary_distance":
        near = np.abs(points[:, 0]) < np.median(np.abs(points[:, 0]))
        assert scores[near].min() > scores[~near].max() - 1e-12
    else:
        assert scores[level > 0.5].mean() > scores[level < 0.5].mean()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["el2n", *HELDOUT])
def test_same_key_same_answer_other_key_another(name):
    once, other = scored(name), scored(name, 1)
    again = trained.__wrapped__(0)[name] if name in SCORES else scored.__wrapped__(name)
    np.testing.assert_array_equal(once.scores, again.scores)
    assert (once.scores != other.scores).any()


@pytest.mark.slow
def test_training_is_what_a_plain_loop_does():
    x, y = floats()
    network = as_network(MLP((5,), 3))
    runs = Runs(epochs=3, batch_size=P)
    keys = jax.random.split(jax.random.key(7), 2)
    (table,) = train_scores(network, (SCORES["el2n"],), runs, x, y, keys)

    @jax.jit
    def by_hand(key):
        params = network.init(jax.random.split(key)[0], x[:1])
        memory = runs.optimizer.init(params)
        for _ in range(3):
            slope = jax.grad(lambda p: cross_entropy(network.apply(p, x), y).mean())(params)
            change, memory = runs.optimizer.update(slope, memory)
            params = jax.tree.map(jnp.add, params, change)
        return error_l2(network.apply(params, x), y)

    for key, scores in zip(keys, table, strict=True):
        np.testing.assert_allclose(scores, by_hand(key), rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_a_run_does_not_depend_on_its_neighbours_or_on_the_chunk():
    x, y = floats()
    network, keys = as_network(MLP((5,), 3)), jax.random.split(jax.random.key(7), 4)
    whole, parts = (
        train_scores(
            network, (SCORES["el2n"],), Runs(batch_size=24, chunk=chunk, parallel=parallel), x, y, keys
        )[0]
        for chunk, parallel in ((1000, None), (7, 3))
    )
    np.testing.assert_allclose(whole, parts, rtol=1e-4, atol=1e-5)


def test_one_compilation_for_all_keys_and_examples():
    x, y = examples()
    trained(0)
    size = getattr(compiled, "_cache_size")  # noqa: B009
    before = size()
    everything(x + 1, (y + 1) % 3, key=5)
    assert size() == before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["el2n", "memorisation"])
def test_whole_numbers_are_scaled_as_pixels_are(name):
    x, y = examples()
    pixels = np.clip(np.rint(20 * x + 100), 0, 255).astype(np.uint8)
    pixels[0, 0] = 255
    mine = scores_of(name, pixels, y)
    scaled = scores_of(name, pixels.astype(np.float32) / np.float32(255), y)
    np.testing.assert_array_equal(mine.scores, scaled.scores)
    assert name != "el2n" or mine.scores[:WRONG].mean() > mine.scores[WRONG:].mean()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["el2n", "memorisation", "loss_c_score", "c_score"])
def test_networks_that_end_at_chance_are_told(name):
    """From inputs that are all alike nothing is learned but how many examples a class has."""
    x, y = examples()
    with pytest.warns(UserWarning, match=r"of \d+ networks end at chance .*scale the inputs") as caught:
        scores_of(name, np.zeros_like(x), np.where(np.arange(P) < P // 2, 0, 1 + y % 2))
    assert len(caught) == 1


def test_what_counts_as_chance():
    """60 % in the largest of two classes of 100 examples: chance ends at 0.6 + 2 sqrt(0.24 / 100) = 0.698."""
    labels = np.arange(100) % 5 > 2
    assert labels.mean() == 0.4
    with pytest.warns(UserWarning, match="1 of 2 networks end at chance .*right for 69 % .*class 60 %"):
        warn_at_chance(np.array([0.69, 0.71]), labels)
    warn_at_chance(np.array([0.69, 0.71, 0.9]), labels)


def test_old_style_keys_are_keys():
    x, y = examples()
    one, old, two = (rank("memorisation", x, y, runs=RUNS, key=k) for k in (5, jax.random.PRNGKey(5), 6))
    np.testing.assert_array_equal(one.scores, old.scores)
    assert (one.scores != two.scores).any()


class Net(nnx.Module):
    """One hidden layer."""

    def __init__(self, rngs: nnx.Rngs):
        self.inner, self.outer = nnx.Linear(8, 6, rngs=rngs), nnx.Linear(6, 3, rngs=rngs)

    def features(self, x):
        hidden = nnx.relu(self.inner(x))
        return [hidden, self.outer(hidden)]

    def __call__(self, x):
        return self.features(x)[-1]


class Plain(linen.Module):
    """A linen model without the method `features`."""

    @linen.compact
    def __call__(self, x):
        return linen.Dense(3)(x)


@pytest.mark.slow
def test_models_of_both_kinds_and_plain_functions():
    x, y = examples()
    for model in (Plain(), as_network(Plain()), Network(lambda k, x: jnp.zeros((8, 3)), lambda w, x: x @ w)):
        assert len(rank("el2n", x, y, model=model, runs=Runs(seeds=2, batch_size=60))) == P
    assert len(rank("prediction_depth", x, y, model=Net, runs=Runs(seeds=2, batch_size=60))) == P
    for name in ("prediction_depth", "grand_last"):
        with pytest.raises(ValueError, match="features"):
            rank(name, x, y, model=Plain(), runs=Runs(seeds=2, batch_size=60))


class Stateful(linen.Module):
    """Keeps running averages."""

    @linen.compact
    def __call__(self, x):
        return linen.Dense(3)(linen.BatchNorm(use_running_average=False)(x))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, y: rank("el3n", x, y), "unknown scorer 'el3n'; known: aum"),
        (lambda x, y: rank("el2n", x, y[:-1]), r"need \(P, \.\.\.\)"),
        (lambda x, y: rank("el2n", x[:0], y[:0]), "P >= 1"),
        (lambda x, y: rank("el2n", x, np.where(y == 2, -1, y)), r"example 7 has label -1; need 0\.\.C-1"),
        (lambda x, y: rank("el2n", x, y[:, None]), r"labels have shape \(240, 1\).*labels\[:, 0\]"),
        (lambda x, y: rank("transfer", x, np.eye(3)[y]), r"labels have shape \(240, 3\).*argmax"),
        (lambda x, y: rank("label_surprise", np.full((240, 3), 1 / 3), y[:, None]), r"shape \(240, 1\)"),
        (lambda x, y: rank("label_surprise", np.full((240, 3), 1 / 3), y + 1), "has label 3; need 0..2"),
        (lambda x, y: rank("el2n", x.astype(str), y), "need numbers"),
        (lambda x, y: rank("el2n", x, y, model=MLP((4,), 2)), r"shape \(1, 2\).*C >= 3"),
        (lambda x, y: rank("el2n", x, y, key=2**32), "seed is 4294967296; need 0 <= seed"),
        (lambda x, y: rank("el2n", x, y, key=-1), "seed is -1"),
        (lambda x, y: unwrap(as_key)(0.5), "key is 0.5"),
        (lambda x, y: rank("teacher_loss", _soft(x, y)[::-1], y), "rows in another order"),
        (lambda x, y: rank("el2n", x, y + 0.5), "whole numbers"),
        (lambda x, y: rank("el2n", x * np.nan, y), "NaN"),
        (lambda x, y: everything(x * 1e9, y), "8 of 8 runs ended in NaN"),
        (lambda x, y: rank("el2n", x, y, runs=Runs(batch_size=P + 1)), "batch_size is 241"),
        (lambda x, y: rank("el2n", x, y, runs=Runs(batch_size=24, evaluations=3)), "divisor"),
        (lambda x, y: rank("el2n", x, y, model=Stateful()), "batch_stats"),
        (lambda x, y: unwrap(as_network)(3), "model is a int"),
        (lambda x, y: rank("prediction_depth", x, y, k=P), "k is 240"),
        (lambda x, y: rank("prediction_depth", x, y, reference="gold"), "known: predicted, true"),
        (lambda x, y: rank("loss_c_score", x, y, folds=1), "folds is 1"),
        (lambda x, y: rank("c_score", x, y, ratios=(1.0,)), "0 < ratio < 1"),
        (lambda x, y: Runs(seeds=0), "seeds is 0"),
        (lambda x, y: Runs(epochs=2, skip=2), "skip is 2"),
        (lambda x, y: rank("noise_level", [-1.0]), "noise must be"),
        (lambda x, y: rank("boundary_distance", x, np.zeros(8)), "nonzero"),
        (lambda x, y: rank("bayes_error", [[0.5, 0.6]]), "sum to 1"),
        (lambda x, y: rank("teacher_loss", [[0.5, 0.6]], [0]), "sum to 1"),
    ],
)
def test_refusals_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call(*examples())
    assert "\n" not in str(caught.value)
