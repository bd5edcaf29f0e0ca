"""Tickets: the rounds against rounds by hand, arms and protocols, and resuming between and inside rounds."""

import signal
import time
from dataclasses import replace
from functools import cache
from typing import Any

import jax
import numpy as np
import pytest
import xarray as xr
from processes import PATIENCE, simulate

from studies.catalogue import get
from studies.cells.tickets.base import ARMS
from studies.cells.tickets.images import ImageWorld
from studies.cells.tickets.online import OnlineTickets, OnlineWorld
from studies.cells.tickets.winners import contributions, winners
from studies.engine.run import run
from studies.store import load
from studies.store.progress import Progress
from studies.study import Study
from teacher_student.pruning import Pruning, full, kernels, rewound, shuffled
from teacher_student.training import epochs
from teacher_student.training.epochs import Optimiser, train

pytestmark = pytest.mark.usefixtures("quick_module")

#: First and last record.
ENDS = [0, -1]
PAIR = ("curriculum", "no_curriculum")
ONLINE = OnlineTickets(
    width=6, n_inputs=12, n_steps=120, n_records=3, rounds=2, scope="units", n_test=32, learning_rate=0.8,
    arms=("ticket", "random_mask"), swap=True,
)  # fmt: skip
#: Two protocols that find masks, two arms, two protocols to train with.
LANES = 8
#: As fields of the study lottery_tickets and on the command line, and as its cell.
TINY = {
    "width": "4", "rounds": "2", "n_steps": "200", "n_records": "20", "batch_size": "10", "n_examples": "200",
    "n_test": "100", "replicates": "3", "rows": "3",
}  # fmt: skip
IMAGES: Any = get("lottery_tickets").changed(TINY).cell


def block(cell: Any, protocols=PAIR, rows=3):
    return Study(cell, ({"protocol": protocols},), replicates=rows, rows=rows).blocks()[0]


@pytest.fixture(scope="module")
def online():
    return ONLINE.compute(block(ONLINE))


#: Programs of training that the fixture `images` compiled.
compiled: list[int] = []


@pytest.fixture(scope="module")
def images():
    program: Any = epochs.compiled
    before = program._cache_size()
    found = IMAGES.compute(block(IMAGES, ("no_curriculum",)))
    compiled.append(program._cache_size() - before)
    return found


def alike(params, lanes):
    """The parameters (R, ...) in so many lanes (R, L, ...): as many as the cells have, for one program."""
    return jax.tree.map(lambda x: np.stack([x] * lanes, 1), params)


@cache
def pruner(rule: Pruning):
    """`Pruning.prune` of replicates and lanes."""
    return jax.jit(jax.vmap(jax.vmap(rule.prune, (0, 0, None)), (0, 0, None)))


@pytest.mark.slow
def test_online_rounds_are_those_by_hand(online):
    """Prune the trained student, set the rest back, train again: in one call per round."""
    own = block(ONLINE)
    for a, protocol in enumerate(PAIR):
        world = OnlineWorld(ONLINE, own, [a] * LANES)
        begin = alike(world.start(False), LANES)
        rule, masks = Pruning(0.2, "units"), full(begin)
        for n, left in enumerate((6, 5, 4)):
            end, seen, _ = world.advance(rewound(begin, masks), masks, 0, ONLINE.n_steps, 0)
            mine = online.sel(arm="ticket", protocol=protocol, trained_with=protocol, round=n)
            np.testing.assert_allclose(mine.test_accuracy[:, -1], seen["test_accuracy"][:, 0], atol=1e-6)
            assert (mine.units == left).all()
            assert (mine.weights == left * 13).all()
            masks = pruner(rule)(end, masks, np.array([[5], [4], [4]][n]))


