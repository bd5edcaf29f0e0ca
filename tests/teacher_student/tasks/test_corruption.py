"""Corruptions: the right law at the right level, from the example's own random numbers and no other's."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from teacher_student.tasks.corruption import CORRUPTIONS, Examples, Pixels, Presentation, draw_levels
from teacher_student.tasks.resampling import coverage, pasted

pytestmark = pytest.mark.usefixtures("quick_module")
KEY = jax.random.key(7)
SIZE, SHAPE = 400, (3, 2, 2)


def examples(size=SIZE, n_labels=2, seed=0):
    """Images without symmetry, all different, with seeds that are not their positions."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, n_labels, size).astype(np.int32)
    labels = (2.0 * classes - 1).astype(np.float32) if n_labels == 2 else classes
    seeds = (np.arange(size) * 7 + 4_000_000_000).astype(np.uint32)
    inputs = rng.normal(1, 1, (size, *SHAPE)).astype(np.float32)
    return Examples(inputs, labels, classes, np.arange(size, dtype=np.int32), seeds)


DATA = examples()
ALL = np.arange(SIZE)
#: A mean of its own for every pixel; p = 5 x + mean lies in 0 to 60 for most.
PIXELS = Pixels(np.linspace(20, 31, 12, dtype=np.float32).reshape(SHAPE), 5.0, 0.0, 60.0)


#: One program per kind.
PROGRAM = jax.jit(lambda show, *arguments: show(*arguments), static_argnums=0)


def shown(show, key=KEY, data=DATA, indices=ALL, level: Any = 0.4, draws=None):
    """What a student sees, with a level per example."""
    levels = np.broadcast_to(np.float32(level), np.shape(indices))
    return tuple(map(np.asarray, PROGRAM(show, key, data, indices, levels, draws)))


