"""On an accelerator two groups of blocks are under way at once; that changes no number and loses nothing."""

import threading
from dataclasses import dataclass, replace
from typing import Any

import cheap
import pytest
import xarray as xr
from processes import PATIENCE

from studies.engine import executors
from studies.engine.events import Done, Failed
from studies.engine.executors import overlapped, run_here
from studies.store import Store


@dataclass(frozen=True)
class TiledCell(cheap.CheapCell):
    """A cheap cell of which an accelerator computes two blocks at once; nothing is compiled for it."""

    def lower(self, block, places):
        return []

    def program(self, block):
        return self.width

    def tiles_in_flight(self, block, devices):
        return 2

    def compute_tiles(self, blocks, places):
        return [self.compute(block) for block in blocks]


def study(**fields: Any):
    plain = cheap.study(**fields)
    cell: Any = plain.cell
    return replace(plain, cell=TiledCell(**vars(cell)))


def test_two_calls_run_beside_each_other_and_no_third():
    other, begun = threading.Event(), []

    def first():
        assert other.wait(PATIENCE), "one at a time would wait for ever"
        return 1

    def third():
        begun.append(3)
        return 3

    results = overlapped(iter([first, lambda: other.set() or 2, third]), 2)
    assert next(results) == 1
    assert not begun
    assert list(results) == [2, 3]


def test_alone_calls_run_in_the_thread_that_asks():
    assert list(overlapped([threading.current_thread] * 2, 1)) == [threading.current_thread()] * 2


def test_what_a_call_raises_is_raised_in_its_turn():
    results = overlapped([lambda: 1, lambda: 1 / 0, lambda: 3], 2)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_the_largest_groups_come_first_and_an_accelerator_stores_what_a_cpu_does(monkeypatch, tmp_path):
    blocks, stores = study().blocks(), [Store(str(tmp_path / kind), "cheap") for kind in "ab"]
    for store, accelerated in zip(stores, (False, True), strict=True):
        monkeypatch.setattr(executors, "accelerated", lambda found=accelerated: found)
        store.prepare()
        events = list(run_here(blocks, store, None))
        assert all(isinstance(event, Done) for event in events)
        assert [event.block.cell.width for event in events] == [5, 5, 4, 4, 3, 3, 2, 2]
    for block in blocks:
        one, other = (store.read(block.address) for store in stores)
        assert one is not None
        assert other is not None
        xr.testing.assert_equal(one.test_accuracy, other.test_accuracy)


def test_a_block_that_fails_beside_others_is_told_and_the_others_are_done(monkeypatch, tmp_path):
    monkeypatch.setattr(executors, "accelerated", lambda: True)
    store = Store(str(tmp_path), "cheap")
    store.prepare()
    events = list(run_here(study(fail=4).blocks(), store, None))
    assert [event.block.cell.width for event in events if isinstance(event, Failed)] == [4, 4]
    assert [event.block.cell.width for event in events if isinstance(event, Done)] == [5, 5, 3, 3, 2, 2]
