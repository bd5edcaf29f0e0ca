"""What the studies on images cannot do is said in one line: cells, data, downloads."""

import os
import subprocess
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from image_cells import CALL, FADING, ONLINE, RANKED, ROOT, TINY, TWO, block

from studies.study import Study

pytestmark = pytest.mark.usefixtures("quick_module")


@pytest.mark.parametrize(
    "line",
    [
        ["images_online", "--preset", "full", "--data_set", "cifar10"],
        ["lottery_tickets", "--preset", "full", "--data_set", "mnist"],
    ],
)
def test_data_that_are_nowhere_to_be_found_are_said_in_one_line(line, tmp_path, monkeypatch, capsys):
    import pooch

    from studies.__main__ import main

    def offline(*args, **kwargs):
        raise ConnectionError("no network")

    monkeypatch.setenv("TILTING_ODDS_DATA", str(tmp_path))
    monkeypatch.setattr(pooch, "retrieve", offline)
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / name)
    with pytest.raises(SystemExit) as stop:
        main(["run", *line, "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert "cannot be downloaded" in said
    assert said.count("\n") == 1


@pytest.mark.slow
def test_a_download_that_fails_is_said_in_one_line(tmp_path):
    """With pooch itself, in a process of its own: it announces every attempt on the standard error."""
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    empty = {"TILTING_ODDS_DATA": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "no_proxy": ""}
    command = [*CALL, "run", "images_online", "--data_set", "cifar10", "--out", tmp_path / "out"]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | nowhere | empty
    )
    assert result.returncode == 2
    assert result.stderr.startswith("error: cifar10 is not in")
    assert "cannot be downloaded" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"data_set": "svhn"}, "unknown data set 'svhn'; known: "),
        ({"data_set": "/no/such.npz"}, "no such file: /no/such.npz"),
        ({"relabelling": "xor"}, "unknown relabelling 'xor'; known: class_group_xor"),
        ({"relabelling": "parity", "pair": "1-2"}, "has no pair"),
        ({"pair": "3"}, "need two classes, as 0-4"),
        ({"pair": "3-3"}, "two different classes"),
        ({"student": "resnet"}, "unknown student"),
        ({"width": 0}, "width is 0"),
        ({"depth": 0}, "depth is 0; need 1 <= depth"),
        ({"depth": 2, "student": "lenet"}, "student 'lenet' has a depth of its own"),
        ({"parametrisation": "mup"}, "unknown parametrisation"),
        ({"optimiser": "rmsprop"}, "unknown optimiser"),
        ({"schedule": "step"}, "unknown learning rate schedule"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"n_steps": 15}, "not a multiple of record_every"),
        ({"slowest_rate": 0.0}, "slowest_rate is 0.0"),
        ({"slowest_rate": 1e-300}, "slowest_rate is 1e-300; need 1e-12 <="),
        ({"slowest_rate": float("inf")}, "slowest_rate is inf"),
        ({"n_rates": 0}, "n_rates is 0"),
        ({"n_rates": 200}, "n_rates is 200"),
        ({"student": "cnn", "side": 3}, "side is 3; need 4 <= side"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"pair": "²-4"}, "need two classes, as 0-4"),
        ({"validation": 1.0}, "validation is 1.0"),
        ({"seed": -1}, "seed is -1"),
        ({"protocol": "anti-curr"}, "unknown protocol 'anti-curr'; known: anti_curriculum, curriculum"),
        ({"corruption": "blur"}, "unknown corruption"),
        ({"easy": {"noise": 20.0}}, "easy.noise is 20 and hard.noise 16, but more noise is harder"),
        ({"easy": {"noise": -1.0}}, "level is -1.0"),
        ({"easy_fraction": 1.5}, "easy_fraction is 1.5"),
        (
            {"easy_fraction": 0.9, "protocol": "no_curriculum_then_target"},
            "easy_fraction is 0.9, but the last 15 % of no_curriculum_then_target are hard; need",
        ),
        ({"n_examples": 10}, "n_examples is 10"),
    ],
)
def test_bad_online_cells_are_refused(fields, message):
    with pytest.raises(ValueError, match=message) as error:
        Study(replace(ONLINE, **fields), ({},), 1, name="images_online")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"protocol": "no_curriculum"}, "unknown protocol"),
        ({"ranking": "hardness"}, "unknown ranking 'hardness'; known: aum"),
        ({"ranking": "published"}, "needs the file"),
        ({"ranking": "published", "ranking_file": "/none"}, "no such file"),
        ({"pacing": "cubic"}, "unknown pacing"),
        ({"a": 0.0}, "a is 0.0"),
        ({"b": 2.0}, "b is 2.0"),
        ({"label_noise": 1.0}, "label_noise is 1.0"),
        ({"label_noise": 0.6, "relabelling": "parity"}, "level is 0.6; need 0 <= level <= 0.5"),
        ({"n_examples": 20, "batch_size": 32}, "n_examples is 20; need 32 <= n_examples"),
    ],
)
def test_bad_ranked_cells_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Study(replace(RANKED, **fields), ({},), 1, name="images_ranking")


