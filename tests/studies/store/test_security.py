"""Reading results or rankings executes nothing from them, and no name or address leads out of its folder."""

import hashlib
import json
import os
import pickle
from pathlib import Path

import cheap
import numpy as np
import pytest
import xarray as xr
from processes import counts

from curricula import load_ranking
from studies.engine.export import export
from studies.engine.run import run
from studies.store import Store, load

STUDY = cheap.study(widths=(2,), replicates=2)


class Bomb:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def bomb(tmp_path):
    mark = tmp_path / "executed"
    pickle.loads(pickle.dumps(Bomb(mark)))
    assert mark.is_dir()  # it works
    mark.rmdir()
    yield Bomb(mark)
    assert not mark.exists()


def contents(bomb: Bomb, kind: str) -> bytes:
    if kind == "pickle":
        return pickle.dumps(bomb)
    path = bomb.mark.parent / "bomb.npy"
    np.save(path, np.array([bomb], dtype=object), allow_pickle=True)
    return path.read_bytes()


@pytest.mark.parametrize("kind", ["pickle", "npy"])
def test_a_block_with_code_in_it_is_set_aside_unexecuted(tmp_path, bomb, kind, caplog):
    """Its digest is right: whoever can write into the folder can do that."""
    assert run(STUDY, str(tmp_path)).ok
    store = Store(tmp_path, "cheap")
    ((address, path),) = store.finished().items()
    path.unlink()
    data = contents(bomb, kind)
    path = store.blocks / f"{address}.{hashlib.sha256(data).hexdigest()}.nc"
    path.write_bytes(data)
    with pytest.raises(FileNotFoundError, match="no finished block"):
        load("cheap", tmp_path)
    assert "set aside" in caplog.text
    assert counts(STUDY, tmp_path) == (0, 1)
    assert run(STUDY, str(tmp_path)).ok
    assert counts(STUDY, tmp_path) == (1, 0)


@pytest.mark.parametrize("name", ["study", "log", "store"])
def test_a_description_with_code_in_it_is_text(tmp_path, bomb, name):
    assert run(STUDY, str(tmp_path)).ok
    folder = tmp_path / "cheap"
    (log,) = (folder / "logs").iterdir()
    path = {"study": folder / f"study-{STUDY.address}.json", "log": log, "store": folder / "store.json"}[name]
    path.write_bytes(pickle.dumps(bomb))
    if name == "study":
        with pytest.raises(ValueError, match="is damaged; the command that made it writes it again"):
            load("cheap", tmp_path)
    assert run(STUDY, str(tmp_path)).ok
    assert (load("cheap", tmp_path).status == 0).all()
    assert counts(STUDY, tmp_path) == (1, 0)


@pytest.mark.parametrize("ending", [".npy", ".npz", ".pkl", ".pt", ".pickle"])
def test_a_ranking_with_code_in_it_is_refused_unexecuted(tmp_path, bomb, ending):
    path = tmp_path / f"ranking{ending}"
    if ending == ".npz":
        with path.open("wb") as file:
            np.savez(file, scores=np.array([bomb], dtype=object))
    else:
        path.write_bytes(contents(bomb, "npy" if ending == ".npy" else "pickle"))
    with pytest.raises(ValueError, match=f"{path.name}|refused: the file asks for") as error:
        load_ranking(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name", ["..", "../x", "/etc", "a/b", "", ".", ".hidden", "a\0b", "a\n", "x/../../y", "-x", "a b"]
)
def test_a_study_name_cannot_lead_out_of_the_output_folder(tmp_path, name):
    out = tmp_path / "out"
    for verb in (
        lambda: Store(out, name),
        lambda: load(name, out),
        lambda: export(name, str(out), str(tmp_path / "x.nc")),
    ):
        with pytest.raises(ValueError, match="study name is"):
            verb()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "address", ["../secret", "*", "?" * 20, "..", "A" * 20, "a" * 21, "", "a" * 19 + "/"]
)
def test_an_address_cannot_lead_out_of_the_output_folder(tmp_path, address):
    assert run(STUDY, str(tmp_path)).ok
    (tmp_path / "study-secret.json").write_text("{}")
    store, nothing = Store(tmp_path, "cheap"), xr.Dataset()
    for verb in (store.path, store.asked, lambda text: store.write(text, nothing)):
        with pytest.raises(ValueError, match="address is"):
            verb(address)


def test_addresses_in_a_description_are_looked_up_never_followed(tmp_path):
    assert run(STUDY, str(tmp_path)).ok
    path = tmp_path / "cheap" / f"study-{STUDY.address}.json"
    asked = json.loads(path.read_text())
    (tmp_path / "outside.nc").write_bytes(b"x")
    asked["blocks"].append(asked["blocks"][0] | {"address": "../../outside"})
    path.write_text(json.dumps(asked))
    assert load("cheap", tmp_path).status.values.tolist() == [[[0, 0]], [[0, 0]]]
