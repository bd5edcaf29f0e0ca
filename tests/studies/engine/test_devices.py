"""Tiles spread over the devices of a host: the bits of a cell do not depend on how many there are."""

import json
from typing import Any

import pytest
import small
import xarray as xr
from forked import Forked
from processes import PATIENCE, SIMULATING, finding_tests

from studies.cell import TiledCell
from studies.engine.devices import local_devices
from studies.engine.executors import together
from studies.store import load
from teacher_student.students.two_layer import TwoLayer
from teacher_student.training import memory
from teacher_student.training.program import choose_method
from teacher_student.training.simulate import run_plans

#: devices_probe.py with the programs in a folder of their own.
PROBE = """
import runpy, sys
import jax
jax.config.update("jax_compilation_cache_dir", sys.argv.pop())
runpy.run_module("devices_probe", run_name="__main__", alter_sys=True)
"""


@pytest.mark.slow
def test_bits_do_not_depend_on_the_number_of_devices(tmp_path):
    """Eight blocks, one by one, and three at a time on three devices, of which one idles at the end."""
    flags = finding_tests().get("XLA_FLAGS", "")
    environment = finding_tests() | {"XLA_FLAGS": f"{flags} --xla_force_host_platform_device_count=3"}
    process = Forked(SIMULATING, PROBE, tmp_path, tmp_path / "compiled", environment=environment)
    out, err = process.communicate(PATIENCE)
    assert process.returncode == 0, err
    groups = json.loads(out.splitlines()[-1])
    assert groups == {"1": [[1, 1]] * 8, "3": [[3, 3], [3, 3], [2, 3]]}
    one, three = (load("small", tmp_path / devices) for devices in "13")
    assert (one.status == 0).all()
    for name in one.data_vars:
        xr.testing.assert_equal(one[name], three[name])
    assert len({float(x) for x in one.test_accuracy.isel(time=-1).values.ravel()}) > 8


def test_blocks_of_one_program_go_together_and_a_rest_of_one_goes_alone(monkeypatch):
    monkeypatch.setattr(
        "studies.cells.online.OnlineCell.tiles_in_flight", lambda self, block, devices: devices
    )
    blocks = small.study(widths=(2, 4), replicates=8).blocks()
    groups = list(together(blocks, 3))
    assert sorted(len(group) for group, _ in groups) == [1, 1, 3, 3]
    assert {places for group, places in groups if len(group) == 1} == {1}
    assert sorted(b.address for group, _ in groups for b in group) == sorted(b.address for b in blocks)
    for group, _ in groups:
        cells: list[Any] = [block.cell for block in group]
        assert len({cell.width for cell in cells}) == 1
    assert [(len(group), places) for group, places in together(blocks, 1)] == [(1, 1)] * 8


def test_cells_without_tiles_need_nothing_more():
    import cheap

    blocks = cheap.study().blocks()
    assert not isinstance(blocks[0].cell, TiledCell)
    assert isinstance(small.CELL, TiledCell)
    assert [(len(group), places) for group, places in together(blocks, 3)] == [(1, 1)] * 8


def test_as_many_tiles_in_flight_as_fit_in_memory(monkeypatch):
    import jax

    method = choose_method(small.CELL.world()[0], TwoLayer(4))
    devices = jax.local_devices() * 4  # four of one CPU share its memory
    monkeypatch.setattr(memory, "free_bytes", lambda: 10e9)
    assert memory.tiles_in_flight(method, 64, 1e9, devices) == 4
    assert memory.tiles_in_flight(method, 64, 4e9, devices) == 2
    assert memory.tiles_in_flight(method, 64, 40e9, devices) == 1
    wide = choose_method(small.CELL.world()[0], TwoLayer(64))
    assert memory.tiles_in_flight(wide, 64, 1e9, devices) == 1

    class Accelerator:
        platform = "gpu"

        def memory_stats(self):
            return {"bytes_limit": 64e9}

    cards: Any = [Accelerator() for _ in range(4)]
    # 1024 runs of width 64 keep one busy: 16 blocks of 64, 8 of 128; half of the memory holds 8 of 4 GB
    assert memory.tiles_in_flight(wide, 64, 1e9, cards[:1]) == 16
    assert memory.tiles_in_flight(wide, 64, 1e9, cards) == 64
    assert memory.tiles_in_flight(wide, 128, 1e9, cards) == 32
    assert memory.tiles_in_flight(wide, 64, 4e9, cards) == 32
    assert memory.tiles_in_flight(wide, 64, 40e9, cards) == 4
    monkeypatch.undo()
    assert 1e6 < memory.free_bytes() < 1e15


def test_more_devices_than_there_are_is_refused():
    assert local_devices(1) == local_devices(None) == local_devices(-1) == 1
    with pytest.raises(ValueError, match="devices is 7, but this host has 1"):
        local_devices(7)


def test_plans_that_are_no_single_program_are_refused():
    from studies.cells.online_blocks import planned

    cells: Any = small.study(replicates=2).blocks()
    two, four = [planned(block.cell, block) for block in cells]
    with pytest.raises(ValueError, match="2 plans do not run as one program"):
        run_plans([two, four], 2)
    with pytest.raises(ValueError, match="2 plans do not run as one program on 1 places"):
        run_plans([two, two], 1)