@pytest.mark.slow
def test_image_rounds_are_those_by_hand(images):
    """The same with `train` in one go, and every arm's masks made by itself."""
    own = block(IMAGES, ("no_curriculum",))
    world = ImageWorld(IMAGES, own, [0])
    start, other = world.start(False), world.start(True)
    rule = IMAGES.pruning()
    counts = rule.counts(IMAGES.template(), 2)
    prune = jax.jit(jax.vmap(rule.prune, (0, 0, None)))

    def trained(begin, masks):
        found = train(
            world.student, world.data, world.targets, world.orders(0), keys=world.keys, rates=1.2e-3,
            at=(0, 200), optimiser=Optimiser("adam"), masks=masks, initial=begin,
        )  # fmt: skip
        return found.state.params, found.values["test_accuracy"]

    end, accuracy = trained(start, full(start))
    np.testing.assert_allclose(
        images.test_accuracy.sel(arm="ticket", round=0)[0, :, ENDS], accuracy, atol=1e-6
    )
    first = prune(end, full(start), counts[1])
    last, accuracy = trained(start, first)
    np.testing.assert_allclose(
        images.test_accuracy.sel(arm="ticket", round=1)[0, :, ENDS], accuracy, atol=1e-6
    )
    second = prune(last, first, counts[2])

    @jax.jit
    @jax.vmap
    def anywhere(key, mask):
        return shuffled(jax.random.fold_in(jax.random.fold_in(key, ord("m")), 2), mask, "layer")

    masks = {
        "ticket": (start, second),
        "reinitialised": (other, second),
        "one_shot": (start, prune(end, full(start), counts[2])),
        "magnitude_at_start": (start, prune(start, full(start), counts[2])),
        "random_mask": (start, anywhere(world.keys, second)),
    }
    mixed, kept = jax.tree.map(np.asarray, (masks["random_mask"][1], second))
    for layer, chosen in zip(kernels(mixed), kernels(kept), strict=True):
        assert (layer.sum((1, 2)) == chosen.sum((1, 2))).all()
        assert (layer != chosen).any()
    for arm, (begin, mask) in masks.items():
        mine = images.test_accuracy.sel(arm=arm, round=2)[0, :, ENDS]
        np.testing.assert_allclose(mine, trained(begin, mask)[1], atol=1e-6, err_msg=arm)


@pytest.mark.slow
def test_weights_of_every_round_are_right_to_one(images):
    sizes = [k.size for k in kernels(IMAGES.template())]
    for n in range(3):
        expected = [np.floor(s * (1 - p) ** n + 0.5) for s, p in zip(sizes, (0.2, 0.2, 0.1), strict=True)]
        assert (images.weights.sel(round=n) == sum(expected)).all()
    assert (images.flops_per_step.diff("round") < 0).all()


@pytest.mark.slow
def test_the_dense_round_is_the_same_for_all_arms_but_other_weights(images):
    dense = images.test_loss.sel(round=0)
    for arm in set(ARMS) - {"ticket", "reinitialised"}:
        xr.testing.assert_equal(dense.sel(arm=arm, drop=True), dense.sel(arm="ticket", drop=True))
    assert (dense.sel(arm="reinitialised") != dense.sel(arm="ticket")).all()
    pruned = images.test_loss.sel(round=2).isel(time=-1)
    assert all((pruned.sel(arm=a) != pruned.sel(arm="ticket")).any() for a in ARMS[1:])


def test_swapping_changes_the_trainer_and_nothing_else(online):
    dense = online.test_accuracy.sel(round=0)
    one, two = (dense.sel(protocol=p, drop=True) for p in PAIR)
    xr.testing.assert_equal(one, two)  # no mask yet: who found it is empty
    apart = dense.sel(trained_with=PAIR[0], drop=True) - dense.sel(trained_with=PAIR[1], drop=True)
    assert (apart.isel(time=0) == 0).all()
    assert (apart.isel(time=-1) != 0).any()


@pytest.mark.slow
@pytest.mark.parametrize("cell", [replace(ONLINE, rounds=1), replace(IMAGES, rounds=1)])
def test_fresh_rounds_see_samples_of_their_own(cell, online, images):
    """Round 0 is the one there was; round 1 is that of the samples of number 1, from the same mask."""
    of_mixture = isinstance(cell, OnlineTickets)
    name, protocols = ("test_accuracy", PAIR) if of_mixture else ("test_loss", PAIR[1:])
    mine = replace(cell, fresh=True)

    def ticket(ds):
        chosen = ds[name].sel(protocol="no_curriculum", arm="ticket", drop=True)
        return chosen.sel(trained_with="no_curriculum", drop=True) if of_mixture else chosen

    found, old = (
        ticket(ds) for ds in (mine.compute(block(mine, protocols)), online if of_mixture else images)
    )
    np.testing.assert_allclose(found.sel(round=0), old.sel(round=0), atol=1e-6)
    assert (found.sel(round=1).isel(time=-1) != old.sel(round=1).isel(time=-1)).any()
    np.testing.assert_allclose(found.sel(round=1).isel(time=0), old.sel(round=1).isel(time=0), atol=1e-6)

    kind, lanes = (OnlineWorld, LANES) if of_mixture else (ImageWorld, len(ARMS))
    world: Any = kind(mine, block(mine, protocols), [len(protocols) - 1] * lanes)
    begin = alike(world.start(False), lanes)
    rule, masks = mine.pruning(), full(begin)
    counts = rule.counts(mine.template(), 1)
    dense, _, _ = world.advance(world.begin(begin, 0), masks, 0, mine.n_steps, 0)
    masks = pruner(rule)(world.params(dense), masks, counts[1])
    _, seen, _ = world.advance(world.begin(rewound(begin, masks), 0), masks, 0, mine.n_steps, 1)
    np.testing.assert_allclose(found.sel(round=1).isel(time=-1), seen[name][:, 0], atol=1e-6)


