"""Files from others are data: nothing in them runs, and damage is told from danger."""

import io
import os
import pickle
import tracemalloc
import zipfile
from collections import OrderedDict, defaultdict
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, strategies as st
from torch_writer import Tensor, as_stream, as_zip

from curricula import load_ranking
from curricula.formats import torch_files
from teacher_student.data_sets import pickles


class Runs:
    """Pickles to a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


HOSTILE = {
    "system": Runs(os.system, "touch PWNED"),
    "eval": Runs(eval, "open('PWNED', 'w')"),
    "getattr": Runs(getattr, "text", "upper"),
    "open": Runs(open, "PWNED", "w"),
    "numpy_load": Runs(np.load, "x.npy"),
    "frompyfunc": Runs(np.frompyfunc, len, 1, 1),
    "nested": {"indices": [1, 2, Runs(os.system, "touch PWNED")]},
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_hostile_pickles_are_refused_and_nothing_runs(name, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = pickle.dumps(HOSTILE[name], protocol)
    with pytest.raises(ValueError, match="refused"):
        pickles.loads(data)
    for suffix, whole in (("pkl", data), ("pt", as_zip(HOSTILE[name])), ("pth", as_stream(HOSTILE[name]))):
        path = tmp_path / f"scores.{suffix}"
        path.write_bytes(whole)
        with pytest.raises(ValueError, match="refused"):
            load_ranking(path)
    assert not (tmp_path / "PWNED").exists()


def test_names_spelled_in_the_stream_are_refused():
    for module, name in (
        (b"os", b"system"),
        (b"builtins", b"exec"),
        (b"torch.hub", b"load"),
        (b"copyreg", b"_reconstructor"),
    ):
        with pytest.raises(pickles.Unsafe, match="refused"):
            pickles.loads(b"c" + module + b"\n" + name + b"\n(S'x'\ntR.")


def test_array_states_that_would_fool_numpy_are_refused():
    pointer = b"\0" * 8
    objects = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    dtype = b"cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntb"
    state = b"(I1\n(I1\nt" + dtype + b"I00\nS'" + b"\\x00" * len(pointer) + b"'\ntb."
    with pytest.raises(pickles.Unsafe, match="object array"):
        pickles.loads(objects + state)
    with pytest.raises(pickles.Unsafe, match="refused"):
        pickles.loads(pickle.dumps(np.zeros(2, [("a", "i4")]), 2))
    with pytest.raises(pickles.Unsafe, match="not a plain"):
        pickles.loads(pickle.dumps(np.zeros(2, "M8[s]"), 2))


def test_a_pickle_cannot_alter_the_constructors_for_the_next_one():
    harmful = b"cnumpy\ndtype\n(N}S'_function'\ncbuiltins\nlist\nstb."
    with pytest.raises(ValueError, match="refused"):
        pickles.loads(harmful)
    assert pickles.loads(pickle.dumps(np.arange(3))).tolist() == [0, 1, 2]


VALUES = {
    "array": np.arange(6.0).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "big_endian": np.arange(3, dtype=">i4"),
    "text": np.array(["a", "bc"]),
    "bool": np.array([True, False]),
    "scalar": np.float64(2.5),
    "objects": np.array([1, "x", None], dtype=object),
    "empty": np.zeros((0, 3)),
}


@pytest.mark.parametrize("name", sorted(VALUES))
@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
def test_plain_numpy_survives(name, protocol):
    got = pickles.loads(pickle.dumps({"v": [VALUES[name]]}, protocol))["v"][0]
    np.testing.assert_array_equal(got, VALUES[name])


@pytest.mark.parametrize("write", [as_zip, as_stream])
def test_tensors_come_back_from_both_containers(write):
    table = defaultdict(list)
    table[3].append(Tensor(np.float64(0.5)))
    value = OrderedDict(
        matrix=Tensor(np.arange(6, dtype=np.float32).reshape(2, 3), device="cuda:0"),
        view=Tensor(np.arange(4), offset=5),
        plain=np.arange(3),
        table=table,
    )
    got = torch_files.loads(write(value))
    assert got["matrix"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert got["matrix"].dtype == np.float32
    assert got["view"].tolist() == [0, 1, 2, 3]
    assert got["plain"].tolist() == [0, 1, 2]
    assert got["table"][3][0] == 0.5


def test_tensors_that_reach_outside_their_storage_are_refused():
    data = as_zip(Tensor(np.arange(4.0)))
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content[:8] if "/data/" in name else content)
    with pytest.raises(ValueError, match="reaches element 3 of a storage of 1"):
        torch_files.loads(stream.getvalue())


def test_a_few_bytes_take_no_more_memory_than_they_hold():
    """The number of a name and a length are whatever the file says, here 2^27 each."""
    many = b"\xff\xff\xff\x07"
    tracemalloc.start()
    try:
        assert pickles.loads(b"\x80\x02K\x01r" + many + b".") == 1
        for code in (b"B" + many, *(code + many + bytes(4) for code in (b"\x8e", b"\x95", b"\x96"))):
            with pytest.raises(ValueError, match="not a readable pickle"):
                pickles.loads(b"\x80\x05" + code + b"1.")
        with pytest.raises(ValueError, match="must come with its bytes, not with int"):
            pickles.Dtype("f8").read(2**27 - 1, (2**24,))
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=60), st.integers(0, 400))
def test_damage_gives_a_value_error_and_nothing_else(noise, cut):
    for good in (
        pickle.dumps({"a": np.arange(5)}),
        as_zip(Tensor(np.arange(4))),
        as_stream(Tensor(np.arange(4))),
    ):
        data = good[:cut] + noise + good[cut + len(noise) :]
        for load in (pickles.loads, torch_files.loads):
            with suppress(ValueError):
                load(data)
