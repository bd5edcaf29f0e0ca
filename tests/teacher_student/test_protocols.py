"""Protocols of any number of levels: names, ramps, staircases; the old ones to the bit."""

import hashlib
import inspect

import numpy as np
import pytest
from compiled import evaluate, single

from teacher_student.interfaces import OrderParameters
from teacher_student.levels import as_level, as_target, between, check_ends
from teacher_student.protocols import PROTOCOLS, Phase, Protocol, phases, ramp, staircase
from teacher_student.schedules import draw_plans, draw_steps, realise, spans, tabulate
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks import TASKS, task_class
from teacher_student.tasks.committee import Committee
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.tasks.xor_mixture import XorMixture

TASK = SparseTeacher(100)
FIRST = ("curriculum", "anti_curriculum", "no_curriculum", "target_only", "rule_curriculum")


def noises(protocol, n_steps, f=0.3, seed=0):
    """Noise of every step of one replicate."""
    _, table, plans = tabulate(TASK, protocol, 0.1, 1.0, f)
    (steps,) = draw_plans(plans, n_steps, seed, np.array([0]))[0]
    return np.array([float(table[int(i)]["noise"]) for i in steps])


def test_schedules_of_the_first_five_protocols_are_what_they_were():
    steps = draw_steps(FIRST, 0.37, 1001, 7, np.array([0, 5, 2]))
    assert (steps.shape, steps.dtype) == ((3, 5, 1001), np.uint8)
    assert (
        hashlib.sha256(steps.tobytes()).hexdigest()
        == "f4e9659265259aff035f5ca14cbb541084bb7f60d43e950843b4cc122608e1ec"
    )


def test_a_table_of_names_alone_has_the_rows_that_it_had():
    task = XorMixture(10)
    _, table, plans = tabulate(task, FIRST, 0.1, 1.0, 0.3)
    assert [float(level["noise"]) for level in table] == [0.1, 1.0] * 3
    assert [level["prior"].tolist() for level in table[2::2]] == [[0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5]]
    assert plans == [phases(name, 0.3) for name in FIRST]
    assert len(tabulate(TASK, FIRST[:4], 0.1, 1.0, 0.3).table) == 2


def test_a_staircase_takes_its_levels_in_turn():
    found = noises(staircase([0.2, {"noise": 0.7}, 0.2, 3.0], (0.1, 0.2, 0.3, 0.4)), 10)
    assert found.tolist() == [0.2, 0.7, 0.7, 0.2, 0.2, 0.2, 3.0, 3.0, 3.0, 3.0]
    assert noises(staircase([1.0, 2.0]), 4).tolist() == [1, 1, 2, 2]


def test_a_ramp_fades_linearly_and_stays_at_its_end():
    np.testing.assert_allclose(noises(ramp(0.0, 1.0, 5), 10), np.repeat([0, 0.25, 0.5, 0.75, 1], 2))
    np.testing.assert_allclose(noises(ramp(0.0, 1.0, 3, share=0.5), 12), [0, 0, 0.5, 0.5, *[1.0] * 8])
    fine = noises(ramp(0.01, 1.0, 400), 10_000)
    assert len(set(fine)) == 400
    np.testing.assert_allclose(fine, np.linspace(0.01, 1, 10_000), atol=0.99 / 400)


def test_the_named_ramp_goes_from_easy_to_hard_within_the_easy_fraction():
    expected = np.repeat([*(0.1 + 0.9 * np.arange(8) / 8), 1.0], [*[4] * 8, 48])
    np.testing.assert_allclose(noises("ramp", 80, f=0.4), expected)


