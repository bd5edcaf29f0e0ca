"""Full vectors in bulk: plain SGD on the samples that they draw, to rounding; and where they are chosen."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from theory_tools import skewed_start

from studies.cell import Block
from studies.cells.control import ControlCell
from studies.cells.online import OnlineCell
from studies.cells.online_blocks import solved
from teacher_student.rate_schedules import Pace
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.training.averages import Averaging, Followed
from teacher_student.training.bulk import BulkVectors
from teacher_student.training.program import choose_method
from teacher_student.training.streams import replicate_keys

pytestmark = pytest.mark.usefixtures("quick_module")

KEY = replicate_keys(3, [5])[0]


def plain(student, scaling, w, v, x, y):
    """One step of SGD from the gradient of the loss of a sample."""

    def loss(w, v):
        return student.losses(student.output(student.effective(v, scaling), w @ x), y)

    slopes = jax.grad(loss, (0, 1))(w, v)
    return w - scaling.hidden_rate * slopes[0], v - scaling.readout_rate * slopes[1]


@pytest.mark.slow
def test_two_chunks_are_plain_sgd_on_their_samples(float64):
    """Unequal blocks, more units than inputs, a chunk of one piece and two steps, levels that alternate."""
    task, student, chunk = SparseTeacher(9, 0.4), TwoLayer(11, "erf", "logistic", "ntk"), 18
    method = BulkVectors(task, student, chunk, "float64")
    scaling = jax.tree.map(jnp.float64, student.scaling(1.5, task.n_inputs))
    level = {"noise": jnp.asarray([0.3, 1.7])[np.arange(chunk) % 2]}
    state: Any = jax.jit(lambda: method.init(KEY, (), scaling, None))()
    w, v = np.concatenate([state.along, *state.rest], 1), np.asarray(state.theta)
    assert w.shape == (student.width, task.n_inputs)
    begin, step = w, jax.jit(lambda w, v, x, y: plain(student, scaling, w, v, x, y))
    advance = jax.jit(method.advance)

    @jax.jit
    def data(t):
        samples = method.draw(KEY, (), t)
        return samples, task.observe(samples.noise, level)

    for t, taken in ((0, chunk), (chunk, chunk - 3)):
        samples, seen = data(t)
        state = advance(state, (), samples, level, np.arange(chunk) < taken, scaling)
        samples, seen = jax.tree.map(np.asarray, (samples, seen))
        x = [seen.along, *(scale[:, None] * z for scale, z in zip(seen.scale.T, samples.z, strict=True))]
        for input_, label in zip(np.concatenate(x, 1)[:taken], seen.label, strict=False):
            w, v = step(w, v, input_, label)
    found = jax.jit(method.overlaps)(state, ())
    edges = np.cumsum([sum(block.directions for block in task.blocks),
                       *(block.size - block.directions for block in task.blocks)])  # fmt: skip
    along, *rest = np.split(np.asarray(w), edges[:-1], 1)
    np.testing.assert_allclose(found.along, along, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.gram, [r @ r.T for r in rest], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.readout, v, rtol=1e-10, atol=1e-12)
    assert np.abs(np.asarray(w) - begin).max() > 0.05


@pytest.mark.slow
def test_an_average_is_the_mean_of_the_iterates_at_the_ends_of_chunks(float64):
    task, student, chunk = SparseTeacher(9, 0.4), TwoLayer(3, "erf"), 4
    plain = BulkVectors(task, student, chunk, "float64")
    averaging = Averaging(BulkVectors(task, Followed(student), chunk, "float64"))
    scaling = jax.tree.map(jnp.float64, student.scaling(1.5, task.n_inputs))
    level, on = {"noise": jnp.full(chunk, 0.7)}, jnp.ones(chunk, bool)
    own: Any
    own, both = jax.jit(lambda: tuple(one.init(KEY, (), scaling, None) for one in (plain, averaging)))()
    draw = jax.jit(lambda t: plain.draw(KEY, (), t))
    step, follow = jax.jit(plain.advance), jax.jit(averaging.advance)
    kept = []
    for number, share in enumerate((1.0, 1.0, 1 / 2, 1 / 3)):  # the tail is the last three chunks
        samples = draw(chunk * number)
        own = step(own, (), samples, level, on, scaling)
        both = follow(both, (), samples, level, on, scaling, Pace(None, jnp.float64(share)))
        kept.append(own)
    mean = jax.tree.map(lambda *x: np.mean(x, 0), *kept[1:])
    see = jax.jit(plain.overlaps)
    found, truth, last = jax.jit(averaging.overlaps)(both, ()), see(mean, ()), see(own, ())
    for ours, theirs, other in zip(*map(jax.tree.leaves, (found, truth, last)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
        assert np.abs(np.asarray(ours) - other).max() > 1e-3


def test_a_sample_is_made_of_numbers_of_its_own():
    method = BulkVectors(SparseTeacher(23, 0.4), TwoLayer(5, "erf"), 6)
    draw = jax.jit(lambda t: method.draw(KEY, (), t))
    first, second = jax.tree.map(np.asarray, (draw(0), draw(6)))
    normals = np.concatenate(
        [np.ravel(x) for one in (first, second) for x in (*one.z, one.noise.along, one.noise.label)]
    )
    assert len(np.unique(normals)) == len(normals) == 2 * 6 * (23 + 1)
    assert [z.shape for z in first.z] == [(6, 8), (6, 14)]
    np.testing.assert_allclose(first.gram, np.stack([z @ z.T for z in first.z], dtype="float32"), rtol=1e-5)


def test_a_start_has_the_overlaps_that_are_given_or_is_refused():
    start = jax.tree.map(jnp.float32, skewed_start(SparseTeacher(23, 0.4), 5, seed=5))
    method = BulkVectors(SparseTeacher(23, 0.4), TwoLayer(5, "erf"), 6)
    found = jax.jit(lambda: method.overlaps(method.init(KEY, (), None, start), ()))()
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(start), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    narrow = BulkVectors(SparseTeacher(9, 0.4), TwoLayer(5, "erf"), 6)
    with pytest.raises(ValueError, match="5 vectors with given overlaps do not fit into the 3 coordinates"):
        narrow.init(KEY, (), None, start)


@pytest.mark.parametrize(("width", "chunk"), [(8, 16), (32, 32), (128, 64), (256, 128)])
def test_auto_takes_gram_space_where_a_whole_chunk_fits_and_bulk_below(width, chunk):
    border = 2 + width + chunk
    whole, cut = (choose_method(XorMixture(n), TwoLayer(width)) for n in (border, border - 1))
    assert (whole.name, whole.chunk) == ("gram", chunk)
    assert (cut.name, cut.chunk) == ("bulk", min(chunk, 64))
    # the least of the blocks counts, of the rows all
    assert choose_method(SparseTeacher(3 * border, 0.3), TwoLayer(width, "erf")).name == "bulk"
    assert choose_method(XorMixture(border), TwoLayer(width), averaged=True).name == "bulk"
    assert choose_method(XorMixture(300), TwoLayer(256)).name == "bulk"
    assert choose_method(XorMixture(300), TwoLayer(256), "gram").chunk == 42


def test_auto_of_a_cell_means_what_stored_results_were_computed_with():
    cut, full = OnlineCell(width=256), OnlineCell(width=267)
    assert cut.numerics() == {"method": "gram", "chunk": 42, "version": 1}
    assert full.numerics() == {"method": "full", "chunk": 128, "version": 1}
    named = OnlineCell(width=256, method="bulk")
    assert named.numerics() == {"method": "bulk", "chunk": 64, "version": 1}
    assert OnlineCell(width=256, average=0.5).method_in_use().name == "full", "it has twice the rows"


def test_starts_of_equations_are_those_of_the_cells_simulations(monkeypatch):
    """In all cells that draw starts: of a simulation, of the equations, of the best schedule."""

    class Drawn(Exception):
        """What a start is drawn by."""

    def draw_start(*_, method="auto", **__):
        raise Drawn(method)

    monkeypatch.setattr("teacher_student.training.start.draw_start", draw_start)
    cell = OnlineCell(width=256, method="theory")
    for draw in (
        lambda: solved(cell, Block(cell, ("curriculum",), 0, 1, 1)),
        replace(cell, n_inputs=600, start_inputs=300).start,
        ControlCell(n_inputs=140, width=33).optimum,
    ):
        with pytest.raises(Drawn, match="gram"):
            draw()
