"""The store: all or nothing, found by address, damage noticed, nothing finished overwritten."""

import os

import cheap
import numpy as np
import pytest
import small
import xarray as xr

from studies.cells.tickets.images import ImageTickets
from studies.engine.events import Done
from studies.engine.executors import finish
from studies.store import STATUS, Store, load
from studies.store.names import BLOCK
from studies.study import Study


@pytest.fixture
def filled(tmp_path):
    study = small.study()
    store = Store(tmp_path, study.name)
    store.prepare()
    store.describe(study.entry())
    for block in study.blocks():
        store.write(block.address, small.fake(block))
    return study, store


def test_load_places_every_number(filled, tmp_path):
    study, _ = filled
    ds = load("small", tmp_path)
    assert ds.test_accuracy.dims == ("protocol", "width", "replicate", "time")
    assert ds.sizes == {"protocol": 2, "width": 2, "replicate": 3, "time": 3}
    for protocol, width, replicate, time in ((0, 2, 0, 0.0), (1, 4, 2, 10.0), (1, 2, 1, 5.0)):
        value = ds.test_accuracy.sel(width=width, replicate=replicate, time=time).isel(protocol=protocol)
        assert float(value) == pytest.approx(width + protocol / 10 + replicate / 1000 + time / 1e6)
    assert (ds.status == STATUS["ok"]).all()
    assert ds.attrs["address"] == study.address


def test_a_field_that_is_a_tuple_is_an_axis_of_labels(tmp_path):
    record = (("test_accuracy",), ("test_accuracy", "test_loss"))
    study = Study(small.CELL, ({"record": record, "width": (2,)},), 1, rows=1, name="small")
    store = Store(tmp_path, study.name)
    store.prepare()
    store.describe(study.entry())
    store.write(study.blocks()[1].address, small.fake(study.blocks()[1]))
    ds = load("small", tmp_path)
    assert ds.record.values.tolist() == ["test_accuracy", "test_accuracy, test_loss"]
    assert ds.status[:, 0, 0, 0].values.tolist() == [STATUS["pending"], STATUS["ok"]]


def test_anyone_can_open_a_block(filled):
    study, store = filled
    block = study.blocks()[0]
    with xr.open_dataset(store.path(block.address), engine="h5netcdf") as ds:
        xr.testing.assert_equal(ds.load(), small.fake(block))


def test_pending_and_not_asked_cells_are_marked_and_nan(filled, tmp_path):
    _, store = filled
    grids = ({"width": (2, 4)}, {"width": (4,), "learning_rate": (0.5,)})
    wider = small.Study(small.CELL, grids, 3, rows=2, name="small")
    store.describe(wider.entry())
    with pytest.raises(FileNotFoundError, match="no finished block"):
        load("small", tmp_path)
    store.write(wider.blocks()[0].address, small.fake(wider.blocks()[0]))
    ds = load("small", tmp_path)
    assert ds.status.dims == ("learning_rate", "protocol", "width", "replicate")
    got = ds.status.sel(protocol="curriculum")
    assert got.sel(learning_rate=0.3, width=2).values.tolist() == [0, 0, STATUS["pending"]]
    assert got.sel(learning_rate=0.5, width=2).values.tolist() == [STATUS["not_asked"]] * 3
    assert ds.test_accuracy.isnull().sum() == 3 * (3 * 4 - 2)


def test_a_pending_block_does_not_hide_cells_that_another_block_holds(filled, tmp_path):
    study, store = filled
    more = {"protocol": ("curriculum", "target_only"), "width": (2, 4)}
    wider = small.Study(small.CELL, (*study.grids, more), 3, rows=2, name="small")
    store.describe(wider.entry())
    ds = load("small", tmp_path)
    assert (ds.status.sel(protocol="curriculum") == STATUS["ok"]).all()
    assert (ds.status.sel(protocol="target_only") == STATUS["pending"]).all()
    assert ds.test_accuracy.sel(protocol="curriculum").notnull().all()


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty"])
def test_damaged_block_is_set_aside_and_reported(filled, damage, caplog):
    study, store = filled
    block = study.blocks()[1]
    path = store.path(block.address)
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    path.write_bytes({"truncate": data[:-100], "flip": data, "empty": b""}[damage])
    assert store.read(block.address) is None
    assert "damaged block set aside" in caplog.text
    assert (store.folder / "damaged" / path.name).exists()
    assert block.address not in store.finished()
    store.write(block.address, small.fake(block))
    assert store.read(block.address) is not None


def test_a_finished_block_is_never_overwritten(filled):
    study, store = filled
    block = study.blocks()[0]
    before = store.path(block.address)
    stamp = before.stat().st_mtime_ns
    with pytest.raises(FileExistsError):
        store.write(block.address, small.fake(block))
    assert before.stat().st_mtime_ns == stamp
    assert not list(store.blocks.glob("*.part"))


def test_a_block_costs_two_listings_of_its_folder_however_many_files_are_there(tmp_path, monkeypatch):
    store = Store(tmp_path, "cheap")
    store.prepare()
    for number in range(100):
        (store.blocks / f"{number:020x}.{number:064x}.nc").touch()
    listed, matched = [], []

    class Pattern:
        def fullmatch(self, name):
            matched.append(name)
            return BLOCK.fullmatch(name)

    real = os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: listed.append(folder) or real(folder))
    monkeypatch.setattr(os, "scandir", None)
    monkeypatch.setattr("studies.store.blocks.BLOCK", Pattern())
    (done,) = finish(store, cheap.study(widths=(2,), replicates=2).blocks())
    assert isinstance(done, Done)
    assert listed.count(store.blocks) == 2
    assert matched == []


def test_nothing_there_is_said_in_one_line(tmp_path):
    with pytest.raises(FileNotFoundError, match="python -m studies run absent"):
        load("absent", tmp_path)


def test_status_counts_of_values(filled, tmp_path):
    ds = load("small", tmp_path)
    assert np.isfinite(ds.test_accuracy).all()
    assert ds.status.attrs["flag_meanings"].split() == list(STATUS)


def test_a_study_written_down_when_questions_and_old_names_were_part_of_it_is_found(tmp_path):
    """Before: no `names`, axes under their first names, and an address with the question in it."""
    cell = ImageTickets(width=4, n_steps=20, n_records=2, rounds=0, arms=("ticket",))
    study = Study(cell, ({"n_steps": (20, 40), "hard.noise": (0.0, 1.0)},), 2, rows=2, name="old")
    store, entry = Store(tmp_path, "old"), study.entry()
    store.prepare()
    assert set(entry["axes"]) == {"steps", "hard.noise", "protocol", "width"}
    for block in study.blocks():
        store.write(block.address, small.fake(block))
    old = {name: value for name, value in entry.items() if name != "names"}
    old["question"], old["address"] = "what it was called", "0" * 20
    store.describe(old)
    for address in (None, "0" * 20, study.address):
        ds = load("old", tmp_path, address)
        assert ds.test_accuracy.sizes["n_steps"] == 2
        assert ds["hard.noise"].values.tolist() == [0.0, 1.0]
        assert (ds.status == 0).all()
    with pytest.raises(FileNotFoundError, match="no study 1111"):
        load("old", tmp_path, "1" * 20)
