"""The cell of images_depth and images_filters: what its protocols show, and at which rate."""

from dataclasses import replace

import numpy as np
import pytest
from image_cells import FADING, block

from studies.cells.images.fading import PROTOCOLS

pytestmark = pytest.mark.usefixtures("quick_module")


@pytest.fixture(scope="module")
def material():
    return FADING.material()


def paths(material):
    found = FADING.orders(material, PROTOCOLS, np.random.default_rng(3)).reshape(5, -1)
    return dict(zip(PROTOCOLS, found, strict=True)), material.difficulty


def test_a_ramp_and_its_controls(material):
    """Same examples and levels, the levels on a line; the target's arm has the same images, all hard."""
    shown, levels = paths(material)
    ramp, shuffled, target = (shown[name] for name in PROTOCOLS[:3])
    np.testing.assert_array_equal(np.sort(ramp), np.sort(shuffled))
    assert len(set(shuffled)) == 160
    np.testing.assert_allclose(levels[ramp], np.linspace(0, 1, 160), atol=0.12)
    assert (np.diff(levels[ramp]) >= 0).all()
    assert abs(np.corrcoef(levels[shuffled], np.arange(160))[0, 1]) < 0.3
    np.testing.assert_array_equal(target, shuffled + 300)
    assert (levels[target] == 1).all()
    one, many = FADING.orders(material, ("ramp",), np.random.default_rng(3)), ramp
    np.testing.assert_array_equal(one.ravel(), many)


def test_both_arms_of_a_pair_end_on_the_same_stretch(material):
    shown, levels = paths(material)
    ramp, shuffled = shown["ramp_then_target"], shown["shuffled_ramp_then_target"]
    np.testing.assert_array_equal(ramp[136:], shuffled[136:])
    assert (levels[ramp[136:]] == 1).all()
    assert (levels[shuffled[:136]] < 1).all()
    np.testing.assert_array_equal(np.sort(ramp[:136]), np.sort(shuffled[:136]))
    assert (np.diff(levels[ramp[:136]]) >= 0).all()
    assert (np.diff(levels[shuffled[:136]]) < 0).any()
    np.testing.assert_array_equal(shuffled[:136], shown["shuffled_ramp"][:136])
    assert not set(shuffled[136:] - 300) & set(shuffled[:136])


def test_pixels_have_the_noise_of_their_level(material):
    """From 0 to 1, the noise that of the same image at the hard level, in the proportion of the levels."""
    levels = material.difficulty
    images = np.asarray(material.bank.inputs)
    assert images.min() == 0
    assert images.max() == 1
    task = FADING.task()
    assert task.train.inputs.min() == 0
    assert task.train.inputs.max() == 1
    inside = (images > 0) & (images < 1)
    both = inside[:300] & inside[300:]
    clean = {tuple(np.round(image.ravel() * 16)): image for image in task.train.inputs}
    quiet = levels[:300].argmin()
    near = min(clean.values(), key=lambda image: np.abs(image - images[quiet]).mean())
    small, large = (images[i] - near for i in (quiet, quiet + 300))
    np.testing.assert_allclose(small[both[quiet]], levels[quiet] * large[both[quiet]], atol=1e-5)
    np.testing.assert_array_equal(material.bank.labels[:300], material.bank.labels[300:])
    assert [len(material.targets[name].labels) for name in ("validation", "test")] == [100, 100]


@pytest.mark.slow
def test_depth_shared_and_own_rates():
    """One program: at a shared rate no sweep; at its own each arm has the best of the sweep."""
    cell = replace(FADING, depth=3)
    own = cell.compute(block(cell, PROTOCOLS))
    shared = replace(cell, shared_rate=0.05)
    found = shared.compute(block(shared, PROTOCOLS))
    assert (found.learning_rate == np.float32(0.05)).all()
    assert found.sweep_accuracy.isnull().all()
    best = own.rate.values[own.sweep_accuracy.isel(replicate=0).argmax("rate")]
    np.testing.assert_allclose(own.learning_rate.isel(replicate=0), best, rtol=1e-6)
    same = own.learning_rate.isel(replicate=0) == np.float32(0.05)
    assert same.any()
    np.testing.assert_array_equal(own.test_loss[same.values], found.test_loss[same.values])
    assert replace(cell, depth=1).rows_that_fit(2, 64, 2.0) >= cell.rows_that_fit(2, 64, 2.0)
    deep, flat = replace(FADING, depth=4, width=1000), replace(FADING, width=1000)
    assert deep.rows_that_fit(5, 10, 2.0) < flat.rows_that_fit(5, 10, 2.0)


def test_addresses_are_pinned():
    """A change here orphans every stored result: it must be meant."""
    addresses = [block(cell, PROTOCOLS).address for cell in (FADING, replace(FADING, depth=2))]
    assert addresses == ["ec31f17a495c3720e8b9", "f36dd8dfb10555e8d24b"]
