"""The store: results on disk, addressed by what was asked, read back as one xarray Dataset.

    OUT/NAME/study-ADDRESS.json            what was asked: the study, and the address of every block
    OUT/NAME/blocks/ADDRESS.DIGEST.nc      one finished block, netCDF; DIGEST is the SHA-256 of the file
    OUT/NAME/damaged/                      blocks whose bytes no longer match their digest, set aside

A block is written to a temporary name, flushed to disk and linked to its final name, so a block
either is there in full or is not there; linking fails where the name exists, so nothing finished is
ever overwritten. Every read checks the digest.
"""

import hashlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

#: Meaning of the `status` array.
STATUS = {"ok": 0, "diverged": 1, "pending": 2, "not_asked": 3}


class Store:
    """The blocks and descriptions of one study under `out`/`name`."""

    def __init__(self, out: str | Path, name: str) -> None:
        self.folder = Path(out) / name
        self.blocks = self.folder / "blocks"

    def prepare(self) -> None:
        """Create the folders and check that they can be written; OSError with one clear line if not."""
        try:
            self.blocks.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.blocks):
                pass
        except OSError as error:
            raise OSError(f"cannot write to {self.blocks}: {error.strerror}; choose another --out") from None

    def path(self, address: str) -> Path | None:
        """The file of a finished block, or None; its bytes are not checked here."""
        return min(self.blocks.glob(f"{address}.*.nc"), default=None)

    def finished(self) -> set[str]:
        """Addresses of all blocks that are there."""
        return {path.name.split(".")[0] for path in self.blocks.glob("*.nc")}

    def read(self, address: str) -> xr.Dataset | None:
        """A finished block in memory, or None if it is not there or damaged (then it is set aside)."""
        path = self.path(address)
        if path is None:
            return None
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != path.name.split(".")[1]:
            self.set_aside(path)
            return self.read(address)
        with xr.open_dataset(io.BytesIO(data), engine="h5netcdf") as block:
            return block.load()

    def set_aside(self, path: Path) -> None:
        """Move a damaged block out of the way and say so."""
        aside = self.folder / "damaged"
        aside.mkdir(exist_ok=True)
        path.rename(aside / path.name)
        print(f"damaged block set aside, it will be computed again by the next run: {aside / path.name}")

    def check(self) -> None:
        """Check the bytes of every finished block, setting damaged ones aside."""
        for path in sorted(self.blocks.glob("*.nc")):
            if hashlib.sha256(path.read_bytes()).hexdigest() != path.name.split(".")[1]:
                self.set_aside(path)

    def write(self, address: str, block: xr.Dataset) -> None:
        """Put a finished block in place, all at once or not at all."""
        packed = {name: {"zlib": True, "complevel": 4, "shuffle": True} for name in block.data_vars}
        handle, name = tempfile.mkstemp(dir=self.blocks, suffix=".part")
        os.close(handle)
        temporary = Path(name)
        try:
            block.to_netcdf(temporary, engine="h5netcdf", encoding=packed)
            digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
            _flush(temporary)
            os.link(temporary, self.blocks / f"{address}.{digest}.nc")
            _flush(self.blocks)
        finally:
            temporary.unlink()

    def describe(self, entry: dict[str, Any]) -> None:
        """Write down what was asked (`Study.entry`); the latest question is the one that `load` answers."""
        path = self.folder / f"study-{entry['address']}.json"
        temporary = path.with_suffix(".part")
        temporary.write_text(json.dumps(entry, indent=1))
        _flush(temporary)
        temporary.replace(path)

    def asked(self, address: str | None = None) -> dict[str, Any]:
        """The description of a study: that with `address`, or the one run last."""
        found = sorted(self.folder.glob(f"study-{address or '*'}.json"), key=lambda p: p.stat().st_mtime_ns)
        if not found:
            what = f"study {address}" if address else "results"
            raise FileNotFoundError(
                f"no {what} in {self.folder}; make them with: python -m studies run {self.folder.name}"
            )
        return json.loads(found[-1].read_text())