@pytest.mark.parametrize("made", [("ramp", "shuffled_ramp"), (ramp(0.1, 2.0, 7, share=0.6),)])
@pytest.mark.parametrize("n_steps", [997, 1000])
def test_a_control_shows_the_same_levels_equally_often_in_no_order(made, n_steps):
    own = made[0]
    control = made[1] if len(made) > 1 else own.shuffled()
    ordered, shuffled = noises(own, n_steps), noises(control, n_steps)
    np.testing.assert_array_equal(np.sort(ordered), np.sort(shuffled))
    assert (np.diff(ordered) >= 0).all()
    assert abs(ordered[: n_steps // 2].mean() - ordered.mean()) > 0.1
    assert abs(shuffled[: n_steps // 2].mean() - shuffled.mean()) < 0.08
    assert (noises(control, n_steps, seed=1) != shuffled).any()


#: A protocol that ends on the hard level, and its control that ends alike.
ENDS = [
    ("curriculum", "no_curriculum_then_target"),
    ("ramp_then_target", "shuffled_ramp_then_target"),
]


@pytest.mark.parametrize("pair", ENDS)
@pytest.mark.parametrize("f", [0.3, 0.8])
def test_a_pair_that_ends_on_the_target_differs_in_the_order_before_it_alone(pair, f):
    """Thousand samples; the mean of the first 250 of 850 shuffled ones is within 4 standard errors."""
    ordered, shuffled = (noises(name, 1000, f) for name in pair)
    np.testing.assert_array_equal(np.sort(ordered), np.sort(shuffled))
    assert (ordered[850:] == 1).all()
    assert (shuffled[850:] == 1).all()
    first = shuffled[:850]
    error = first.std() * ((1 - 250 / 850) / 250) ** 0.5
    assert abs(first[:250].mean() - first.mean()) < 4 * error < abs(ordered[:250].mean() - first.mean())
    assert (noises(pair[1], 1000, f, seed=1) != shuffled).any()


def test_the_ramp_before_the_target_is_the_ramp_squeezed():
    """Of 200 steps 170 are those of a ramp of 170, the other 30 the target's."""
    squeezed = noises("ramp_then_target", 200, 0.8)
    np.testing.assert_allclose(squeezed, [*noises("ramp", 170, 0.8), *[1.0] * 30])


@pytest.mark.parametrize(
    "name", [n for n in PROTOCOLS if n.startswith("shuffled_") and not n.endswith("_then_target")]
)
def test_what_is_called_shuffled_is_the_control_of_its_protocol(name):
    """Thousand samples: the mean of any 250 of them, drawn without order, is within 4 standard errors."""
    ordered, shuffled = noises(name.removeprefix("shuffled_"), 1000), noises(name, 1000)
    np.testing.assert_array_equal(np.sort(ordered), np.sort(shuffled))
    error = ordered.std() * ((1 - 1 / 4) / 250) ** 0.5
    away = [np.abs(x.reshape(4, 250).mean(1) - ordered.mean()).max() for x in (ordered, shuffled)]
    assert away[1] < 4 * error < away[0]
    assert (noises(name, 1000, seed=1) != shuffled).any()


def test_protocols_of_one_table_do_not_mix_their_levels():
    many = ("curriculum", ramp(5.0, 6.0, 2, name="far"), "ramp", staircase([7.0, 8.0]))
    _, table, plans = tabulate(TASK, many, 0.1, 1.0, 0.4)
    for protocol, plan in zip(many, plans, strict=True):
        alone = tabulate(TASK, protocol, 0.1, 1.0, 0.4)
        for phase, own in zip(plan, alone.plans[0], strict=True):
            seen = [(float(table[int(i)]["noise"]), x) for i, x in phase.mix.items()]
            assert seen == [(float(alone.table[int(i)]["noise"]), x) for i, x in own.mix.items()]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_equations_are_given_the_shares_that_the_simulation_draws(protocol):
    task = XorMixture(10)
    _, table, (plan,) = tabulate(task, protocol, 0.1, 1.0, 0.3)
    durations, weights = zip(*spans(plan, 100.0, len(table)), strict=True)
    steps = realise(plan, 10_000, np.random.default_rng(0))
    assert sum(durations) == pytest.approx(100)
    share = np.array(durations) @ np.array(weights)
    np.testing.assert_allclose(share, np.bincount(steps, minlength=len(table)) / 100, atol=0.02)


def test_more_than_256_levels_are_kept_apart():
    _, _, plans = tabulate(TASK, ramp(0.0, 1.0, 300))
    assert draw_plans(plans, 600, 0, np.array([0])).max() == 299


def test_levels_are_numbers_dicts_or_levels():
    task = XorMixture(10)
    for given in (0.5, {"noise": 0.5}, task.level(noise=0.5)):
        found = as_level(task, given)
        assert (found["noise"], found["signal"]) == (0.5, 1.0)
    assert as_level(task, {"signal": 2.0})["noise"] == 1.0
    staged = task.stages(task.level(0.3))[1]
    assert as_level(task, staged)["prior"].tolist() == [0, 0.5, 0, 0.5]
    assert between(task.level(0.0 + 0.2), task.level(1.0, 3.0), 0.25)["signal"] == 1.5


@pytest.mark.parametrize(
    ("task", "easy", "hard"),
    [(TASK, 1.0, 0.1), (XorMixture(10), {"signal": 1.0}, {"signal": 2.0}), (Committee(10), 0.5, 0.0)],
)
def test_an_easy_level_that_is_the_harder_one_is_refused(task, easy, hard):
    check_ends(task, as_level(task, hard), as_level(task, easy))
    check_ends(task, as_level(task, hard), as_level(task, hard))
    with pytest.raises(ValueError, match="is harder; swap the two") as error:
        tabulate(task, "no_curriculum", easy, hard)
    assert "\n" not in str(error.value)


def test_levels_harder_in_one_way_and_easier_in_another_may_be_either():
    task = XorMixture(10)
    check_ends(task, task.level(0.5, 1.0), task.level(0.1, 0.5))
    check_ends(task, task.level(0.1, 0.5), task.level(0.5, 1.0))


@pytest.mark.parametrize("name", TASKS)
def test_what_a_task_calls_harder_are_entries_of_its_levels(name):
    task = task_class(name)(100)
    assert task.harder
    assert set(task.harder) <= set(inspect.signature(task.level).parameters)
    assert set(task.harder.values()) <= {1, -1}


@pytest.mark.parametrize("name", ["noise", "signal"])
def test_what_is_harder_lowers_the_accuracy_of_a_student_that_knows_the_rule(name):
    """Four relu units, one on each cluster, with the signs of the labels."""
    task, student = XorMixture(10), TwoLayer(4)
    order = OrderParameters(
        single([[1, 0], [-1, 0], [0, 1], [0, -1]]), (single(0.1 * np.eye(4)),), single([1, 1, -1, -1])
    )
    normals = single(np.random.default_rng(0).normal(size=(400, 6)))

    def accuracy(x):
        return float(evaluate(task, student, order, as_level(task, {name: x}), normals)["test_accuracy"])

    low, high = accuracy(0.5), accuracy(2.0)
    assert np.sign(low - high) == task.harder[name]
    assert abs(low - high) > 0.05


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: tabulate(TASK, "ramps", 0.1, 1.0),
            "unknown protocol 'ramps'; known: anti_curriculum, curriculum",
        ),
        (lambda: tabulate(TASK, ("ramp", "ramp"), 0.1, 1.0), "ramp, ramp; need one at least, each name once"),
        (lambda: tabulate(TASK, (), 0.1, 1.0), "protocols are none"),
        (lambda: tabulate(TASK, "ramp", hard=1.0), "'ramp' goes between an easy and a hard level; give both"),
        (
            lambda: tabulate(TASK, "rule_curriculum", 0.1, 1.0),
            "stages clusters, and task 'sparse_teacher' has none",
        ),
        (lambda: tabulate(TASK, "ramp", 0.1, 1.0, 1.5), "easy_fraction is 1.5"),
        (
            lambda: tabulate(TASK, "no_curriculum_then_target", 0.1, 1.0, 0.9),
            "ends with 0.15 of the run at the hard level, so easy_fraction must be at most 0.85; it is 0.9",
        ),
        (lambda: tabulate(TASK, staircase([-1.0])), "noise is -1.0"),
        (
            lambda: tabulate(TASK, staircase([{"signal": 1.0}])),
            "unknown entry of a level of sparse_teacher 'signal'",
        ),
        (
            lambda: inspect.unwrap(as_level)(TASK, "hard"),
            "a level is 'hard'; need a number \\(noise\\) or a dict of noise",
        ),
        (lambda: as_target(TASK, None, None), "nothing to test on"),
        (lambda: staircase([0.1, 1.0], [1.0]), "1 shares do not fit 2 levels"),
        (lambda: staircase([0.1, 1.0], [0.5, 0.6]), "last 1.1 of the run"),
        (lambda: staircase([]), "last 0 of the run"),
        (lambda: ramp(0.1, 1.0, 1), "n_levels is 1"),
        (lambda: ramp(0.1, 1.0, share=0.0), "share is 0.0"),
        (lambda: ramp(0.1, {"noise": 1.0}), "need two numbers, or two dicts"),
        (lambda: ramp({"noise": 1.0}, {"signal": 1.0}), "need the same"),
        (lambda: Protocol("p", (0.1,), (Phase(1.0, {1: 1.0}),)), "a phase of p mixes"),
        (lambda: Protocol("p", (0.1,), (Phase(1.0, {}),)), "a phase of p mixes"),
        (lambda: draw_steps(("ramp",), 0.3, 10, 0, np.array([0])), "take its phases from `tabulate`"),
    ],
)
def test_bad_input_is_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