def test_another_stream_changes_the_samples_and_not_the_start(online):
    cell = replace(ONLINE, stream=1, rounds=0)
    other = cell.compute(block(cell)).test_accuracy.sel(round=0)
    dense = online.test_accuracy.sel(round=0)
    np.testing.assert_array_equal(other.isel(time=0), dense.isel(time=0))
    assert (other.isel(time=-1) != dense.isel(time=-1)).mean() > 0.5


@pytest.mark.slow
def test_rewinding_starts_every_round_from_the_weights_of_that_step():
    cell = replace(IMAGES, rewind=10, rounds=1)
    found = cell.compute(block(cell, ("no_curriculum",)))
    assert found.test_loss.sel(round=1).isel(time=0).isnull().all()
    world = ImageWorld(cell, block(cell, ("no_curriculum",)), [0])
    start, rule = world.start(False), cell.pruning()
    dense = full(start)

    def trained(at, masks, **begin):
        return train(
            world.student, world.data, world.targets, world.orders(0), keys=world.keys, rates=1.2e-3,
            at=at, total=200, optimiser=Optimiser("adam"), masks=masks, **begin,
        )  # fmt: skip

    whole, early = (trained(at, dense, initial=start) for at in ((10, 200), (10, 10)))
    prune = jax.jit(jax.vmap(rule.prune, (0, 0, None)))
    masks = prune(whole.state.params, dense, rule.counts(cell.template(), 1)[1])
    begin = epochs.start(world.student, Optimiser("adam"), world.data, world.keys, masks, early.state.params)
    again = trained((10, 200), masks, state=begin._replace(step=np.int32(10)))
    mine = found.test_accuracy.sel(arm="ticket", round=1)[0]
    np.testing.assert_allclose(mine[:, [1, -1]], again.values["test_accuracy"], atol=1e-6)


def test_levels_of_the_protocols_reach_the_images():
    """Easy examples are the first half of the array; the curriculum shows them first, to every replicate."""
    cell = replace(IMAGES, easy={"noise": 0.1}, hard={"noise": 4.0}, easy_fraction=0.5)
    data = jax.tree.map(np.asarray, cell.material().bank)
    size = len(data.labels) // 2
    assert data.labels.shape[0] == 2 * size
    np.testing.assert_array_equal(data.labels[:size], data.labels[size:])
    assert float(data.inputs[size:].std()) > 1.5 * float(data.inputs[:size].std())
    world = ImageWorld(cell, block(cell), [0, 1])
    orders = world.orders(0).reshape(3, 2, 200, 10)
    np.testing.assert_array_equal(orders[:, 0] % size, orders[:, 1] % size)
    assert (orders[:, 0, :100] < size).all()
    assert (orders[:, 0, 100:] >= size).all()
    assert ((orders[:, 1] < size).all(-1).sum(-1) == 100).all()


@pytest.mark.slow
def test_one_compilation_for_all_rounds_and_segments(images):
    assert compiled[0] <= 1


class Stopped(Exception):
    pass


class Stopping(Progress):
    """Saves every time, and stops after so many saves."""

    left = 10**9

    def due(self) -> bool:
        return True

    def save(self, arrays) -> None:
        super().save(arrays)
        self.left -= 1
        if self.left == 0:
            raise Stopped


@pytest.mark.parametrize("saves", [(1,), (3,), (4,), (5,), (9,), (2, 3)])
def test_a_computation_goes_on_from_any_save_to_the_same_bits(online, tmp_path, saves):
    """Four segments a round: inside the first, at its end, at and in the next one, in the last; twice."""
    for left in saves:
        progress = Stopping(tmp_path, "a")
        progress.left = left
        with pytest.raises(Stopped):
            ONLINE.resume(block(ONLINE), progress)
    xr.testing.assert_identical(
        ONLINE.resume(block(ONLINE), Progress(tmp_path, "a")).drop_attrs(), online.drop_attrs()
    )


@pytest.mark.slow
def test_images_go_on_too(images, tmp_path):
    progress = Stopping(tmp_path, "a")
    progress.left = 6
    own = block(IMAGES, ("no_curriculum",))
    with pytest.raises(Stopped):
        IMAGES.resume(own, progress)
    again = IMAGES.resume(own, Progress(tmp_path, "a"))
    xr.testing.assert_identical(again.drop_attrs(), images.drop_attrs())


