"""How a study is run: what is refused, shards, the time that is left."""

import time

import cheap
import pytest
from processes import (
    same_numbers,
)

from studies.engine.how import How
from studies.engine.run import run


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
        assert run(study, str(tmp_path / "parts"), How(shard=(i, 4))) == 0
    assert run(study, str(tmp_path / "whole")) == 0
    same_numbers(tmp_path / "parts", tmp_path / "whole")


def test_time_that_is_left_is_estimated_from_the_work_done():
    from studies.engine.display import Meter, work
    from studies.store.log import Done

    blocks = cheap.study(widths=(2, 4), replicates=2).blocks()
    meter = Meter(blocks)
    assert meter.seconds_left is None
    meter.started = time.monotonic() - 10
    meter.count(blocks[0], Done(blocks[0].address, "", "", "", 10.0, 500, 0))
    assert work(blocks[1]) == 2 * work(blocks[0])
    assert meter.seconds_left == pytest.approx(20, rel=0.01)
    assert meter.rate == pytest.approx(50, rel=0.01)