@pytest.mark.parametrize(
    ("corruption", "signed"),
    [*((name, True) for name in CORRUPTIONS), ("noise_beside", False), ("distractor_beside", False)],
)
def test_an_example_depends_neither_on_its_batch_nor_on_other_replicates(corruption, signed):
    """Replicates mapped over one copy of the data, and a call on the host, show what each shows alone."""
    show, keys = Presentation(corruption, signed, pixels=PIXELS), jax.random.split(KEY, 3)
    rows = np.array([[17, 3], [17, 399], [0, 17]])
    mapped = jax.jit(jax.vmap(show, in_axes=(0, None, 0, None, None)))(
        keys, DATA, rows, np.float32(0.4), np.array([5, 5])
    )
    for i, key in enumerate(keys):
        alone = shown(show, key, draws=np.full(SIZE, 5))
        for got, whole in zip(mapped, alone, strict=True):
            np.testing.assert_allclose(np.asarray(got)[i], whole[rows[i]], rtol=1e-6, atol=1e-6)
        assert alone[0].shape[1:] == show.shape(SHAPE)
    for got, on_host in zip(mapped, show(keys[0], DATA, rows[0], 0.4, np.array([5, 5])), strict=True):
        np.testing.assert_allclose(np.asarray(got)[0], on_host, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_draws_and_keys_make_it_fresh_and_nothing_else_does(corruption):
    show = Presentation(corruption, signed=True, pixels=PIXELS)

    def flat(key, draws):
        return np.concatenate([np.ravel(part) for part in shown(show, key, draws=draws)])

    zeros, ones = np.zeros_like(ALL), np.ones_like(ALL)
    first = flat(KEY, zeros)
    np.testing.assert_array_equal(first, flat(KEY, zeros))
    different = [first, flat(jax.random.key(8), zeros), flat(KEY, ones)]
    if corruption == "noise_in_place":  # the same line for all kinds
        different.append(flat(KEY, None))
        np.testing.assert_array_equal(different[-1], flat(KEY, None))
    for i, other in enumerate(different):
        assert all(not np.array_equal(other, one) for one in different[:i])


def test_noise_in_place_is_standard_normal_times_the_root_of_the_level():
    show = Presentation("noise_in_place", signed=True, pixels=PIXELS)
    noise = shown(show, level=4.0)[0] - shown(show, level=0.0)[0]
    assert stats.kstest(np.ravel(noise) / 2, "norm").pvalue > 1e-3
    per_pixel = noise.reshape(SIZE, -1)
    off = np.corrcoef(per_pixel.T) - np.eye(per_pixel.shape[1])
    assert np.abs(off).max() < 4 / np.sqrt(SIZE), "pixels are independent"


def test_levels_are_per_example_and_scale_the_same_noise():
    levels = np.linspace(0, 9, SIZE).astype(np.float32)
    show = Presentation("noise_in_place", signed=True, pixels=PIXELS)
    clean, one, mixed = (shown(show, level=h)[0] for h in (0.0, 1.0, levels))
    np.testing.assert_allclose(np.abs(clean), np.abs(DATA.inputs))
    scale = np.sqrt(levels)[:, None, None, None]
    np.testing.assert_allclose(mixed - clean, scale * (one - clean), atol=1e-5)


def test_noise_beside_leaves_the_image_alone():
    inputs = shown(Presentation("noise_beside", pixels=PIXELS), level=16.0, draws=ALL)[0]
    np.testing.assert_array_equal(inputs[:, :, :2], DATA.inputs)
    assert stats.kstest(np.ravel(inputs[:, :, 2:]) / 4, "norm").pvalue > 1e-3


def test_clipped_noise_is_noise_of_the_level_within_the_range():
    """In pixels: p + h (high - low) z inside, else the end of the range; twice the level, twice the noise."""
    show = Presentation("clipped_noise", signed=False, pixels=PIXELS)
    before = np.asarray(DATA.inputs) * 5 + PIXELS.mean

    def pixels(level):
        return shown(show, level=level)[0] * 5 + PIXELS.mean

    np.testing.assert_allclose(pixels(0.0), np.clip(before, 0, 60), atol=1e-4)
    small, large, mixed = pixels(0.02), pixels(0.4), pixels(np.linspace(0, 0.4, SIZE))
    assert stats.kstest(np.ravel(small - before) / (0.02 * 60), "norm").pvalue > 1e-3
    z = (small - before) / (0.02 * 60)
    np.testing.assert_allclose(large, np.clip(before + 0.4 * 60 * z, 0, 60), atol=0.01)
    assert (large == 60).mean() > 0.05
    np.testing.assert_allclose(mixed[-1], large[-1], atol=1e-4)
    np.testing.assert_allclose(mixed[0], before[0], atol=1e-4)


def test_shrinking_by_hand():
    """5 x 3 pixels at 3/5 of the sides: 3 x 1.8 pixels around the centre, means over areas."""
    cover = jax.jit(coverage, static_argnums=0)
    five, three = (np.asarray(cover(count, 0.6)) for count in (5, 3))
    np.testing.assert_allclose(five.sum(1), [0, 1, 1, 1, 0], atol=1e-6)
    np.testing.assert_allclose(three.sum(1), [0.4, 1, 0.4], atol=1e-6)
    # a pixel of the result is 5/3 pixels wide before: rows 0 to 5/3, 5/3 to 10/3, 10/3 to 5
    np.testing.assert_allclose(five[1], [0.6, 0.4, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(five[2], [0, 0.2, 0.6, 0.2, 0], atol=1e-6)
    image, ground = np.arange(15.0, dtype=np.float32).reshape(5, 3, 1), np.full((5, 3, 1), 100, np.float32)
    paste = jax.jit(pasted)
    found = np.asarray(paste(image, ground, 0.6))[..., 0]
    assert (found[0] == found[-1]).all()
    assert (found[0] == 100).all()
    rows = 0.6 * image[0, :, 0] + 0.4 * image[1, :, 0]
    # columns: 0 to 2/3 of the first pixel in .4 of the result; 2/3 to 7/3 before in the middle one
    np.testing.assert_allclose(found[1, 0], 0.4 * rows[0] + 0.6 * 100, rtol=1e-5)
    np.testing.assert_allclose(found[1, 1], 0.6 * (rows[0] / 3 + rows[1] + rows[2] / 3), rtol=1e-5)
    np.testing.assert_array_equal(paste(image, ground, 1.0), image)


def test_a_shrunk_image_lies_on_another_one():
    """In pixels: the middle keeps the mean of the image, the border is another image of the split."""
    rng = np.random.default_rng(2)
    inputs = rng.normal(0, 1, (30, 8, 8, 1)).astype(np.float32)
    data = Examples(inputs, *(np.asarray(part)[:30] for part in DATA[1:]))
    flat = Pixels(rng.uniform(0, 3, (8, 8, 1)).astype(np.float32), 2.0, 0.0, 9.0)
    inside = shown(Presentation("shrunk", pixels=flat), KEY, data, np.arange(30), 0.5)[0]
    pixels, before = inside * 2 + flat.mean, inputs * 2 + flat.mean
    halves = before.reshape(30, 4, 2, 4, 2, 1).mean((2, 4))
    np.testing.assert_allclose(pixels[:, 2:6, 2:6], halves, atol=1e-4)
    which = np.abs(inputs[None, :, 0] - inside[:, None, 0]).max((2, 3)) < 1e-4
    assert (which.sum(1) == 1).all()
    assert not which.diagonal().any()
    other = inputs[which.argmax(1)]
    np.testing.assert_allclose(inside[:, :, :2], other[:, :, :2], atol=1e-4)


@pytest.mark.parametrize("signed", [True, False])
def test_distractors_are_other_images_all_alike(signed):
    data = examples(6)
    draws = np.arange(3000)
    show = Presentation("distractor_beside", signed)
    inputs = shown(show, KEY, data, np.full(3000, 2), 9.0, draws)[0]
    beside = inputs[:, :, 2:] / 3
    signs = np.array([1, -1] if signed else [1])
    bank = signs[:, None, None, None, None] * data.inputs
    hits = np.array([np.abs(bank - image).max((2, 3, 4)) < 1e-5 for image in beside])
    assert (hits.sum((1, 2)) == 1).all(), "each is one image of the split, with a sign where images have one"
    counts = hits.sum(0)
    assert (counts[:, 2] == 0).all(), "never the image itself"
    assert stats.chisquare(np.delete(counts, 2, axis=1).ravel()).pvalue > 1e-3
    if signed:
        own = np.sign(inputs[:, 0, 0, 0] * data.inputs[2, 0, 0, 0])
        theirs = np.where(hits[:, 0].any(1), 1, -1)
        assert abs(np.mean(own * theirs)) < 4 / np.sqrt(3000), "the two signs are independent"


@pytest.mark.parametrize("n_labels", [2, 10])
def test_label_noise_has_its_rate_and_prefers_no_label(n_labels):
    data, draws = examples(5, n_labels), np.arange(4000)
    show = Presentation("label_noise", n_labels=n_labels)
    inputs, labels = shown(show, KEY, data, np.full(4000, 1), 0.3, draws)
    np.testing.assert_array_equal(inputs, np.broadcast_to(data.inputs[1], inputs.shape))
    assert labels.dtype == data.labels.dtype
    changed = labels[labels != data.labels[1]]
    assert stats.binomtest(len(changed), 4000, 0.3).pvalue > 1e-3
    values, counts = np.unique(changed, return_counts=True)
    assert len(values) == n_labels - 1
    if n_labels > 2:
        assert stats.chisquare(counts).pvalue > 1e-3
    for level, share in ((0.0, 0), (0.5, 0.5)):
        other = shown(show, KEY, data, np.full(4000, 1), level, draws)[1] != data.labels[1]
        assert abs(other.mean() - share) < 4 * 0.5 / np.sqrt(4000) * (share > 0) + 1e-9


def test_signs_are_fair_and_blind_to_the_label():
    show = Presentation("label_noise", signed=True, pixels=PIXELS)
    inputs, labels = shown(show, level=0.0, draws=ALL)
    signs = np.sign(inputs[:, 0, 0, 0] * DATA.inputs[:, 0, 0, 0])
    np.testing.assert_allclose(inputs, signs[:, None, None, None] * DATA.inputs)
    for mean in (signs.mean(), (signs * labels).mean()):
        assert abs(mean) < 4 / np.sqrt(SIZE)


def test_the_level_is_traced():
    show, traced = Presentation("noise_beside"), []

    @jax.jit
    def run(level):
        traced.append(level)
        return show(KEY, DATA, ALL[:4], level)[0]

    for level in (0.5, 1.0, 2.0):
        run(jnp.float32(level))
    assert len(traced) == 1


def test_levels_follow_their_law_and_their_seed():
    seeds = np.arange(5000, dtype=np.uint32)

    @jax.jit
    def drawn(seeds):
        law = {"easy": (1, 3), "hard": 16}
        return [draw_levels(KEY, seeds, **law, easy_fraction=share) for share in (0.3, 0.0, 1.0)]

    levels, hard, simple = map(np.asarray, drawn(seeds))
    easy = levels[levels < 16]
    assert stats.binomtest(len(easy), 5000, 0.3).pvalue > 1e-3
    assert stats.kstest(easy, stats.uniform(1, 2).cdf).pvalue > 1e-3
    np.testing.assert_allclose(drawn(seeds[4321:4322])[0], levels[4321:4322])
    assert (hard == 16).all()
    assert (simple < 16).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Presentation("blur"), "unknown corruption 'blur'; known: clipped_noise, distractor_beside"),
        (lambda: Presentation("label_noise", n_labels=1), "n_labels is 1"),
        (lambda: Presentation("noise_beside")(KEY, DATA, ALL[:2], -1.0), "level is -1.0; need 0 <= level"),
        (lambda: Presentation("noise_beside")(KEY, DATA, ALL[:2], np.array([1, np.nan])), "NaN"),
        (lambda: Presentation("label_noise")(KEY, DATA, ALL[:2], 0.6), r"need 0 <= level <= 0.5"),
        (lambda: Presentation("label_noise", n_labels=10)(KEY, DATA, ALL[:2], 0.5), "n_labels is 10, but"),
        (lambda: Presentation("distractor_beside")(KEY, examples(1), ALL[:1], 1.0), "needs a second example"),
        (lambda: Presentation("clipped_noise").check_level(-0.1), "level is -0.1; need 0 <= level"),
        (lambda: Presentation("shrunk").check_level(-0.1), "level is -0.1; need 0 <= level"),
        (lambda: Presentation("shrunk").check_level((0.1, 1.0)), "level is 1.0, but an image is shrunk to 1"),
        (
            lambda: Presentation("shrunk", pixels=PIXELS)(KEY, DATA, ALL[:2], 0.6),
            "level is 0.6, which shrinks 2 pixels to 0.8; need level <= 0.5",
        ),
        (lambda: Presentation("shrunk")(KEY, DATA, ALL[:2], 0.6), "'shrunk' needs the range of the pixels"),
        (lambda: draw_levels(KEY, DATA.seeds, easy=(-1, 2), hard=3, easy_fraction=0.3), r"easy\[0\] is -1"),
        (lambda: draw_levels(KEY, DATA.seeds, easy=(2, 1), hard=3, easy_fraction=0.3), r"easy\[1\] is 1"),
        (lambda: draw_levels(KEY, DATA.seeds, easy=(0, 2), hard=1, easy_fraction=0.3), "hard is 1"),
        (lambda: draw_levels(KEY, DATA.seeds, easy=(0, 2), hard=3, easy_fraction=30), "easy_fraction is 30"),
    ],
)
def test_bad_input_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
