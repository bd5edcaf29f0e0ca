"""The command line as a user meets it: real processes, exit status, one-line errors, kill -9 and resume."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import xarray as xr
from flags import OURS, QUICKLY
from processes import PATIENCE, command, simulate, wait_for
from root import ROOT

from figures.__main__ import main as figures_main
from studies.__main__ import main
from studies.store import Store, load

pytestmark = pytest.mark.usefixtures("quick_module")


def tiny(width="2,3", replicates=5, protocol="curriculum,no_curriculum") -> list[str]:
    return [
        *("--n_inputs", "40", "--width", width, "--budget", "10", "--record_every", "5", "--n_test", "32"),
        *("--replicates", str(replicates), "--rows", "2", "--protocol", protocol),
    ]


TINY = tiny()


def call(module, *arguments):
    line = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(line, cwd=ROOT, env=os.environ | QUICKLY, capture_output=True, text=True)


#: Programs compiled as those of this module, so that one compiles them and all find them.
ALIKE = """
import jax
from teacher_student.fixed_settings import FIXED
FIXED["jax_disable_most_optimizations"] = True
jax.config.update("jax_disable_most_optimizations", True)
"""


def started(*arguments):
    """A process of its own that simulates."""
    return simulate(*arguments, before=ALIKE if OURS else "", environment=os.environ)


def inside(main, capsys, *arguments):
    """What `call` gives, in this process, which is there already and has compiled the programs."""
    try:
        code = main([*map(str, arguments)])
    except SystemExit as stop:  # a refusal
        code = int(str(stop.code))
    out, err = capsys.readouterr()
    return subprocess.CompletedProcess(arguments, code, out, err)


def refused(result, *words):
    assert result.returncode == 2, result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr + result.stdout
    for word in words:
        assert word in result.stderr


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    process = started("run", "xor_mixture", "--out", out, *TINY)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    return out


def same(a: Path, b: Path) -> None:
    one, two = load("xor_mixture", a), load("xor_mixture", b)
    xr.testing.assert_equal(one, two)
    assert (one.status == 0).all()


@pytest.mark.slow
def test_running_twice_does_nothing_the_second_time(undisturbed, capsys):
    files = {p: p.stat().st_mtime_ns for p in (undisturbed / "xor_mixture" / "blocks").iterdir()}
    again = inside(main, capsys, "run", "xor_mixture", "--out", undisturbed, *TINY)
    assert "6 of 6 blocks done" in again.stdout
    assert files == {p: p.stat().st_mtime_ns for p in (undisturbed / "xor_mixture" / "blocks").iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("wait_for_blocks", [0, 3])
def test_a_killed_run_resumes_to_the_same_bits(undisturbed, tmp_path, wait_for_blocks, capsys):
    process = started("run", "xor_mixture", "--out", tmp_path, *TINY)
    blocks = tmp_path / "xor_mixture" / "blocks"
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        if blocks.exists() and len(list(blocks.glob("*.nc"))) >= wait_for_blocks:
            break
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = len(list(blocks.glob("*.nc")))
    status = inside(main, capsys, "status", "xor_mixture", "--out", tmp_path, *TINY)
    assert f"{done} done, {6 - done} pending, 0 runs not ok" in status.stdout
    again = inside(main, capsys, "run", "xor_mixture", "--out", tmp_path, *TINY)
    assert again.returncode == 0, again.stderr
    assert f"{done} of 6 blocks done" in again.stdout
    same(undisturbed, tmp_path)


@pytest.mark.slow
def test_a_damaged_block_is_set_aside_recomputed_and_reported(undisturbed, tmp_path, capsys):
    subprocess.run(["cp", "-r", undisturbed / "xor_mixture", tmp_path], check=True)
    block = sorted((tmp_path / "xor_mixture" / "blocks").glob("*.nc"))[2]
    block.write_bytes(block.read_bytes()[:-50])
    again = inside(main, capsys, "run", "xor_mixture", "--out", tmp_path, *TINY)
    assert again.returncode == 0
    assert "damaged block set aside" in again.stdout
    assert "5 of 6 blocks done" in again.stdout
    same(undisturbed, tmp_path)


@pytest.mark.slow
def test_cells_do_not_depend_on_what_else_is_asked(undisturbed, tmp_path, capsys):
    fewer = tiny("3", 2, "no_curriculum")
    result = inside(main, capsys, "run", "xor_mixture", "--out", tmp_path, *fewer)
    assert result.returncode == 0, result.stderr
    few, many = load("xor_mixture", tmp_path), load("xor_mixture", undisturbed)
    many = many.sel(width=[3], replicate=[0, 1], protocol=["no_curriculum"])
    xr.testing.assert_equal(few.test_accuracy, many.test_accuracy)


@pytest.mark.slow
def test_interrupt_stops_after_the_block_and_says_how_to_go_on(tmp_path):
    process = command("run", "cheap", "--seconds", "0.3", "--replicates", "60", "--out", tmp_path)
    blocks = tmp_path / "cheap" / "blocks"
    wait_for(lambda: list(blocks.glob("*.nc")))
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate()
    assert process.returncode == 130
    assert "the same command goes on from here" in text
    assert len(list(blocks.glob("*.nc"))) < 120
    assert not list(blocks.glob("*.part"))


@pytest.mark.slow
def test_diverged_runs_are_marked_counted_and_do_no_harm(tmp_path, capsys):
    fields = [*tiny("3", 3), "--learning_rate", "0.3,1000"]
    result = inside(main, capsys, "run", "xor_mixture", "--out", tmp_path, *fields)
    assert " runs not ok (diverged, or out of steps)" in result.stdout
    ds = load("xor_mixture", tmp_path)
    assert (ds.status.sel(learning_rate=1000.0) == 1).all()
    assert (ds.status.sel(learning_rate=0.3) == 0).all()
    assert ds.test_accuracy.sel(learning_rate=0.3).notnull().all()


def test_list_and_where(tmp_path):
    assert "xor_mixture" in call("studies", "list").stdout
    assert main(["where", "xor_mixture", "--out", str(tmp_path / "no")]) == 0
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "xor"], ["unknown study 'xor'", "xor_mixture"]),
        (["run", "xor_mixture", "--preset", "huge"], ["unknown preset", "quick, full"]),
        (["run", "xor_mixture", "--protocol", "anti-curr"], ["unknown protocol", "anti_curriculum"]),
        (["run", "xor_mixture", "--parametrisation", "mup"], ["mean_field, ntk, standard"]),
        (["run", "xor_mixture", "--activation", "nonsense"], ["unknown activation", "relu"]),
        (["run", "xor_mixture", "--activation", "erf"], ["odd"]),
        (["run", "xor_mixture", "--width", "0"], ["width is 0"]),
        (["run", "xor_mixture", "--hard.noise", "0"], ["noise is 0.0"]),
        (["run", "xor_mixture", "--easy_fraction", "1.1"], ["easy_fraction is 1.1"]),
        (["run", "xor_mixture", "--budget", "1"], ["too short to record"]),
        (["run", "xor_mixture", "--widht", "4"], ["unknown field 'widht'; did you mean width? known: "]),
        (["run", "xor_mixture", "--learning-rate", "1"], ["did you mean learning_rate? known: "]),
        (["run", "xor_mixture", "--esay.noise=1"], ["did you mean easy? known: "]),
        (["run", "xor_mixture", "--width=0"], ["width is 0"]),
        (["run", "xor_mixture", "--width=4", "--width", "5"], ["--width is given twice"]),
        (["verify", "xor_mixture", "--cells", "2.5"], ["cells is '2.5'; need a whole number >= 1"]),
        (["verify", "xor_mixture", "--cells", "0"], ["cells is '0'; need a whole number >= 1"]),
        (["verify", "xor_mixture", "--seed", "-1"], ["seed is '-1'; need a whole number >= 0"]),
        (["export", "committee", "--to", "x.nc", "--out", "/no"], ["run committee --out /no (see"]),
        (
            ["export", "comittee", "--to", "x.nc", "--out", "/no"],
            ["unknown study 'comittee'; known: ", ", committee, "],
        ),
        (["run", "xor_mixture", "--width"], ["--field VALUE"]),
        (["run", "xor_mixture", "--width", "4", "--width", "5"], ["--width is given twice", "V1,V2"]),
        (["status", "xor_mixture", "--out", __file__], ["is no folder of results; choose another --out"]),
        (["list", "--foo"], ["unknown argument '--foo'; list takes none"]),
        (["run", "xor_mixture", "--out", "/proc/none"], ["cannot write to /proc/none"]),
        (["walk"], ["invalid choice"]),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments, words, capsys):
    refused(inside(main, capsys, *arguments), *words)


def test_a_home_folder_is_found_also_behind_an_equals_sign(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["where", "xor_mixture", "--out=~/x"]) == 0
    assert f"folder  {tmp_path}/x/xor_mixture" in capsys.readouterr().out
    assert Store("~/x", "xor_mixture").folder == tmp_path / "x" / "xor_mixture"


def test_a_hint_names_the_folder_and_what_is_there(tmp_path):
    for name in ("one", "two"):
        Store(tmp_path, name).prepare()
        Store(tmp_path, name).describe({"address": "0" * 20})
    with pytest.raises(FileNotFoundError) as error:
        load("three", tmp_path)
    assert str(error.value) == (
        f"no results in {tmp_path}/three; there are those of one, two; make them with: "
        f"python -m studies run three --out {tmp_path} (see studies list)"
    )
    with pytest.raises(FileNotFoundError, match=r"run three \(see"):
        load("three")
    with pytest.raises(FileNotFoundError, match=r"test_command_line.py is no folder of results$"):
        load("three", __file__)


def test_help_of_a_study_lists_its_fields_with_values_and_meaning(capsys):
    with pytest.raises(SystemExit) as end:
        main(["run", "xor_mixture", "--help"])
    assert end.value.code == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert any(line.startswith("--width 2,4,8,16,32,64 ") for line in lines)
    assert "--n_inputs 300 int, input dimension N" in lines
    assert any(line.startswith("--easy.noise 0.1 level of easy samples") for line in lines)
    assert any(line.startswith("--replicates 64 int >= 1") for line in lines)
    assert max(map(len, lines)) <= 110


@pytest.mark.parametrize("module", ["studies", "figures"])
def test_bad_input_is_one_line_and_status_2_of_a_real_process(module):
    arguments = ["run", "xor_mixture", "--width", "0"] if module == "studies" else ["nothing"]
    refused(call(module, *arguments), "width is 0" if module == "studies" else "unknown figure")


def test_figures_refuse_in_one_line(tmp_path, capsys):
    refused(inside(figures_main, capsys, "nothing"), "unknown figure", "xor_mixture")
    none = inside(figures_main, capsys, "xor_mixture", "--from", tmp_path)
    refused(none, "python -m studies run xor_mixture")
    refused(inside(figures_main, capsys, "xor_mixture", "--format", "bmp"), "invalid choice")
