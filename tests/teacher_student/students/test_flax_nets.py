"""Flax students: shapes, names, and what a parametrisation does as the width grows."""

from functools import partial
from itertools import chain

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import single

from teacher_student.students.flax_nets import CNN, MLP, STUDENTS, make_student, rate_factors
from teacher_student.students.two_layer import PARAMETRISATIONS
from teacher_student.training.epochs import initialise, train
from teacher_student.training.evaluation import Labelled

pytestmark = pytest.mark.usefixtures("quick_module")

IMAGES = single(np.random.default_rng(0).normal(size=(32, 8, 8, 1)))
LABELS = (IMAGES.sum((1, 2, 3)) > 0).astype("int32")


def shapes(student):
    """Its parameters without numbers."""
    return jax.eval_shape(student.init, jax.random.key(0), IMAGES[:1])


@pytest.mark.parametrize("name", STUDENTS)
@pytest.mark.parametrize("parametrisation", PARAMETRISATIONS)
def test_every_student_gives_logits_and_one_factor_per_array(name, parametrisation):
    student = make_student(name, 4, 3, parametrisation)
    params = shapes(student)
    assert jax.eval_shape(student.apply, params, IMAGES).shape == (32, 3)
    assert list(params["params"]) == student.layers()
    for optimiser in ("sgd", "adam"):
        factors = rate_factors(student, params, optimiser)
        assert jax.tree.structure(factors) == jax.tree.structure(params)
        assert all(f > 0 for f in jax.tree.leaves(factors))


def test_shapes_of_the_knob():
    def kernels(student):
        params = shapes(student)["params"]
        return [params[name]["kernel"].shape for name in student.layers()]

    assert kernels(make_student("mlp", 5, 2)) == [(64, 5), (5, 2)]
    assert kernels(make_student("mlp2", 5, 2)) == [(64, 5), (5, 5), (5, 2)]
    assert kernels(make_student("mlp", 5, 2, depth=4)) == [(64, 5), (5, 5), (5, 5), (5, 5), (5, 2)]
    assert kernels(make_student("lenet", 100, 10)) == [(64, 300), (300, 100), (100, 10)]
    assert kernels(make_student("cnn", 5, 2)) == [(3, 3, 1, 5), (3, 3, 5, 10), (40, 2)]


def test_a_channel_axis_of_one_may_be_left_out():
    student = CNN(3, 2)

    @jax.jit
    def logits(key):
        params = student.init(key, IMAGES[:1])
        return student.apply(params, IMAGES), student.apply(params, IMAGES[..., 0])

    np.testing.assert_array_equal(*logits(jax.random.key(0)))


@pytest.mark.slow
def test_outputs_at_the_start_scale_as_the_table_says():
    """Standard deviation of a logit over seeds: the same at all K, but falling as K^-1/2 with mean_field."""
    x, keys = IMAGES[:1, :4, :4], jax.random.split(jax.random.key(1), 400)

    def spread(width):
        students = {name: make_student("mlp", width, 2, name) for name in PARAMETRISATIONS}
        logits = jax.jit(jax.vmap(lambda key: {n: s.apply(s.init(key, x), x) for n, s in students.items()}))
        return jax.tree.map(np.std, jax.device_get(logits(keys)))

    narrow, wide = spread(8), spread(128)
    for name, expected in (("standard", 1.0), ("ntk", 1.0), ("mean_field", 0.25)):
        assert abs(wide[name] / narrow[name] / expected - 1) < 0.12


def test_mean_field_factors_by_hand():
    student = MLP((6, 4), 2, "mean_field")
    params = shapes(student)
    sgd, adam = (rate_factors(student, params, name)["params"] for name in ("momentum", "adam"))
    assert [sgd[f"Dense_{i}"]["kernel"] for i in range(3)] == [6.0, 4 / 6, 4.0]
    assert [sgd[f"Dense_{i}"]["bias"] for i in range(3)] == [6.0, 4.0, 1.0]
    assert [adam[f"Dense_{i}"]["kernel"] for i in range(3)] == [1.0, 1 / 6, 1.0]
    conv = rate_factors(CNN(3, 2, "mean_field"), shapes(CNN(3, 2)), "sgd")
    assert [conv["params"][n]["kernel"] for n in ("Conv_0", "Conv_1", "Dense_0")] == [3.0, 2.0, 24.0]


