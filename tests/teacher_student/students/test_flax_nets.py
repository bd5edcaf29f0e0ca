"""Flax students: shapes, names, and what a parametrisation does as the width grows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from teacher_student.students.flax_nets import CNN, MLP, STUDENTS, make_student, rate_factors
from teacher_student.students.two_layer import PARAMETRISATIONS
from teacher_student.training.epochs import initialise, train
from teacher_student.training.evaluation import Labelled
from teacher_student.training.optimisers import Optimiser

IMAGES = jax.random.normal(jax.random.key(0), (32, 8, 8, 1))
LABELS = (IMAGES.sum((1, 2, 3)) > 0).astype(jnp.int32)


@pytest.mark.parametrize("name", STUDENTS)
@pytest.mark.parametrize("parametrisation", PARAMETRISATIONS)
def test_every_student_gives_logits_and_one_factor_per_array(name, parametrisation):
    student = make_student(name, 4, 3, parametrisation)
    params = student.init(jax.random.key(0), IMAGES[:1])
    assert student.apply(params, IMAGES).shape == (32, 3)
    assert list(params["params"]) == student.layers()
    for optimiser in ("sgd", "adam"):
        factors = rate_factors(student, params, optimiser)
        assert jax.tree.structure(factors) == jax.tree.structure(params)
        assert all(f > 0 for f in jax.tree.leaves(factors))


def test_shapes_of_the_knob():
    def kernels(student):
        params = jax.eval_shape(student.init, jax.random.key(0), IMAGES[:1])["params"]
        return [params[name]["kernel"].shape for name in student.layers()]

    assert kernels(make_student("mlp", 5, 2)) == [(64, 5), (5, 2)]
    assert kernels(make_student("mlp2", 5, 2)) == [(64, 5), (5, 5), (5, 2)]
    assert kernels(make_student("lenet", 100, 10)) == [(64, 300), (300, 100), (100, 10)]
    assert kernels(make_student("cnn", 5, 2)) == [(3, 3, 1, 5), (3, 3, 5, 10), (40, 2)]


def test_a_channel_axis_of_one_may_be_left_out():
    student = CNN(3, 2)
    params = student.init(jax.random.key(0), IMAGES[:1])
    np.testing.assert_array_equal(student.apply(params, IMAGES), student.apply(params, IMAGES[..., 0]))


@pytest.mark.usefixtures("quick_compilation")
def test_outputs_at_the_start_scale_as_the_table_says():
    """Standard deviation of a logit over seeds: the same at all K, but falling as K^-1/2 with mean_field."""
    spread = {}
    for parametrisation in PARAMETRISATIONS:
        for width in (16, 256):
            student = make_student("mlp", width, 2, parametrisation)
            params = initialise(student, jax.random.split(jax.random.key(1), 400), IMAGES[:1])
            logits = jax.vmap(student.apply, (0, None))(params, IMAGES[:1])
            spread[parametrisation, width] = float(logits.std())
    for name, expected in (("standard", 1.0), ("ntk", 1.0), ("mean_field", 0.25)):
        assert abs(spread[name, 256] / spread[name, 16] / expected - 1) < 0.12


def test_mean_field_factors_by_hand():
    student = MLP((6, 4), 2, "mean_field")
    params = student.init(jax.random.key(0), IMAGES[:1])
    sgd, adam = (rate_factors(student, params, name)["params"] for name in ("momentum", "adam"))
    assert [sgd[f"Dense_{i}"]["kernel"] for i in range(3)] == [6.0, 4 / 6, 4.0]
    assert [sgd[f"Dense_{i}"]["bias"] for i in range(3)] == [6.0, 4.0, 1.0]
    assert [adam[f"Dense_{i}"]["kernel"] for i in range(3)] == [1.0, 1 / 6, 1.0]
    conv = rate_factors(CNN(3, 2, "mean_field"), CNN(3, 2).init(jax.random.key(0), IMAGES[:1]), "sgd")
    assert [conv["params"][n]["kernel"] for n in ("Conv_0", "Conv_1", "Dense_0")] == [3.0, 2.0, 24.0]


@pytest.mark.parametrize(
    ("name", "optimiser"), [("mlp", "sgd"), ("mlp2", "sgd"), ("mlp2", "adam"), ("cnn", "sgd")]
)
def test_coordinate_check(name, optimiser):
    """After a few steps every activation has moved, with mean_field by an amount that does not depend on K.

    The slope of log change against log width must be near 0 for every layer; with the standard
    parametrisation the logits move more the wider the student, so there the same check fails.
    """
    widths = (16, 64) if name == "cnn" else (64, 512)
    rate = 0.01 if optimiser == "adam" else 0.005
    orders = np.tile(np.arange(32), (4, 4, 1))
    change = {}
    compared = ("mean_field",) if name == "cnn" else ("mean_field", "standard")
    for parametrisation in compared:
        for width in widths:
            student = make_student(name, width, 2, parametrisation)
            keys = jax.random.split(jax.random.key(2), 4)
            before = initialise(student, keys, IMAGES[:1])
            data = Labelled(IMAGES, LABELS)
            after = train(
                student, data, {}, orders, keys=keys, rates=rate, at=(4,), optimiser=Optimiser(optimiser)
            ).state.params

            def features(params, student=student):
                return jax.vmap(lambda p: student.apply(p, IMAGES, method="features"))(params)

            moved = jax.tree.map(
                lambda a, b: float(jnp.sqrt(((a - b) ** 2).mean())), features(after), features(before)
            )
            change[parametrisation, width] = np.array(moved)
    octaves = np.log2(widths[1] / widths[0])
    slope = {p: np.log2(change[p, widths[1]] / change[p, widths[0]]) / octaves for p in compared}
    assert (np.abs(slope["mean_field"]) < 0.2).all(), slope
    assert slope.get("standard", [1.0])[-1] > 0.5, slope


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tower", 4, 2), "unknown student 'tower'; known: cnn, lenet, mlp, mlp2"),
        (("mlp", 0, 2), "width is 0"),
        (("mlp", 4, 0), "classes is 0"),
        (("cnn", 4, 2, "mup"), "unknown parametrisation 'mup'; known: mean_field, ntk, standard"),
    ],
)
def test_bad_students_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_student(*arguments)
