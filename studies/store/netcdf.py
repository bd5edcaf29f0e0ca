"""NetCDF files read at once, several times as fast as through h5netcdf.

h5netcdf looks up every dimension of every variable many times, which takes milliseconds a variable however
short it is, and blocks and summaries are many short variables. Here each is read as the HDF5 data set that it
is, and xarray makes of it what the conventions say.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
import xarray as xr
from xarray.conventions import decode_cf_variables

#: Attributes in which netCDF keeps which axis of a variable is which dimension, and what wrote the file.
ITS_OWN = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS"}
ITS_OWN |= {"_Netcdf4Dimid", "_Netcdf4Coordinates", "_NCProperties", "_nc3_strict"}
#: How the name begins of a dimension without values.
NO_VALUES = "This is a netCDF dimension but not a netCDF variable"


def read_netcdf(file: str | Path | BinaryIO) -> xr.Dataset:
    """A netCDF file of version 4 as a Dataset in memory, as `xarray.load_dataset` reads its root group.

    Raises
    ------
    OSError : no HDF5 file
    ValueError : an HDF5 file that is not netCDF, in which axes have no names

    Examples
    --------
    >>> import io
    >>> ds = xr.Dataset({"x": ("width", [1.0, float("nan")]), "yes": True}, {"width": [2, 4]}, {"name": "a"})
    >>> read_netcdf(io.BytesIO(ds.to_netcdf(None, engine="h5netcdf"))).identical(ds)
    True
    """
    with h5py.File(file, "r") as group:
        found = {name: data for name, data in group.items() if isinstance(data, h5py.Dataset)}
        variables = {
            name: xr.Variable(_dimensions(name, data, group), _values(data), _attributes(data.attrs))
            for name, data in found.items()
            if not _plain(data.attrs.get("NAME", "")).startswith(NO_VALUES)
        }
        decoded, attrs, named = decode_cf_variables(variables, _attributes(group.attrs))
    # data before coordinates, as xarray has them: the order of dimensions is that in which they are met
    coordinates = {name for name, values in decoded.items() if name in named or values.dims == (name,)}
    data = {name: values for name, values in decoded.items() if name not in coordinates}
    return xr.Dataset(data, {name: decoded[name] for name in decoded if name in coordinates}, attrs)


def _dimensions(name: str, data: h5py.Dataset, group: h5py.File) -> tuple[str, ...]:
    if "DIMENSION_LIST" in data.attrs:
        scales = np.asarray(data.attrs["DIMENSION_LIST"])
        return tuple(str(group[axis[0]].name).rpartition("/")[2] for axis in scales)
    if data.ndim > 1 or (data.ndim and _plain(data.attrs.get("CLASS")) != "DIMENSION_SCALE"):
        raise ValueError(f"{group.filename} is not netCDF: the axes of {name} have no names")
    return (name,) * data.ndim


def _values(data: h5py.Dataset) -> Any:
    return np.asarray(data.asstr()[()], str) if h5py.check_string_dtype(data.dtype) else data[()]


def _attributes(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are not netCDF's own; text is str, and an array of one value is that value."""
    return {name: _plain(value) for name, value in attrs.items() if name not in ITS_OWN}


def _plain(value: Any) -> Any:
    if isinstance(value, h5py.Empty):
        return ""
    if isinstance(value, bytes):
        return value.decode()
    if np.shape(value) == (1,):
        return _plain(value[0])
    return value.tolist() if isinstance(value, np.ndarray) and value.dtype.kind in "OSU" else value