#: What the table makes of one small step: change of the activations after the first hidden layer, after the
#: others, and of the logits, as powers of the width.
POWERS = {
    ("standard", "sgd"): (-0.5, 0.5, 1.0),
    ("ntk", "sgd"): (-0.5, -0.5, 0.0),
    ("mean_field", "sgd"): (0.0, 0.0, 0.0),
    ("standard", "adam"): (0.0, 1.0, 1.5),
    ("mean_field", "adam"): (0.0, 0.0, 0.0),
}


@pytest.mark.slow
def test_coordinate_check_of_every_layer():
    """Change in one step against the width: each layer its own power.

    Three hidden layers. The examples are of one class, so that their errors do not cancel. The first step of
    Adam is the sign of the gradient.
    """

    def change(width):
        def steps(key, parametrisation):
            student = make_student("mlp", width, 2, parametrisation, depth=3)
            seen = partial(student.apply, method="features")

            def loss(params):
                logits = (found := seen(params, IMAGES))[-1]
                return -jax.nn.log_softmax(logits)[:, 0].mean(), found

            before = student.init(key, IMAGES[:1])
            slope, first = jax.grad(loss, has_aux=True)(before)
            for how, optimiser in POWERS:
                if how == parametrisation:
                    step = slope if optimiser == "sgd" else jax.tree.map(jnp.sign, slope)
                    factors = rate_factors(student, before, optimiser)
                    after = jax.tree.map(lambda p, g, f: p - 3e-4 * f * g, before, step, factors)
                    gaps = jax.tree.map(lambda a, b: ((a - b) ** 2).mean(), seen(after, IMAGES), first)
                    yield (how, optimiser), jnp.stack(gaps)

        keys = jax.random.split(jax.random.key(3), 6)
        every = jax.lax.map(lambda key: dict(chain(*(steps(key, name) for name in PARAMETRISATIONS))), keys)
        return {how: np.sqrt(found.mean(0)) for how, found in jax.device_get(every).items()}

    narrow, wide = change(64), change(512)
    for how, (first, middle, last) in POWERS.items():
        found = np.log2(wide[how] / narrow[how]) / 3
        # changes of several layers add up, and those of the smaller power are seen at these widths
        off = 0.05 if how[0] == "mean_field" else 0.35
        np.testing.assert_allclose(found, [first, middle, middle, last], atol=off, err_msg=how)


@pytest.mark.slow
def test_convolutions_by_patches_are_the_same_network():
    """Same start, same logits, same gradient; only rounded otherwise. The image is no square."""
    x = jnp.asarray(np.random.default_rng(5).normal(size=(3, 9, 6, 2)), "float32")

    @partial(jax.jit, static_argnums=0)
    def seen(student, key):
        params = student.init(key, x)
        return params, jax.value_and_grad(lambda p: (student.apply(p, x) ** 2).sum())(params)

    students = [make_student(name, 5, 3, "ntk") for name in ("cnn", "cnn_patches")]
    (start, one), (same, two) = (seen(student, jax.random.key(1)) for student in students)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-6), start, same)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), one, two)


@pytest.mark.slow
def test_coordinate_check_of_convolutions_that_are_trained():
    """With mean_field every activation moves in a few steps, by an amount that does not depend on K."""
    data, orders, change = Labelled(IMAGES, LABELS), np.tile(np.arange(32), (4, 4, 1)), []
    for width in (16, 64):
        student = make_student("cnn_patches", width, 2, "mean_field")
        keys = jax.random.split(jax.random.key(2), 4)
        before = initialise(student, keys, IMAGES[:1])
        after = train(student, data, {}, orders, keys=keys, rates=0.005, at=(4,)).state.params

        @jax.jit
        def moved(*params, student=student):
            one, two = (
                jax.vmap(lambda p: student.apply(p, jnp.asarray(IMAGES), method="features"))(x)
                for x in params
            )
            return jnp.stack([jnp.sqrt(((a - b) ** 2).mean()) for a, b in zip(one, two, strict=True)])

        change.append(np.asarray(moved(after, before)))
    assert (np.abs(np.log2(change[1] / change[0]) / 2) < 0.2).all(), change


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tower", 4, 2), "unknown student 'tower'; known: cnn, cnn_patches, lenet, mlp, mlp2"),
        (("mlp", 0, 2), "width is 0"),
        (("mlp", 4, 0), "classes is 0"),
        (("mlp", 4, 2, "ntk", 0), "depth is 0; need 1 <= depth"),
        (("mlp2", 4, 2, "ntk", 3), "depth is 3, but student 'mlp2' has a depth of its own; need depth = 1"),
        (("cnn", 4, 2, "mup"), "unknown parametrisation 'mup'; known: mean_field, ntk, standard"),
    ],
)
def test_bad_students_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_student(*arguments)
