"""The store: results on disk, addressed by what was asked, read back as one xarray Dataset.

    OUT/NAME/store.json                    version of this layout; the study that was asked last
    OUT/NAME/study-ADDRESS.json            what was asked: the study, and the address of every block
    OUT/NAME/blocks/ADDRESS.DIGEST.nc      one finished block, netCDF; DIGEST is the SHA-256 of the file
    OUT/NAME/partial/                      progress inside blocks, see `studies.store.progress`
    OUT/NAME/damaged/                      blocks whose bytes no longer match their digest, set aside
    OUT/NAME/logs/                         one JSON-lines file per run, see `studies.store.log`
    OUT/NAME/lock                          claims on blocks being computed, see `studies.store.locks`

A block either is there in full or is not there (see `studies.store.files`), and nothing finished is ever
overwritten. Every read checks the digest. Nothing in a store is executed when it is read: blocks are
netCDF, all else is JSON, and an address that is not 20 hexadecimal digits is refused.

Version 1 had no store.json and no logs; it is read, and added to, as it is.
"""

import hashlib
import io
import json
import logging
import os
import shlex
import tempfile
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import h5py
import xarray as xr

from studies.address import address as address_of
from studies.store.files import put
from studies.store.locks import claim
from studies.store.names import ADDRESS, BLOCK, NAME, checked

logger = logging.getLogger(__name__)

#: Version of the layout.
VERSION = 2

#: Meaning of the `status` array.
STATUS = {"ok": 0, "diverged": 1, "pending": 2, "not_asked": 3, "max_steps": 4}


