"""Labels by hand, and what a linear rule can make of them."""

import jax
import numpy as np
import pytest

from teacher_student.tasks.images import image_task, load_images, target_set
from teacher_student.tasks.relabelling import RELABELLINGS, ClassGroupXor, Parity, PlainClasses, PolarityXor

CLASSES = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 4, 0])


def test_labels_by_hand():
    pair = PolarityXor((4, 0))
    assert pair.kept(CLASSES).tolist() == [True, *[False] * 3, True, *[False] * 5, True, True]
    assert pair.labels(np.array([0, 4, 4, 0])).tolist() == [1, -1, -1, 1]
    assert Parity().labels(CLASSES[:6]).tolist() == [-1, 1, -1, 1, -1, 1]
    groups = ClassGroupXor(first=(1, 2, 3), second=(3, 4))
    assert groups.labels(CLASSES[:6]).tolist() == [-1, 1, 1, -1, 1, -1]
    assert PlainClasses().labels(CLASSES).tolist() == CLASSES.tolist()
    assert [RELABELLINGS[name]().signed for name in RELABELLINGS] == [True, False, False, False]
    for rule in (Parity(), groups, PlainClasses()):
        assert rule.kept(CLASSES).all()


def test_default_groups_split_the_ten_classes_evenly_and_across_both_groups():
    labels = ClassGroupXor().labels(np.arange(10))
    assert labels.tolist() == [-1, 1, -1, 1, -1, -1, 1, -1, 1, -1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PolarityXor((3, 3)), "two different classes"),
        (lambda: PolarityXor((-1, 3)), "each 0 or more"),
        (lambda: ClassGroupXor((), (1,)), "first is"),
        (lambda: ClassGroupXor((1,), (2, 2)), "second is"),
        (lambda: ClassGroupXor((1, 2), (2, 1)), "every label would be -1"),
    ],
)
def test_bad_rules_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("rule", [PolarityXor((0, 12)), ClassGroupXor((1, 12), (2,))])
def test_rules_that_name_classes_a_data_set_lacks_are_refused(rule):
    with pytest.raises(ValueError, match=r"names classes \[12\], but digits has \[0, 1, 2"):
        image_task(load_images("digits"), rule)


def test_labels_without_variety_are_refused():
    with pytest.raises(ValueError, match="the same label"):
        image_task(load_images("digits"), ClassGroupXor(tuple(range(5)), tuple(range(5, 10))))


def least_squares(inputs, labels, test_inputs, test_labels, ridge=1.0):
    """Test accuracy of the ridge regression without intercept."""
    weights = np.linalg.solve(inputs.T @ inputs + ridge * np.eye(inputs.shape[1]), inputs.T @ labels)
    return np.mean(np.sign(test_inputs @ weights) == test_labels)


def products(inputs):
    """All products of two pixels."""
    i, j = np.triu_indices(inputs.shape[1])
    return inputs[:, i] * inputs[:, j]


@pytest.mark.slow
def test_polarity_hides_the_labels_from_linear_rules_only():
    """Linear: chance (.5, at most 4 standard errors off) with the sign, near 1 without; quadratic: near 1."""
    images = load_images("digits")
    task = image_task(images, PolarityXor((0, 4)))
    rows = np.arange(len(task.train.labels))

    def sets(signed):
        show = task.presentation("noise_in_place") if signed else None
        if show is None:
            both = (task.train.inputs, task.train.labels, task.test.inputs, task.test.labels)
        else:
            target = target_set(jax.random.key(1), task, "noise_in_place", 0.0, copies=3)
            both = (*show(jax.random.key(0), task.train, rows, 0.0), *target)
        x, y, x_test, y_test = (np.asarray(a, np.float64) for a in both)
        return x.reshape(len(x), -1), y, x_test.reshape(len(x_test), -1), y_test

    x, y, x_test, y_test = sets(signed=True)
    error = 0.5 / np.sqrt(len(task.test.labels))
    assert abs(least_squares(x, y, x_test, y_test) - 0.5) < 4 * error
    assert least_squares(products(x), y, products(x_test), y_test, ridge=10.0) > 0.97
    assert least_squares(*sets(signed=False)) > 0.97
