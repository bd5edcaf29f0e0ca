"""What a run tells: progress, log, status, provenance; export and verify."""

import io
import json
import re
import shutil

import cheap
import numpy as np
import pytest
import xarray as xr
from processes import FEW, PATIENCE, call, command, wait_for
from rich.console import Console

from studies.command_line import spoken
from studies.engine.display import Display
from studies.engine.events import Done, Ended, Started
from studies.engine.export import export
from studies.engine.run import run
from studies.engine.status import survey
from studies.engine.verify import verify
from studies.store import STATUS, Store, load
from studies.store.log import facts


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("finished")
    assert run(FEW, str(out)).ok
    return out


@pytest.fixture
def copy(finished, tmp_path):
    shutil.copytree(finished / "cheap", tmp_path / "cheap")
    return tmp_path


def test_a_run_without_a_terminal_prints_a_plain_line_per_block(tmp_path, capsys):
    with spoken("studies"):
        assert run(FEW, str(tmp_path), listeners=[Display()]).ok
    first, *blocks, last = capsys.readouterr().out.splitlines()
    assert first == f"cheap {FEW.address}: 0 of 2 blocks done"
    form = r"  width . replicates 0-1  drawn  .* s  .* run-steps/s  \[./2  .* run-steps/s(  .* left)?\]"
    assert all(re.fullmatch(form, line) for line in blocks)
    assert [" left]" in line for line in blocks] == [True, False]
    assert len(blocks) == 2
    assert last.startswith("done in 0:00:0")


def test_a_terminal_gets_a_bar_with_blocks_speed_and_time_left(finished):
    known = facts(Store(finished, "cheap").logs)
    text = io.StringIO()
    blocks = FEW.blocks()
    display = Display(console=Console(file=text, force_terminal=True, width=120))
    display(Started(FEW, 2, tuple(blocks)))
    (own,) = [own for own, _ in known.values() if own.address == blocks[0].address]
    display(Done(blocks[0], own))
    display.bar.refresh()
    display(Ended())
    assert re.search(r"1/2.*run-steps/s  \d:\d\d:\d\d left", text.getvalue())


def test_the_log_is_json_lines_and_matches_the_store(finished):
    store = Store(finished, "cheap")
    (path,) = store.logs.iterdir()
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [event["event"] for event in events] == ["start", "block", "block", "end"]
    assert {"study", "command", "host", "process", "python", "blocks", "pending"} <= events[0].keys()
    assert set(facts(store.logs)) == {tuple(p.name.split(".")[:2]) for p in store.finished().values()}


def test_status_needs_no_log_and_believes_none_that_speaks_of_other_bytes(copy):
    whole = str(survey(FEW, Store(copy, "cheap")))
    assert whole == f"cheap {FEW.address}: 2 done, 0 pending, 0 runs not ok"
    (path,) = (copy / "cheap" / "logs").iterdir()
    lying = path.read_text().replace('"not_ok": 0', '"not_ok": 7')
    path.write_text(re.sub('"digest": "....', '"digest": "0000', lying) + '{"event": "block", "addr')
    assert str(survey(FEW, Store(copy, "cheap"))) == whole
    path.unlink()
    assert str(survey(FEW, Store(copy, "cheap"))) == whole


def test_status_of_a_folder_in_which_it_was_not_run_is_one_line_that_says_what_to_do(tmp_path):
    said = str(survey(FEW, Store(tmp_path, "cheap")))
    assert said == (
        f"cheap {FEW.address}: nothing of it has been run in {tmp_path}; give the folder of its results as "
        "--out, or run it: python -m studies run cheap"
    )
    assert not list(tmp_path.iterdir())


def test_status_counts_runs_that_are_not_ok_and_estimates_the_time(tmp_path):
    study = cheap.study(widths=(2, 4), replicates=2)
    store = Store(tmp_path, "cheap")
    store.prepare()
    first = study.blocks()[0]
    result = first.cell.compute(first).assign_attrs(seconds=100.0)
    result.status[0, 0] = STATUS["diverged"]
    result.status[0, 1] = STATUS["max_steps"]
    store.write(first.address, result)
    top, left = repr(survey(study, store)).splitlines()
    assert top.endswith("1 done, 1 pending, 2 runs not ok (diverged, or out of steps)")
    assert left.startswith("time left about 0:03:20")  # twice the width, twice the work


@pytest.mark.slow
def test_status_watch_follows_a_run_to_its_end(tmp_path):
    fields = ["--seconds", "0.4", "--out", tmp_path]
    running = command("run", "cheap", *fields)
    wait_for(lambda: Store(tmp_path, "cheap").finished())
    code, out, _ = call("status", "cheap", "--watch", *fields)
    assert code == 0
    done = [int(n) for n in re.findall(r"(\d) done", out)]
    assert done == sorted(done)
    assert len(set(done)) >= 2
    assert done[-1] == 8
    assert "being computed now: 1" in out
    assert running.wait(timeout=PATIENCE) == 0
    running.communicate()


