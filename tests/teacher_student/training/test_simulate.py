"""`simulate`: compiled once per shape, replicates isolated, bits independent of the batch."""

import threading
import time
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from curricula.schedule import draw_steps, level_table
from teacher_student.order_parameters import Overlaps
from teacher_student.students.two_layer import PARAMETRISATIONS, TwoLayer
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.training.program import choose_method, compiled_run
from teacher_student.training.simulate import simulate

pytestmark = pytest.mark.usefixtures("quick_module")

TASK = XorMixture(40)
TABLE = level_table(TASK, TASK.level(noise=0.1), TASK.level(noise=1.0))

#: Overlaps of a start without any symmetry.
ALONG = np.array([[0.5, -0.2], [0.1, 0.3], [-0.7, 0.2]], np.float32)
GRAM = np.array([[0.9, 0.2, 0], [0.2, 1.1, -0.1], [0, -0.1, 0.8]], np.float32)[None]
START = Overlaps(jnp.asarray(ALONG), jnp.asarray(GRAM), jnp.array([0.3, -0.6, 0.9]))


def run(
    student, protocols=("curriculum", "no_curriculum"), replicates: int | np.ndarray = 4, steps=400, **changes
):
    numbers = np.arange(replicates) if isinstance(replicates, int) else replicates
    schedule = draw_steps(protocols, 0.3, steps, 0, numbers)
    arguments = {"target": TABLE[1], "learning_rate": 0.3, "n_records": 2, "n_test": 16}
    # accuracy is that of the order parameters, whatever the method
    tested = ("test_accuracy",) if changes.get("method", "gram") == "gram" else ()
    arguments |= {"record": ("v", *tested)} | changes
    return simulate(TASK, student, TABLE, schedule, replicates=numbers, **arguments)


@pytest.mark.slow
def test_one_compilation_serves_rates_parametrisations_schedules_levels_and_budgets():
    compiled_run.cache_clear()
    for parametrisation in PARAMETRISATIONS:
        for rate in (0.1, 0.2):
            for steps in (400, 200):
                run(
                    TwoLayer(4, parametrisation=parametrisation, train_readout=rate > 0.1),
                    steps=steps, n_records=steps // 200, room=2, learning_rate=rate,
                )  # fmt: skip
    run(TwoLayer(4), protocols=("target_only", "rule_curriculum"))
    assert compiled_run.cache_info().currsize == 1
    compiled = compiled_run(choose_method(TASK, TwoLayer(4)), ("v", "test_accuracy"), 2, 1)
    assert compiled._cache_size() == 1  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.slow
def test_shorter_runs_in_the_same_room_are_the_same_runs():
    alone = run(TwoLayer(4), steps=200, n_records=1)
    roomy = run(TwoLayer(4), steps=200, n_records=1, room=2)
    for name in alone.values:
        np.testing.assert_array_equal(alone.values[name], roomy.values[name])