def _flush(path: Path) -> None:
    """Force a file or folder to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def load(name: str, out: str | Path = "results", address: str | None = None) -> xr.Dataset:
    """Load a study as one Dataset, whatever part of it is finished.

    Parameters
    ----------
    name : name of the study
    out : folder that `python -m studies run` wrote to
    address : which one, if several (other presets, other fields); by default the one run last

    Returns
    -------
    Dataset with dims (swept axes..., protocol, width, replicate, time), `time` = samples / N. An axis
    with a single value is a scalar coordinate, except protocol, width, replicate and time. `status`
    (same dims without time) is 0 ok, 1 diverged, 2 pending, 3 not asked; values of pending and
    not-asked cells are NaN. attrs hold the study, its address, the full description as JSON, and the
    versions, devices and dates of the blocks.

    Raises
    ------
    FileNotFoundError : nothing of that study in `out`
    """
    store = Store(out, name)
    asked = store.asked(address)
    done = {entry["address"]: store.read(entry["address"]) for entry in asked["blocks"]}
    found = [block for block in done.values() if block is not None]
    if not found:
        raise FileNotFoundError(f"no finished block in {store.folder}; run: python -m studies run {name}")
    ds = _frame(asked, found)
    for entry in asked["blocks"]:
        block = done[entry["address"]]
        replicates = [r for r in entry["replicates"] if r < asked["replicates"]]
        at = entry["at"] | {"protocol": entry["protocols"], "replicate": replicates}
        if block is None:
            asked_only = ds.status.loc[at] == STATUS["not_asked"]
            ds.status.loc[at] = ds.status.loc[at].where(~asked_only, STATUS["pending"])
            continue
        ds.status.loc[at] = block.status.sel(replicate=replicates).values
        for variable in set(block.data_vars) - {"status"}:
            values = block[variable].sel(replicate=replicates)
            rest = {dim: values[dim].values for dim in values.dims if dim not in ("protocol", "replicate")}
            ds[variable].loc[at | rest] = values.values
    single = [d for d in asked["axes"] if ds.sizes[d] == 1 and d not in ("protocol", "width")]
    return ds.squeeze(single)


def _frame(asked: dict[str, Any], found: list[xr.Dataset]) -> xr.Dataset:
    """The Dataset of a study before anything is filled in."""
    coords: dict[str, Any] = dict(asked["axes"])
    coords["replicate"] = np.arange(asked["replicates"])
    frame = xr.Dataset(coords=coords)
    lead = {axis: frame.sizes[axis] for axis in coords}
    frame["status"] = (list(lead), np.full(list(lead.values()), STATUS["not_asked"], np.int8))
    frame.status.attrs = {"flag_values": list(STATUS.values()), "flag_meanings": " ".join(STATUS)}
    for variable in dict.fromkeys(str(v) for block in found for v in block.data_vars if v != "status"):
        parts = [block[variable] for block in found]
        dims = [d for d in parts[0].dims if d not in ("protocol", "replicate")]
        extra = {d: list(dict.fromkeys(x for part in parts for x in part[d].values)) for d in dims}
        extra |= {d: sorted(values) for d, values in extra.items() if not isinstance(values[0], str)}
        frame = frame.assign_coords(extra)
        shape = [*lead.values(), *map(len, extra.values())]
        frame[variable] = ([*lead, *extra], np.full(shape, np.nan, parts[0].dtype))
    seen = {key: sorted({block.attrs[key] for block in found}) for key in ("versions", "device", "method")}
    dates = [block.attrs["date"] for block in found]
    frame.attrs = {
        "study": asked["name"],
        "address": asked["address"],
        "description": json.dumps(asked),
        "date": f"{min(dates)} to {max(dates)}",
        **{key: "; ".join(values) for key, values in seen.items()},
    }
    frame.time.attrs = {"units": "samples / N"}
    return frame