@pytest.mark.slow
def test_data_that_do_not_fit_are_one_line_at_run_time(tmp_path):
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"no archive")
    command = [*CALL, "run", "images_online", "--out", tmp_path, *TINY, "--data_set", bad]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    many = replace(RANKED, n_examples=2000)
    with pytest.raises(OSError, match="n_examples is 2000"):
        many.compute(block(many, tuple(TWO)))
    large = replace(RANKED, n_examples=0, batch_size=1152, ranking="not looked at")
    with pytest.raises(OSError, match="batch_size is 1152, but digits has 1151 images left for training"):
        large.compute(block(large, tuple(TWO)))
    for fields in ({"n_test": 10**12}, {"n_examples": 10**12}):
        huge = replace(ONLINE, **fields)
        with pytest.raises(OSError, match="is 1000000000000, which needs .* GiB; this host has"):
            huge.compute(block(huge))
    rng, odd = np.random.default_rng(0), tmp_path / "odd.npz"
    images = {
        f"{split}_inputs": rng.integers(0, 255, (6, 8, 6), dtype=np.uint8) for split in ("train", "test")
    }
    arrays: dict[str, Any] = images | {"train_labels": [0, 4] * 3, "test_labels": [0, 4] * 3}
    np.savez(odd, **arrays)
    awkward = replace(ONLINE, data_set=str(odd), side=3)
    with pytest.raises(OSError, match="cannot be averaged to 3 a side"):
        awkward.compute(block(awkward))
    arrays |= {name: pixels[:, :2, :2] for name, pixels in images.items()}
    np.savez(odd, **arrays)
    tiny = replace(ONLINE, data_set=str(odd), student="cnn")
    with pytest.raises(OSError, match="images are 2 x 4 pixels; a CNN needs at least 4 x 4"):
        tiny.compute(block(tiny))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"protocol": "curriculum"},
            "unknown protocol 'curriculum'; known: ramp, ramp_then_target, shuffled",
        ),
        ({"easy": {"noise": -0.1}}, "level is -0.1; need 0 <= level"),
        ({"easy": {"noise": 1.0}}, "easy.noise and hard.noise are both 1; a ramp needs two levels"),
        ({"easy": {"noise": 2.0}}, "easy.noise is 2 and hard.noise 1, but more noise is harder"),
        (
            {"corruption": "shrunk"},
            "level is 1.0, but an image is shrunk to 1 - level of its sides; need 0 <=",
        ),
        ({"shared_rate": -0.1}, "shared_rate is -0.1; need 0 <= shared_rate"),
        ({"n_examples": 159}, "n_examples is 159; need 160 <= n_examples"),
    ],
)
def test_bad_fading_cells_are_refused(fields, message):
    with pytest.raises(ValueError, match=message) as error:
        Study(replace(FADING, **fields), ({},), 1)
    assert "\n" not in str(error.value)


def test_an_image_shrunk_to_nothing_is_refused():
    cell = replace(FADING, corruption="shrunk", hard={"noise": 0.9})
    with pytest.raises(OSError, match="level is 0.9, which shrinks 8 pixels to 0.8; need level <= 0.875"):
        cell.compute(block(cell, ("ramp",)))
