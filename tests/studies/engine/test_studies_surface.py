"""What `import studies` offers: nothing is imported before it is used, nothing printed that was not asked."""

import subprocess
import sys

import cheap
import numpy as np
import pytest
import xarray as xr
from processes import HERE, ROOT

import studies
from studies.surface import text

SLOW = {"jax", "numpy", "scipy", "xarray", "pandas", "matplotlib", "rich", "distributed", "fcntl"}


def imported(code: str) -> set[str]:
    """What is imported in a process of its own once `code` has run."""
    line = f"{code}\nimport sys; print(*sorted(sys.modules))"
    found = subprocess.run([sys.executable, "-c", line], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return set(found.stdout.split())


def test_importing_studies_is_free_and_its_names_are_there():
    own = {name for name in imported("import studies; dir(studies)") if name.startswith("studies")}
    assert own == {"studies"}
    assert not imported("import studies") & SLOW
    assert set(studies.__all__) <= set(dir(studies))
    for name in studies.__all__:
        assert getattr(studies, name)
    with pytest.raises(AttributeError, match="no attribute 'laod'; it has analysis, export, get, load, run"):
        studies.laod  # noqa: B018


def test_results_are_read_and_drawn_where_there_are_no_locks(tmp_path):
    """As on a system without the module fcntl."""
    studies.run(cheap.study(), tmp_path)
    code = (
        "import sys; sys.modules['fcntl'] = None\n"
        "import studies, figures.__main__\n"
        f"assert studies.load('cheap', {str(tmp_path)!r}).sizes['width'] == 4"
    )
    assert "studies.store" in imported(code)


def test_a_run_with_nothing_to_do_needs_neither_jax_nor_dask(tmp_path):
    studies.run(cheap.study(), tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
        f"import cheap; assert cheap.main(['run', 'cheap', '--out', {str(tmp_path)!r}]) == 0"
    )
    found = imported(code)
    assert {"studies.engine.run", "xarray"} <= found
    assert not found & {"jax", "dask", "distributed"}


def test_run_computes_what_is_missing_and_gives_the_dataset_without_a_word(tmp_path, capfd):
    ds = studies.run(cheap.study(), tmp_path, width=(2, 3), replicates=3)
    assert ds.sizes == {"protocol": 2, "width": 2, "replicate": 3, "time": 4}
    assert (ds.status == 0).all()
    assert capfd.readouterr() == ("", "")
    xr.testing.assert_identical(studies.run(cheap.study(), tmp_path, width=(2, 3), replicates=3), ds)
    more = studies.run(cheap.study(), tmp_path, progress=True, width=np.array([2, 5]), replicates=3)
    assert more.width.values.tolist() == [2, 5]
    assert "width 5" in capfd.readouterr().out


def test_a_run_that_does_not_get_done_raises(tmp_path, monkeypatch):
    with pytest.raises(RuntimeError, match=r"2 blocks failed, the first: width 3 .*tracebacks: .*logs"):
        studies.run(cheap.study(fail=3), tmp_path)
    assert studies.load("cheap", tmp_path).status.sel(width=2).max() == 0
    monkeypatch.setattr("studies.engine.run.executor", lambda how: lambda pending, store: iter_nothing())
    with pytest.raises(KeyboardInterrupt, match="stopped with 8 blocks left"):
        studies.run(cheap.study(rates=(0.25,)), tmp_path)


def iter_nothing():
    """An executor that is asked to stop at once."""
    yield from ()


def test_status_verify_and_export(tmp_path):
    study = cheap.study(widths=(2, 3), replicates=2)
    assert "nothing of it has been run in" in repr(studies.status(study, tmp_path))
    studies.run(study, tmp_path)
    assert repr(studies.status(study, tmp_path)) == f"cheap {study.address}: 2 done, 0 pending, 0 runs not ok"
    assert studies.verify(study, tmp_path, cells=5, seed=3).differ == {}
    path = studies.export("cheap", tmp_path / "all.nc", tmp_path)
    with xr.open_dataset(path) as found:
        xr.testing.assert_equal(found.load(), studies.load("cheap", tmp_path))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (4, "4"),
        ((4, 16), "4,16"),
        (range(3), "0,1,2"),
        (0.1, "0.1"),
        (np.linspace(0, 1, 3), "0.0,0.5,1.0"),
        (np.float32(0.5), "0.5"),
        (True, "True"),
        (["a", "b"], "a,b"),
    ],
)
def test_values_become_the_text_of_the_command_line(value, written):
    assert text(value) == written


def test_get_knows_the_catalogue_and_its_fields():
    study = studies.get("committee", "quick", width=(2, 4), learning_rate=0.25, replicates=np.int64(8))
    assert study.axes()["width"] == (2, 4)
    assert study.replicates == 8
    with pytest.raises(ValueError, match="unknown study 'comittee'; known: .*committee"):
        studies.get("comittee")