def test_damaged_progress_is_left_aside(tmp_path, caplog):
    progress = Progress(tmp_path, "a")
    assert progress.load() is None
    progress.save([np.arange(3), np.ones((2, 2), np.float32)])
    found = progress.load()
    assert found is not None
    assert found[1].tolist() == [[1, 1], [1, 1]]
    progress.path.write_bytes(progress.path.read_bytes()[:-9])
    assert progress.load() is None
    assert "damaged progress left aside" in caplog.text
    progress.clear()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_run_killed_inside_a_round_resumes_to_the_same_bits(images, tmp_path):
    """By the engine; to those of the same cell computed in one go."""
    killed = tmp_path / "killed"
    words = [word for name, value in TINY.items() for word in (f"--{name}", value)]
    process = simulate("run", "lottery_tickets", "--out", killed, *words)
    partial, until = killed / "lottery_tickets" / "partial", time.monotonic() + PATIENCE

    def inside_a_round() -> bool:
        """Whether a round was begun and not ended when its state was saved last: round, record, ..."""
        saved = [Progress(partial, file.stem).load() for file in partial.glob("*.npz")]
        return any(state[0][1] > 0 for state in saved if state)

    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.003)
        if not list(partial.glob("*.npz")):
            continue
        process.send_signal(signal.SIGSTOP)
        if inside_a_round():
            break
        process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait()
    assert inside_a_round(), "never killed inside a round"
    study = get("lottery_tickets").changed(TINY)
    assert run(study, str(killed)).ok
    assert not list(partial.glob("*.npz"))
    found = load("lottery_tickets", killed).squeeze("width")
    for name, values in images.data_vars.items():
        np.testing.assert_array_equal(found[name].transpose(*values.dims), values, err_msg=name)


def test_winners_by_hand():
    """Unit 0 points at +e1 and -e2, unit 1 at -e1, unit 2 at -e2; unit 3 is on the wrong side of +e1."""
    along = np.array([[2.0, -1.0], [-1.0, 0.0], [0.0, -3.0], [5.0, 0.0]])
    readout = np.array([1.0, 2.0, -1.0, -1.0])
    end = contributions(along, readout)
    assert end.tolist() == [[2, 0, 0, -5], [0, 2, 0, 0], [0, 0, 0, 0], [-1, 0, 3, 0]]
    start = end.copy()
    start[0, 1] = 4.0
    found = winners(start, end, np.array([1, 1, 1, 1]))
    np.testing.assert_array_equal(found["winner"], [0, 1, np.nan, 2])
    np.testing.assert_array_equal(found["winner_rank"], [2, 1, np.nan, 1])
    np.testing.assert_array_equal(found["winner_aligned"], [1, 1, np.nan, 1])
    np.testing.assert_array_equal(found["effective"], [1, 1, 0, 1])
    assert found["distinct"] == 3
    gone = winners(start, end, np.array([1, 0, 1, 1]))
    assert gone["winner_rank"][0] == 1


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (replace(ONLINE, fraction=1.0), "fraction is 1.0; need 0 < fraction < 1"),
        (replace(ONLINE, rewind=120), "rewind is 120, but training has 120 steps"),
        (replace(ONLINE, rewind=30), "need a multiple of the 40 steps of a record"),
        (replace(ONLINE, rounds=12), "round 12 at fraction 0.2 would empty a layer: 0 of 6 units left"),
        (replace(IMAGES, fraction=0.9, rounds=9), "would empty a layer"),
        (replace(ONLINE, arms=("ticket", "random")), "unknown arm 'random'; known: magnitude_at_start"),
        (replace(ONLINE, arms=("random_mask",)), "need ticket first"),
        (replace(ONLINE, n_steps=121), "n_steps 121 is not a multiple of n_records = 3"),
        (replace(ONLINE, protocol="rule_curriculum"), "stages clusters"),
        (replace(ONLINE, easy={"signal": 1.0}), "need noise and nothing else"),
        (
            replace(ONLINE, easy={"noise": 2.0}),
            "easy.noise is 2 and hard.noise 1, but more noise is harder",
        ),
        (replace(IMAGES, easy={"noise": 2.0}, hard={"noise": 0.0}), "easy.noise is 2 and hard.noise 0, but"),
        (replace(ONLINE, hard={"noise": 0.0}), "noise is 0.0"),
        (replace(ONLINE, scope="unit"), "unknown scope 'unit'"),
        (replace(IMAGES, data_set="cifar"), "unknown data set 'cifar'"),
        (replace(IMAGES, student="cnn"), "fully connected"),
        (replace(IMAGES, hard={"noise": -1.0}), "level is -1.0"),
        (replace(IMAGES, relabelling="digits"), "unknown relabelling 'digits'"),
        (replace(IMAGES, optimiser="adamw"), "unknown optimiser"),
    ],
)
def test_bad_cells_are_refused_in_one_line(cell, message):
    with pytest.raises(ValueError, match=message) as error:
        cell.check()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["n_examples", "n_validation", "n_test"])
def test_more_images_than_there_are_is_said_in_one_line(name):
    cell = replace(IMAGES, **{name: 5000})
    with pytest.raises(OSError, match=rf"{name} is 5000, but digits has \d+ images for it; 0 takes all"):
        cell.compute(block(cell))
