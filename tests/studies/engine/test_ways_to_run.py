"""How a study is run: what is refused, shards, the time that is left."""

import json
import time

import cheap
import pytest
from processes import same_numbers

from studies.engine.events import Done, Ended, Failed, Found, Hung, Started, Waiting
from studies.engine.how import How
from studies.engine.pace import Pace, work
from studies.engine.run import run
from studies.engine.tally import Tally
from studies.store.log import Facts


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"workers": "0"}, "workers is '0'; need a number >= 1"),
        ({"workers": "two"}, "workers is 'two'"),
        ({"devices": "-1"}, "devices is '-1'"),
        ({"workers": "all"}, "workers is 'all'; need a number >= 1"),
        ({"workers": "2", "timeout": "all"}, "timeout is 'all'; need a number >= 1"),
        ({"timeout": "nan", "workers": "2"}, "timeout is 'nan'"),
        ({"timeout": "3"}, "needs --workers or --cluster"),
        ({"workers": "2", "cluster": "x:1"}, "give one of them"),
        ({"workers": "2", "devices": "2"}, "CUDA_VISIBLE_DEVICES"),
        ({"shard": "0/3"}, "need i/n with 1 <= i <= n"),
        ({"shard": "4/3"}, "need i/n with 1 <= i <= n"),
        ({"shard": "1"}, "need i/n with 1 <= i <= n"),
    ],
)
def test_a_wrong_way_to_run_is_refused(given, message):
    names = ("devices", "workers", "cluster", "timeout", "shard")
    with pytest.raises(ValueError, match=message):
        How.read(**{name: given.get(name) for name in names})


def test_shards_are_disjoint_and_make_up_the_whole(tmp_path):
    study = cheap.study(widths=(2, 3, 4), replicates=4)
    parts = [How(shard=(i, 4)).share(study.blocks()) for i in (1, 2, 3, 4)]
    addresses = [block.address for part in parts for block in part]
    assert sorted(addresses) == sorted(block.address for block in study.blocks())
    assert {len(part) for part in parts} == {1, 2}
    for i in (1, 2, 3, 4):
        assert run(study, str(tmp_path / "parts"), How(shard=(i, 4))).ok
    assert run(study, str(tmp_path / "whole")).ok
    same_numbers(tmp_path / "parts", tmp_path / "whole")


def test_time_that_is_left_is_that_of_the_work_that_is_left():
    """By hand: a program takes 4 s to compile and 0.25 s per unit of work; rows 2 x protocols 2 x width."""
    small, large, other = (cheap.study(widths=(w,), replicates=4).blocks() for w in (2, 6, 10))
    assert [work(blocks[0]) for blocks in (small, large, other)] == [8.0, 24.0, 40.0]
    pace = Pace()
    assert pace.estimate(large) is None
    pace.learn(small[0], 6.0, first=True)
    assert pace.estimate(large[:1]) == (18.0, True)  # not one of them needs more than three times as long
    assert pace.estimate(small[1:]) == (6.0, True)
    pace.learn(large[0], 10.0, first=True)
    assert pace.estimate([small[1], large[1]]) == (pytest.approx(2.0 + 6.0), False)
    assert pace.estimate(other) == (pytest.approx(4.0 + 10.0 + 10.0), False)
    assert pace.estimate(other, processes=2) == (pytest.approx(4.0 + 4.0 + 10.0 + 10.0), False)


def test_a_block_without_compilation_gives_the_pace_at_once():
    blocks = cheap.study(widths=(2,), replicates=6).blocks()
    pace = Pace()
    pace.learn(blocks[0], 60.0, first=True)
    pace.learn(blocks[1], 2.0, first=False)
    assert pace.estimate(blocks[2:]) == (pytest.approx(2.0), False)
    alone = Pace()
    alone.learn(blocks[1], 2.0, first=False)
    assert alone.estimate(blocks[2:]) == (pytest.approx(2.0), False)


def test_several_processes_share_what_is_left():
    study = cheap.study(widths=(2,), replicates=20)
    blocks = study.blocks()
    tally = Tally(processes=2)
    tally(Started(study, 10, tuple(blocks)))
    assert tally.seconds_left is None
    for number, block in enumerate(blocks[:4]):
        facts = Facts(block.address, "", "", "", 3.0, 500, 0)
        tally(Done(block, facts, first=False, process=f"host:{number % 3}"))  # one more than was known
    assert tally.processes == 3
    assert tally.seconds_left == (pytest.approx(6 * 3.0 / 3), False)
    tally.started = time.monotonic() - 10
    assert tally.rate == pytest.approx(200, rel=0.1)
    tally(Found(blocks[4]))
    tally(Failed(blocks[5], ValueError("no")))
    assert (tally.done, tally.found, len(tally.left), tally.failed) == (4, 1, 4, [blocks[5].label()])


class Says:
    """An executor that says what it is told to."""

    def __init__(self, make) -> None:
        self.make = make

    def __call__(self, how):
        return lambda pending, store: self.make(pending, store)


def test_the_run_ends_as_what_its_executor_says_makes_it_end(tmp_path, monkeypatch, caplog):
    """Nothing final is said of two blocks: stopped; one failed, one was found after waiting."""
    caplog.set_level("INFO")
    study = cheap.study(replicates=2)
    heard = []

    def said(pending, store):
        yield Failed(pending[0], ValueError("no"))
        yield Waiting(pending[2])
        yield Hung(pending[3], 5.0)
        yield Found(pending[2])

    monkeypatch.setattr("studies.engine.run.executor", Says(said))
    ended = run(study, str(tmp_path), listeners=[heard.append])
    assert [type(event).__name__ for event in heard] == [
        *("Started", "Failed", "Waiting", "Hung", "Found"),
        "Ended",
    ]
    assert not ended.ok
    assert [block.cell.width for block in ended.left.values()] == [3, 5]
    assert any("stopped; the same command goes on" in line for line in caplog.messages)
    assert any("1 blocks failed, the first: width 2" in line for line in caplog.messages)
    (log,) = (tmp_path / "cheap" / "logs").iterdir()
    kinds = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert kinds == ["start", "failed", "waiting", "replaced", "stop"]


def test_whoever_listens_hears_of_the_end_also_of_a_run_that_cannot_write(tmp_path, monkeypatch):
    def fails(pending, store):
        yield Waiting(pending[0])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("studies.engine.run.executor", Says(fails))
    heard = []
    with pytest.raises(OSError, match="No space left on device while writing.*the 0 blocks finished"):
        run(cheap.study(), str(tmp_path), listeners=[heard.append])
    assert isinstance(heard[-1], Ended)
    assert "No space left" in str(heard[-1].error)
