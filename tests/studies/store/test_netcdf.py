"""Files read at once are what xarray reads through h5netcdf; what is no netCDF is refused."""

import io

import h5py
import numpy as np
import pytest
import xarray as xr
from root import ROOT

from studies.store import read_netcdf

FILES = [
    *sorted((ROOT / "tests" / "data" / "store_version_1" / "cheap" / "blocks").glob("*.nc")),
    *(ROOT / "figures" / "data" / f"{name}.nc" for name in ("parities", "sign_map", "distillation")),
]
EVERYTHING = xr.Dataset(
    {
        "x": (("width", "no"), np.arange(6.0).reshape(3, 2), {"units": "samples / N", "v": [1, 2], "w": [3]}),
        "yes": ("no", [True, False], {"names": ["a", "b"], "empty": ""}),
        "text": "é",
        "small": ("width", np.array([1, 2, 3], np.int8), {"flag_values": [0, 1]}),
        "single": np.float32(np.nan),
        "late": (("kind", "width"), [["a", "bc", ""]]),
        "gap": ("width", np.array([1, np.nan, np.inf], np.float32)),
        "none": (("empty", "width"), np.zeros((0, 3))),
    },
    {"width": [2, 4, 8], "label": ("width", ["u", "vw", "x"]), "z": 3.5, "kind": ["p"]},
    {"a": "", "b": "é", "c": 3, "d": [1.0, 2.0]},
)


def written(ds: xr.Dataset, **encoding) -> io.BytesIO:
    return io.BytesIO(ds.to_netcdf(None, engine="h5netcdf", encoding=encoding))


@pytest.mark.parametrize(
    "file",
    [*FILES, written(EVERYTHING), written(EVERYTHING, x={"zlib": True, "dtype": "int16", "_FillValue": -1})],
    ids=lambda file: getattr(file, "stem", "everything")[:20],
)
def test_all_is_what_xarray_reads(file):
    expected, found = xr.load_dataset(file, engine="h5netcdf"), read_netcdf(file)
    xr.testing.assert_identical(found, expected)
    assert list(found.sizes) == list(expected.sizes)  # the order of the rows of a table
    for kind in ("data_vars", "coords", "indexes"):
        assert list(getattr(found, kind)) == list(getattr(expected, kind))
    for name, values in expected.variables.items():
        assert found[name].dtype == values.dtype
        assert {key: type(value) for key, value in found[name].attrs.items()} == {
            key: type(value) for key, value in values.attrs.items()
        }


def test_what_is_no_netcdf_is_refused(tmp_path):
    (tmp_path / "text.nc").write_text("no arrays")
    with pytest.raises(OSError, match="file signature not found"):
        read_netcdf(tmp_path / "text.nc")
    with h5py.File(tmp_path / "plain.nc", "w") as file:
        file["x"] = [1.0, 2.0]
    with pytest.raises(ValueError, match=r"plain\.nc is not netCDF: the axes of x have no names"):
        read_netcdf(tmp_path / "plain.nc")