#: One program a method: 500 steps between records, which are 31 chunks and 4 samples.
LONG: dict[str, Any] = {"replicates": 16, "steps": 1000, "record": ("M", "Q", "v")}
#: Of vectors; Gram space has the program of the tests above.
CALLS: dict[str, tuple[TwoLayer, dict[str, Any]]] = {
    "gram": (TwoLayer(4), {"replicates": 4}),
    "bulk": (TwoLayer(3), LONG | {"method": "bulk"}),
    "full": (TwoLayer(3), LONG | {"method": "full"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("method", CALLS)
def test_bits_do_not_depend_on_other_protocols_or_replicates(method):
    student, call = CALLS[method]
    many = run(student, ("curriculum", "no_curriculum", "rule_curriculum"), **call)
    one = run(student, ("no_curriculum",), **call)
    others = 3 * np.arange(call["replicates"])[::-1]
    other = run(student, ("no_curriculum",), **{**call, "replicates": others})
    assert one.method == method
    for name in many.values:
        np.testing.assert_array_equal(many.values[name][:, 1], one.values[name][:, 0])
        np.testing.assert_array_equal(other.values[name][[-1, -2]], one.values[name][[0, 3]])


@pytest.mark.slow
@pytest.mark.parametrize("method", ["gram", "full"])
def test_protocols_share_start_and_samples(method):
    student, call = CALLS[method]
    found = run(student, ("target_only", "no_curriculum"), **call)
    np.testing.assert_array_equal(found.values["v"][:, 0, 0], found.values["v"][:, 1, 0])
    same = run(student, ("curriculum", "curriculum"), **call)
    np.testing.assert_array_equal(same.values["v"][:, 0], same.values["v"][:, 1])


@pytest.mark.slow
@pytest.mark.parametrize("method", ["gram", "full", "stepwise"])
def test_a_given_start_is_honoured_and_a_nan_stays_in_its_replicate(method):
    call = LONG | {"method": method, "learning_rate": 3.0}
    poisoned = Overlaps(jnp.asarray(ALONG), jnp.asarray(GRAM), jnp.array([np.nan, -0.6, 0.9]))
    assert run(TwoLayer(3), initial=poisoned, **call).diverged.all()
    wild = run(TwoLayer(3), initial=START, **call)
    assert 0 < wild.diverged.sum() < wild.diverged.size
    # all begin where they are told to
    np.testing.assert_allclose(wild.values["M"][:, :, 0], np.broadcast_to(ALONG, (16, 2, 3, 2)), atol=1e-5)
    begin = np.broadcast_to(ALONG @ ALONG.T + GRAM[0], (16, 2, 3, 3))
    np.testing.assert_allclose(wild.values["Q"][:, :, 0], begin, atol=1e-4)
    assert np.isfinite(wild.values["v"][~wild.diverged]).all()
    # the replicates without a diverged run, this time among themselves
    calm = np.flatnonzero(~wild.diverged.any(1))
    call["replicates"] = others = np.resize(calm, 16)
    alone = run(TwoLayer(3), initial=START, **call)
    assert not alone.diverged.any()
    np.testing.assert_array_equal(wild.values["v"][others], alone.values["v"])


@pytest.mark.slow
def test_partial_chunks_take_exactly_the_steps_asked_for():
    """Between records the last chunk has 4 steps of its 16, which must move the readout by as much."""
    call: dict[str, Any] = LONG | {"learning_rate": 0.03, "initial": START}
    whole = run(TwoLayer(3), n_records=1, method="stepwise", **call)
    parts, chunked = (run(TwoLayer(3), method=method, **call) for method in ("stepwise", "full"))
    np.testing.assert_array_equal(whole.values["v"][:, :, -1], parts.values["v"][:, :, -1])
    np.testing.assert_allclose(chunked.values["v"], parts.values["v"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_records": 7}, "400 steps cannot be recorded at 7 equal intervals"),
        ({"n_records": 0}, "n_records is 0"),
        ({"n_test": 0}, "n_test is 0"),
        ({"record": ("loss",)}, "unknown quantity to record 'loss'; known: M, Q"),
        ({"record": ("v", "v")}, "twice"),
        ({"method": "quick"}, "unknown method 'quick'; known: auto, bulk, full, gram, stepwise"),
        ({"dtype": "float16"}, "unknown dtype"),
        ({"learning_rate": -1.0}, "learning_rate is -1.0"),
        ({"room": 1}, "room is 1"),
    ],
)
def test_bad_input_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        run(TwoLayer(4), **changes)


NAMED: dict[str, Any] = {
    "easy": 0.1,
    "hard": 1.0,
    "budget": 10,
    "learning_rate": 0.3,
    "n_records": 2,
    "n_test": 16,
}


def test_protocols_by_name_are_the_schedules_as_arrays():
    named = simulate(
        TASK,
        TwoLayer(4),
        protocol=("no_curriculum", "curriculum"),
        replicates=np.int64(4),
        record=("v", "test_accuracy"),
        **NAMED,
    )
    arrays = run(TwoLayer(4), ("no_curriculum", "curriculum"))
    np.testing.assert_array_equal(named.values["v"], arrays.values["v"])
    assert named.labels.protocols == ("no_curriculum", "curriculum")
    assert arrays.labels.protocols == ("0", "1")
    ds = arrays.to_xarray()
    assert ds.v.dims == ("protocol", "width", "replicate", "time", "unit")
    np.testing.assert_array_equal(ds.v.sel(protocol="1", width=4, replicate=2), arrays.values["v"][2, 1])


def test_the_target_is_the_hard_level_unless_another_is_given():
    arms: dict[str, Any] = {"protocol": "curriculum", "replicates": np.array([3, 0, 8, 1])}
    arms["record"] = ("v", "test_accuracy")
    hard, easy, given = (
        simulate(TASK, TwoLayer(4), target=x, **arms, **NAMED) for x in (None, 0.1, {"noise": 1.0})
    )
    np.testing.assert_array_equal(hard.values["test_accuracy"], given.values["test_accuracy"])
    assert (hard.values["test_accuracy"] != easy.values["test_accuracy"]).any((1, 2)).all()
    assert hard.labels.replicates.tolist() == [3, 0, 8, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"replicates": 0}, "replicates is 0; need 1 <= replicates"),
        ({"replicates": np.int64(-1)}, "replicates is -1; need 1 <= replicates"),
        ({"replicates": np.array([], int)}, "need a count, or whole numbers"),
        ({"replicates": np.array([2, -1])}, "replicates run from -1 to 2"),
        ({"budget": 0}, "budget is 0"),
        ({"budget": 0.01}, "budget 0.01 x 40 inputs is not a whole number of samples"),
        ({"budget": None}, "budget is missing"),
        (
            {"hard": {"irrelevant": 1.0}},
            "unknown entry of a level of xor_mixture 'irrelevant'; known: noise, prior",
        ),
        ({"easy": 2.0}, "easy has noise 2 and hard 1, but higher noise is harder"),
        ({"protocol": "curriculm"}, "unknown protocol 'curriculm'; known: anti_curriculum"),
        ({"table": TABLE, "steps": np.zeros(400, int)}, "what is shown is given twice"),
        ({"protocol": None}, "nothing says what is shown"),
        (
            {"protocol": None, "table": [{"noise": 1.0}], "steps": np.zeros(400, int)},
            "has the entries \\['noise'\\]",
        ),
        ({"record": ("v", "loss")}, "unknown quantity to record 'loss'"),
    ],
)
def test_bad_protocols_and_replicates_are_refused_in_one_line(changes, message):
    with pytest.raises(ValueError, match=message) as error:
        simulate(TASK, TwoLayer(4), **{"protocol": "curriculum", **NAMED, **changes})
    assert "\n" not in str(error.value)


def test_a_schedule_beyond_the_table_is_refused():
    with pytest.raises(ValueError, match="steps holds levels 0..1, but table has 1 levels"):
        simulate(
            TASK, TwoLayer(4), TABLE[:1], np.array([0, 1]), target=TABLE[0], learning_rate=0.1, n_records=1
        )


def test_threads_run_one_after_the_other(monkeypatch):
    inside, most = 0, 0

    def alone(*arguments):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.05)
        inside -= 1
        raise InterruptedError

    def ask():
        with pytest.raises(InterruptedError):
            run(TwoLayer(2))

    monkeypatch.setattr("teacher_student.training.simulate.compiled_start", lambda *key: alone)
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
