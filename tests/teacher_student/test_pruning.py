"""Pruning: exact counts, the right weights, the controls, and refusals."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import single

from teacher_student.pruning import (
    Pruning,
    check_rewind,
    full as kept_whole,
    kernels,
    of_units,
    remaining,
    rewound,
    scattered,
    shuffled,
    units,
    weights_kept,
)
from teacher_student.students.flax_nets import make_student
from teacher_student.students.two_layer import Params

pytestmark = pytest.mark.usefixtures("quick_module")

RNG = np.random.default_rng(0)
TWO_LAYER = Params(single(RNG.normal(size=(7, 11))), single(RNG.normal(size=7)))


@cache
def network(name="lenet"):
    student = make_student(name, 5, 3)
    params = jax.jit(student.init)(jax.random.key(1), np.zeros((1, 4, 4, 1), "float32"))
    return student, jax.tree.map(np.asarray, params)


def params_of(name):
    return TWO_LAYER if name == "two_layer" else network(name)[1]


def pruned(rule, params, masks, counts):
    """One program per rule and shapes."""
    return jax.tree.map(np.asarray, PRUNE(rule, params, masks, np.asarray(counts)))


def full(params):
    return jax.tree.map(np.ones_like, params)


PRUNE = jax.jit(lambda rule, *arrays: rule.prune(*arrays), static_argnums=0)
SHUFFLE = jax.jit(shuffled, static_argnums=2)
UNITS = jax.jit(units)


def same(one, two):
    jax.tree.map(np.testing.assert_array_equal, one, two)


@pytest.mark.parametrize("size", [1, 7, 100, 235200])
@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.37])
def test_the_count_after_any_round_is_the_nearest_whole_number(size, fraction):
    for n in range(30):
        assert abs(remaining(size, fraction, n) - size * (1 - fraction) ** n) <= 0.5


@pytest.mark.parametrize("name", ["two_layer", "lenet", "cnn"])
@pytest.mark.parametrize("scope", ["layer", "global", "units"])
def test_iterated_masks_are_nested_and_hold_exactly_what_counts_say(name, scope):
    rule, params, rounds = Pruning(0.3, scope), params_of(name), 3
    counts, masks = rule.counts(params, rounds), full(params)
    same(masks, kept_whole(params))
    for n in range(1, rounds + 1):
        trained = jax.tree.map(lambda p, n=n: p + single(0.1 * n * np.sin(37 * p)), params)
        before, masks = masks, pruned(rule, trained, masks, counts[n])
        jax.tree.map(lambda new, old: np.testing.assert_array_less(new, old + 0.5), masks, before)
        kept = [int(m.sum()) for m in kernels(masks)]
        if scope == "layer":
            assert kept == counts[n].tolist()
            sizes = [m.size for m in kernels(masks)]
            assert kept[:-1] == [remaining(s, 0.3, n) for s in sizes[:-1]]
            assert kept[-1] == remaining(sizes[-1], 0.15, n)
        elif scope == "global":
            assert [sum(kept[:-1]), kept[-1]] == counts[n].tolist()
        else:
            assert [int(u.sum()) for u in UNITS(masks)] == counts[n].tolist()
    assert int(jax.jit(weights_kept)(masks)) == sum(int(m.sum()) for m in kernels(masks))


def test_layerwise_keeps_the_largest_of_every_layer():
    masks = pruned(Pruning(0.3), TWO_LAYER, full(TWO_LAYER), [20, 3])
    for mask, values in ((masks.w, TWO_LAYER.w), (masks.v, TWO_LAYER.v)):
        kept, gone = np.abs(values)[mask == 1], np.abs(values)[mask == 0]
        assert kept.min() > gone.max()


def test_a_weight_that_is_gone_stays_gone_however_large_it_is():
    params = Params(single([[9.0, 1.0, 2.0, 3.0]]), single([1]))
    masks = Params(single([[0.0, 1.0, 1.0, 1.0]]), single([1]))
    assert pruned(Pruning(0.5), params, masks, [2, 1]).w.tolist() == [[0, 0, 1, 1]]


def layers(*values):
    """A network with these weight matrices and biases of zero."""
    return {
        "params": {
            f"Dense_{i}": {"kernel": single(v), "bias": single(np.zeros(np.shape(v)[1]))}
            for i, v in enumerate(values)
        }
    }


def test_global_ranks_across_layers_but_empties_none():
    """The first layer is 100 times larger than the second, which keeps its one largest weight."""
    params = layers(*(scale * RNG.normal(size=(4, 4)) for scale in (100.0, 1.0, 1.0)))
    rule = Pruning(0.5, "global")
    masks = pruned(rule, params, full(params), rule.counts(params, 1)[1])
    assert [int(m.sum()) for m in kernels(masks)] == [15, 1, remaining(16, 0.25, 1)]


def test_ties_empty_no_layer_and_go_to_the_first():
    """All hidden weights equal: one stays of every layer, the others in order."""
    params = layers(np.ones((2, 3)), np.ones((3, 4)), np.ones((4, 2)), np.ones((2, 1)))
    masks = pruned(Pruning(0.5, "global"), params, full(params), np.array([9, 2]))
    first, *others, last = kernels(masks)
    assert first.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert others[0].ravel().tolist() == [1, 1] + [0] * 10
    assert others[1].ravel().tolist() == [1] + [0] * 7
    assert last.ravel().tolist() == [1, 1]


def test_a_layer_of_zeros_takes_one_place_from_the_others():
    """8 x 10 weights that differ and 10 x 8 zeros: of 80, the zeros keep one and the others 79."""
    real = 1 + np.arange(80.0).reshape(8, 10)
    params = layers(real, np.zeros((10, 8)), np.ones((8, 1)))
    masks = pruned(Pruning(0.5, "global"), params, full(params), np.array([80, 8]))
    assert [int(m.sum()) for m in kernels(masks)] == [79, 1, 8]
    assert kernels(masks)[0][0, 0] == 0  # the smallest of the 80
    assert kernels(masks)[1][0, 0] == 1


@pytest.mark.parametrize("scope", ["layer", "global", "units"])
@pytest.mark.parametrize("where", ["one", "all"])
def test_weights_that_are_no_numbers_revive_none(scope, where):
    rule, params = Pruning(0.3, scope), network()[1]
    counts, masks = rule.counts(params, 2), full(params)
    masks = pruned(rule, params, masks, counts[1])
    bad = jax.tree.map(
        lambda p: p * np.where((where == "all") | (np.arange(p.shape[-1]) == 0), np.nan, p.dtype.type(1)),
        params,
    )
    after = pruned(rule, bad, masks, counts[2])
    jax.tree.map(lambda new, old: np.testing.assert_array_less(new, old + 0.5), after, masks)
    if scope == "units":
        assert [int(u.sum()) for u in UNITS(after)] == counts[2].tolist()
    elif scope == "layer":
        assert [int(m.sum()) for m in kernels(after)] == counts[2].tolist()
    else:
        assert int(sum(m.sum() for m in kernels(after)[:-1])) == counts[2][0]


def test_an_infinite_weight_is_the_largest_but_takes_no_layers_last_place():
    params = layers([[np.inf, np.inf], [np.inf, 1.0]], [[1.0, 2.0], [3.0, 4.0]], [[1.0], [1.0]])
    masks = pruned(Pruning(0.5, "global"), params, full(params), np.array([2, 1]))
    assert kernels(masks)[0].tolist() == [[1, 0], [0, 0]]
    assert kernels(masks)[1].tolist() == [[0, 0], [0, 1]]


def test_units_go_whole_and_by_the_product_of_norms():
    params = Params(single([[3.0, 4.0], [10.0, 0.0], [1.0, 0.0]]), single([2.0, 0.1, -3.0]))
    masks = pruned(Pruning(0.5, "units"), params, full(params), [2])
    assert masks.v.tolist() == [1, 0, 1]
    assert masks.w.tolist() == [[1, 1], [0, 0], [1, 1]]


@pytest.mark.parametrize("name", ["lenet", "cnn"])
def test_a_network_without_pruned_units_computes_what_the_smaller_one_does(name):
    """Removed by mask, or by making the weights into a unit zero by hand: the same outputs."""
    student, params = network(name)
    x = single(RNG.normal(size=(6, 4, 4, 1)))
    params = jax.tree.map(lambda p: p + p.dtype.type(0.1), params)
    kept = [single(np.arange(k.shape[-1]) % 2) for k in kernels(params)[:-1]]

    @jax.jit
    def seen(params, kept, x):
        masks = of_units(params, kept)
        # weights out of units that are gone carry nothing, so leaving them in changes no output
        into_only = jax.tree.map(jnp.ones_like, masks)
        for layer, own in zip(student.layers(), kept, strict=False):
            into_only["params"][layer] = {
                "kernel": jnp.ones_like(masks["params"][layer]["kernel"]) * own, "bias": own,
            }  # fmt: skip
        blocks = student.apply(rewound(params, masks), x, method=student.features)
        return masks, blocks, student.apply(rewound(params, into_only), x)

    masks, blocks, wider = jax.tree.map(np.asarray, seen(params, kept, x))
    for hidden, own in zip(blocks, kept, strict=False):
        assert (hidden[..., own == 0] == 0).all()
        assert (hidden != 0).any()
    np.testing.assert_allclose(blocks[-1], wider, rtol=1e-5, atol=1e-6)
    assert [int(u.sum()) for u in UNITS(masks)] == [int(u.sum()) for u in kept]


@pytest.mark.parametrize("name", ["two_layer", "cnn"])
@pytest.mark.parametrize("scope", ["layer", "units"])
def test_shuffled_masks_keep_the_counts_and_forget_the_places(name, scope):
    rule, params = Pruning(0.5, scope), params_of(name)
    masks = pruned(rule, params, full(params), rule.counts(params, 1)[1])
    mixed = [jax.tree.map(np.asarray, SHUFFLE(jax.random.key(i), masks, scope)) for i in range(3)]
    for one in mixed:
        assert [int(m.sum()) for m in kernels(one)] == [int(m.sum()) for m in kernels(masks)]
    same(mixed[0], SHUFFLE(jax.random.key(0), masks, scope))
    pairs = zip(kernels(mixed[0]), kernels(mixed[1]), strict=True)
    assert any(not np.array_equal(a, b) for a, b in pairs)


def test_scattered_masks_keep_how_many_inputs_a_unit_has_and_forget_which():
    """Of five inputs the units keep 4, 1 and 0; an input is kept in as many of five draws."""
    masks = Params(single([[1, 1, 1, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]), single([0, 1, 1]))
    found = jax.jit(jax.vmap(scattered, (0, None)))(jax.random.split(jax.random.key(3), 2000), masks)
    into, out = np.asarray(found.w), np.asarray(found.v)
    assert (into.sum(-1) == [4, 1, 0]).all()
    assert (out == [0, 1, 1]).all()
    error = 4 * (0.16 / 2000) ** 0.5
    np.testing.assert_allclose(into.mean(0), np.tile([[0.8], [0.2], [0.0]], 5), atol=error)
    # units are drawn apart: the input that the first lacks is that of the second in a fifth of the draws
    same_input = into[:, 0].argmin(-1) == into[:, 1].argmax(-1)
    np.testing.assert_allclose(same_input.mean(), 0.2, atol=error)


def test_scattered_masks_of_a_network_of_images_keep_the_layers_after_the_first():
    params = network()[1]
    rule = Pruning(0.5)
    masks = pruned(rule, params, full(params), rule.counts(params, 2)[2])
    found = jax.tree.map(np.asarray, jax.jit(scattered)(jax.random.key(0), masks))
    one, other = kernels(found), kernels(masks)
    assert (one[0].sum(0) == other[0].sum(0)).all()
    assert (one[0] != other[0]).any()
    same(one[1:], other[1:])
    same(jax.tree.map(np.shape, found), jax.tree.map(np.shape, masks))


def test_one_shot_and_magnitude_at_the_start_are_single_calls():
    rule, n = Pruning(0.3), 4
    counts = rule.counts(TWO_LAYER, n)
    once = pruned(rule, TWO_LAYER, full(TWO_LAYER), counts[n])
    masks = full(TWO_LAYER)
    for row in counts[1:]:
        masks = pruned(rule, TWO_LAYER, masks, row)
    same(once, masks)


def test_pruning_of_replicates_is_that_of_each():
    several = Params(*(single(RNG.normal(size=(4, *x.shape))) for x in (TWO_LAYER.w, TWO_LAYER.v)))
    rule = Pruning(0.4)
    counts = rule.counts(TWO_LAYER, 2)[2]
    together = jax.jit(jax.vmap(rule.prune, (0, 0, None)))(several, full(several), counts)
    together = jax.tree.map(np.asarray, together)
    for r in (0, 3):
        one = jax.tree.map(lambda x, r=r: x[r], several)
        same(jax.tree.map(lambda x, r=r: x[r], together), pruned(rule, one, full(one), counts))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pruning(0.0), "fraction is 0.0; need 0 < fraction < 1"),
        (lambda: Pruning(1.0), "need 0 < fraction < 1"),
        (lambda: Pruning(float("nan")), "need 0 < fraction < 1"),
        (lambda: Pruning(scope="unit"), "unknown scope 'unit'; known: global, layer, units"),
        (lambda: Pruning(output_factor=1.5), "output_factor is 1.5"),
        (lambda: Pruning(0.5).counts(TWO_LAYER, 8), "round 8 at fraction 0.5 would empty a layer: 0 of 77"),
        (lambda: Pruning(0.9, "units").counts(TWO_LAYER, 2), "would empty a layer: 0 of 7 units left"),
        (lambda: Pruning(0.9, "global").counts(network()[1], 3), "would empty a layer"),
        (lambda: Pruning(0.5).counts(TWO_LAYER, -1), "rounds is -1"),
        (lambda: check_rewind(500, 500), "rewind is 500, but training has 500 steps"),
        (lambda: check_rewind(-1, 500), "rewind is -1"),
        (lambda: shuffled(jax.random.key(0), TWO_LAYER, "all"), "unknown scope 'all'"),
    ],
)
def test_bad_input_is_one_line(make, message):
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)
