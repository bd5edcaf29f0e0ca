"""Write a study as one labelled file."""

import json
import logging
import os
from pathlib import Path

import xarray as xr

from studies.store import STATUS, load
from studies.store.files import flush

logger = logging.getLogger(__name__)


def export(name: str, out: str, to: str, address: str | None = None) -> Path:
    """Write a study as one labelled file, netCDF or Zarr by the ending of `to`; nothing is overwritten.

    The file holds what `studies.load` gives: all arrays with their coordinates, `status` of every cell,
    and as attributes the full specification (JSON) and the provenance of the blocks.
    """
    target = Path(to).expanduser()
    if target.suffix not in (".nc", ".zarr"):
        raise ValueError(f"--to is {to!r}; need a name that ends in .nc or .zarr")
    if target.exists():
        raise FileExistsError(f"{to} is there already; choose another name, or remove it first")
    if not target.absolute().parent.is_dir():
        raise FileNotFoundError(f"the folder of {to} does not exist; make it first")
    ds = load(name, out, address)
    asked = json.loads(ds.attrs["description"])
    ds.attrs["n_blocks"] = len(asked["blocks"])
    ds.attrs["description"] = json.dumps({k: v for k, v in asked.items() if k != "blocks"})
    temporary = target.with_name(f"{target.stem}.{os.getpid()}.part{target.suffix}")
    try:
        try:
            write(ds, temporary)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else error
            raise OSError(f"cannot write {to}: {why}; choose another name") from None
        if target.exists():
            raise FileExistsError(f"{to} is there already; choose another name, or remove it first")
        temporary.rename(target)
        flush(target.absolute().parent)
    except BaseException:
        remove(temporary)
        raise
    pending = int((ds.status == STATUS["pending"]).sum())
    rest = f"; {pending} cells are pending and NaN" if pending else ""
    logger.info("%s: %s%s", to, dict(ds.sizes), rest)
    return target


def write(ds: xr.Dataset, path: Path) -> None:
    """Write netCDF (through h5netcdf) or Zarr, compressed."""
    if path.suffix == ".nc":
        packed = {name: {"zlib": True, "complevel": 4, "shuffle": True} for name in ds.data_vars}
        ds.to_netcdf(path, engine="h5netcdf", encoding=packed)
        return
    try:
        import zarr  # noqa: F401
    except ImportError:
        raise ValueError(
            "writing .zarr needs the package zarr: pip install -e '.[zarr]' in the folder of the project, or "
            "export to .nc"
        ) from None
    # format 2: the third has no agreed form for text yet
    ds.to_zarr(path, zarr_format=2, consolidated=True)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all in it, if it is there."""
    if path.is_dir():
        import shutil

        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