class Store:
    """The blocks and descriptions of one study under `out`/`name`.

    Raises
    ------
    ValueError : a name that is not letters, digits, "_" and "-", and so could lead out of `out`
    """

    def __init__(self, out: str | Path, name: str) -> None:
        self.folder = Path(out).expanduser() / checked(NAME, name, "study name", "letters, digits, _ and -")
        self.blocks = self.folder / "blocks"
        self.logs = self.folder / "logs"
        self.partial = self.folder / "partial"

    def prepare(self) -> None:
        """Create the folders and check that they can be written; OSError with one clear line if not."""
        self.check_version()
        try:
            for folder in (self.blocks, self.logs):
                folder.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=folder):
                    pass
        except OSError as error:
            raise OSError(f"cannot write to {self.folder}: {error.strerror}; choose another --out") from None

    def check_version(self) -> dict[str, Any]:
        """What store.json says; OSError in one line if a later version of this project wrote it."""
        try:
            found = json.loads((self.folder / "store.json").read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return {"version": 1}
        except ValueError:  # damaged: what it holds can be found without it
            return {"version": VERSION}
        if not isinstance(found, dict) or not isinstance(found.get("version"), int):
            return {"version": VERSION}
        if found["version"] > VERSION:
            raise OSError(
                f"{self.folder} is a store of version {found['version']}, and this program knows versions "
                f"up to {VERSION}; update tilting-odds, or choose another --out"
            )
        return found

    def names(self, addresses: Collection[str] | None = None) -> list[str]:
        """Names of the files of all blocks, or of those with `addresses`, finished or not."""
        try:
            names = os.listdir(self.blocks)
        except FileNotFoundError:
            return []
        except NotADirectoryError:
            raise NotADirectoryError(f"{self.folder} is no folder of results; choose another --out") from None
        return names if addresses is None else [name for name in names if name[:20] in addresses]

    def finished(self, names: Iterable[str] | None = None) -> dict[str, Path]:
        """Address -> file of the blocks that are there, or in `names`; their bytes are not checked here."""
        found: dict[str, Path] = {}
        for name in self.names() if names is None else names:
            if match := BLOCK.fullmatch(name):
                path = found.get(match[1])
                if path is None or name < path.name:
                    found[match[1]] = self.blocks / name
        return found

    def path(self, address: str) -> Path | None:
        """The file of a finished block, or None; its bytes are not checked here."""
        checked(ADDRESS, address, "address", "20 hexadecimal digits")
        return self.finished(self.names({address})).get(address)

    def claim(self, address: str) -> AbstractContextManager[bool]:
        """The right to compute a block: True while it is ours, False if another process has it."""
        return claim(self.folder.absolute() / "lock", address)

    def sweep(self, address: str, names: Iterable[str]) -> None:
        """Remove what killed processes left of a block; the caller holds the claim on it.

        `names` are the files of blocks, listed since.
        """
        left = [self.blocks / name for name in names if name.startswith(address) and name.endswith(".part")]
        for path in (*left, *self.partial.glob(f"{address}.*.part")):
            path.unlink(missing_ok=True)

    def intact(self, path: Path) -> bytes | None:
        """The bytes of a finished block, or None if it is gone or damaged; then it is set aside."""
        try:
            data = path.read_bytes()
        except FileNotFoundError:  # another process has set it aside
            return None
        if hashlib.sha256(data).hexdigest() == path.name.split(".")[1]:
            return data
        self.set_aside(path)
        return None

    def read(self, address: str, path: Path | None = None) -> xr.Dataset | None:
        """A finished block in memory, or None if it is not there or damaged (then it is set aside).

        `path` is its file, where the caller has looked it up already.
        """
        path = path or self.path(address)
        if path is None:
            return None
        data = self.intact(path)
        if data is None:
            return None if path.exists() else self.read(address)
        try:
            with xr.open_dataset(io.BytesIO(data), engine="h5netcdf") as block:
                return block.load()
        except (OSError, ValueError, KeyError, TypeError):  # the digest of something that is no block
            self.set_aside(path)
            return None if path.exists() else self.read(address)

    def attribute(self, path: Path, name: str) -> str | None:
        """An attribute of a finished block, without a look at its arrays; None where it has none."""
        data = self.intact(path)
        try:
            with h5py.File(io.BytesIO(data or b""), "r") as block:
                return str(block.attrs[name])
        except (OSError, KeyError):
            return None

    def set_aside(self, path: Path) -> None:
        """Move a damaged block out of the way and say so; where that is not allowed, only say so."""
        aside = self.folder / "damaged" / path.name
        try:
            aside.parent.mkdir(exist_ok=True)
            path.rename(aside)
            logger.warning("damaged block set aside, it will be computed again by the next run: %s", aside)
        except FileNotFoundError:
            pass  # another process was faster
        except OSError as error:
            logger.warning(
                "damaged block, cannot be set aside (%s), counts as missing: %s", error.strerror, path
            )

    def hint(self) -> str:
        """How to make results that are not there."""
        out = self.folder.parent
        if out.exists() and not out.is_dir():
            return f"{out} is no folder of results"
        others = sorted(path.parent.name for path in out.glob("*/store.json"))
        there = f"there are those of {', '.join(others)}; " if others else ""
        place = "" if str(out) == "results" else f" --out {shlex.quote(str(out))}"
        return f"{there}make them with: python -m studies run {self.folder.name}{place} (see studies list)"

    def check(self) -> None:
        """Check the bytes of every finished block, set damaged ones aside, drop progress of the others."""
        for address, path in sorted(self.finished().items()):
            if self.intact(path) is not None:
                (self.partial / f"{address}.npz").unlink(missing_ok=True)

    def write(self, address: str, block: xr.Dataset) -> Path:
        """Put a finished block in place, all at once or not at all; returns its file.

        Raises
        ------
        FileExistsError : it is there already
        OSError : it could not be written; nothing has changed
        """
        there = self.path(address)
        if there is not None:
            raise FileExistsError(f"{there} is there already")
        packed = {name: {"zlib": True, "complevel": 4, "shuffle": True} for name in block.data_vars}
        data = bytes(block.to_netcdf(None, engine="h5netcdf", encoding=packed))
        path = self.blocks / f"{address}.{hashlib.sha256(data).hexdigest()}.nc"
        put(path, data)
        return path

    def describe(self, entry: dict[str, Any]) -> None:
        """Write down what was asked (`Study.entry`); the latest question is the one that `load` answers."""
        path = self.folder / f"study-{entry['address']}.json"
        text = json.dumps(entry, separators=(",", ":")).encode()
        for left in self.folder.glob("*.part"):  # of killed runs; one that is being written is so again
            left.unlink(missing_ok=True)
        if not path.exists() or path.read_bytes() != text:
            put(path, text)
        latest = {"version": VERSION, "latest": entry["address"]}
        put(self.folder / "store.json", json.dumps(latest).encode())

    def asked(self, address: str | None = None) -> dict[str, Any]:
        """The description of a study: that with `address`, or the one run last.

        Which one was last is written down, so a clock that goes backwards changes nothing; in a store
        of version 1 it is the newest file.
        """
        latest = self.check_version().get("latest")
        if address is not None:
            wanted = checked(ADDRESS, address, "address", "20 hexadecimal digits (see `studies where`)")
        else:
            wanted = latest if isinstance(latest, str) and ADDRESS.fullmatch(latest) else "*"
        every = list(self.folder.glob("study-*.json"))
        found = [path for path in every if wanted in ("*", path.stem[6:])]
        if not found:
            found = every if address is None else [path for path in every if _address_today(path) == address]
        if not found:
            raise FileNotFoundError(
                f"no {f'study {address}' if address else 'results'} in {self.folder}; {self.hint()}"
            )
        newest = max(found, key=lambda p: p.stat().st_mtime_ns)
        try:
            return json.loads(newest.read_bytes())
        except ValueError:
            raise ValueError(f"{newest} is damaged; the command that made it writes it again") from None


def _address_today(path: Path) -> str | None:
    """The address that a study written down in a file would have today; the question was part of it once."""
    try:
        entry = json.loads(path.read_bytes())
        return address_of({k: entry[k] for k in ("name", "cell", "grids", "replicates", "rows", "memory")})
    except (ValueError, KeyError, TypeError):
        return None
