"""The benchmark for accelerators runs as it is where there is none."""

import csv
import itertools

import jax
import pytest

from benchmarks import device

pytestmark = pytest.mark.usefixtures("quick_module")


@pytest.mark.slow
def test_the_table_is_made_and_saved(monkeypatch, tmp_path, capsys):
    tiny, calls = device.simulators, []

    def process(*arguments):
        calls.append(arguments)
        if "benchmarks.scores" in arguments:
            raise RuntimeError("out of memory")
        return 1.5

    monkeypatch.setattr(device, "simulators", lambda small: itertools.islice(tiny(small), 2))
    monkeypatch.setattr(device, "process", process)
    monkeypatch.setenv(device.PREALLOCATE, "true")  # as it was, in the end
    with jax.numpy_dtype_promotion("standard"):  # as a user's process has it
        assert device.main(["--tiny", "--out", str(tmp_path / "a" / "table.csv")]) == 0
    with (tmp_path / "a" / "table.csv").open() as file:
        head, *rows = csv.reader(file)
    assert tuple(head) == device.COLUMNS
    assert [row[:3] for row in rows] == [
        ["gram", "4", "32"], ["naive vmap(scan)", "4", "32"], ["threefry, jax.random", "16", "64"],
        ["threefry, written out", "16", "64"], ["xor_mixture cut down", "0", "0"],
        ["images_online cut down", "0", "0"],
    ]  # fmt: skip
    assert all(float(row[3]) > 0 for row in rows[:4])
    assert "a row failed: RuntimeError: out of memory" in capsys.readouterr().out
    assert [call[1] for call in calls] == ["studies", "benchmarks.scores", "studies"]


def test_no_row_is_begun_when_the_time_is_over(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv(device.PREALLOCATE, "true")
    assert device.main(["--tiny", "--seconds", "0", "--out", str(tmp_path / "table.csv")]) == 0
    assert "9 rows left out" in capsys.readouterr().out