def test_watching_does_not_read_intact_blocks_again(copy, monkeypatch):
    store, seen = Store(copy, "cheap"), []
    intact: set[str] = set()
    survey(FEW, store, intact)
    monkeypatch.setattr(Store, "intact", lambda self, path: seen.append(path))
    assert len(survey(FEW, store, intact).done) == 2
    assert seen == []


def test_every_saved_array_says_where_it_comes_from(finished):
    block = FEW.blocks()[0]
    saved = Store(finished, "cheap").read(block.address)
    assert saved is not None
    assert saved.attrs["address"] == block.address
    assert json.loads(saved.attrs["description"]) == block.description()
    assert saved.attrs["code"].startswith("tilting-odds 0.")
    assert {"python", "xla_flags", "versions", "device", "method", "seconds", "date"} <= saved.attrs.keys()
    assert load("cheap", finished).attrs["code"] == saved.attrs["code"]


@pytest.mark.parametrize("kind", ["nc", "zarr"])
def test_export_is_one_labelled_file_with_the_specification(copy, kind):
    min(Store(copy, "cheap").finished().values()).unlink()
    target = copy / f"whole.{kind}"
    assert export("cheap", str(copy), str(target)) == target
    opened = xr.open_dataset(target) if kind == "nc" else xr.open_zarr(target)
    with opened as found:
        xr.testing.assert_equal(found.load(), load("cheap", copy))
        assert json.loads(found.attrs["description"])["cell"]["rate"] == 0.5
        assert found.attrs["address"] == FEW.address
        assert int((found.status == STATUS["pending"]).sum()) == 4
    before = sorted(p for p in copy.rglob("*"))
    with pytest.raises(FileExistsError, match="choose another name"):
        export("cheap", str(copy), str(target))
    assert sorted(p for p in copy.rglob("*")) == before


def test_export_of_a_long_specification(tmp_path):
    """HDF5 keeps at most 64 KiB in an attribute unless asked otherwise."""
    study = cheap.study(widths=tuple(range(1, 41)), replicates=1, rows=1, rates=tuple(np.arange(1, 41) / 41))
    store = Store(tmp_path, "cheap")
    store.prepare()
    store.describe(study.entry())
    first = study.blocks()[0]
    store.write(first.address, first.cell.compute(first))
    assert len(load("cheap", tmp_path).attrs["description"]) > 2**16
    assert export("cheap", str(tmp_path), str(tmp_path / "long.nc")).exists()


@pytest.mark.parametrize(
    ("to", "error", "message"),
    [
        ("x.csv", ValueError, "need a name that ends in .nc or .zarr"),
        ("no/such/x.nc", FileNotFoundError, "the folder of .* does not exist"),
        ("/proc/x.nc", OSError, "^cannot write /proc/x.nc: No such file or directory; choose another name$"),
    ],
)
def test_export_refuses_in_one_line(finished, to, error, message):
    with pytest.raises(error, match=message):
        export("cheap", str(finished), to)


def test_verify_finds_what_it_should(copy, caplog):
    caplog.set_level("INFO")
    assert str(verify(FEW, str(copy), cells=20, seed=1)) == "8 of 8 cells identical"
    texts = []
    for _ in range(2):
        caplog.clear()
        assert not verify(FEW, str(copy), cells=3, seed=1).differ
        texts.append(re.sub(r"\d\.\d s", "", "\n".join(caplog.messages)))
    assert texts[0] == texts[1]
    assert "--seed 1" in texts[0]
    store = Store(copy, "cheap")
    block = FEW.blocks()[1]
    stored = store.read(block.address)
    path = store.path(block.address)
    assert stored is not None
    assert path is not None
    path.unlink()
    stored.test_accuracy[0, 1, 2] += 1e-12
    store.write(block.address, stored)
    found = verify(FEW, str(copy), cells=8, seed=1)
    assert "width 3 curriculum replicate 1: DIFFERS, test_accuracy by up to 1e-12" in caplog.text
    assert list(found.differ) == ["width 3 curriculum replicate 1"]
    assert str(found) == "7 of 8 cells identical"


def test_verify_of_nothing_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="python -m studies run cheap"):
        verify(FEW, str(tmp_path))


def test_planning_describes_every_block_once():
    calls = []

    class Counting(cheap.CheapCell):
        def numerics(self):
            calls.append(self)
            return {"version": 1}

    grid = {"protocol": cheap.PROTOCOLS, "width": tuple(range(1, 101))}
    study = cheap.Study(Counting(), (grid,), 2, rows=2, name="cheap")
    blocks = study.blocks()
    assert [b.address for b in study.blocks()] == [b.address for b in blocks]
    study.entry()
    assert len(calls) == 2 * 100  # once for the settings, once for the address
