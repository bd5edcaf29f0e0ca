"""A study without JAX for tests of the engine: real processes that start and end in a moment.

python cheap.py ARGUMENTS is `python -m studies ARGUMENTS` with this study in place of the catalogue, of the
name "cheap". Its numbers come from a generator seeded by the settings; each computation leaves a mark.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from studies.cell import Block
from studies.study import Study

PROTOCOLS = ("curriculum", "no_curriculum")


@dataclass(frozen=True)
class CheapCell:
    """A cell that costs `seconds` of sleep.

    marks : folder where each computation leaves a file of its own, or ""
    stop : width whose computation waits until a file `go` is in `marks`, or 0
    fail : width whose computation raises, or 0
    """

    width: int = 4
    protocol: str = "curriculum"
    rate: float = 0.5
    seconds: float = 0.0
    marks: str = ""
    stop: int = 0
    fail: int = 0

    def check(self) -> None:
        if self.width < 1:
            raise ValueError(f"width is {self.width}; need width >= 1")

    def numerics(self) -> dict:
        return {"version": 1}

    def rows_that_fit(self, protocols: int, most: int, gigabytes: float) -> int:
        return most

    @property
    def n_records(self) -> int:
        return 3

    @property
    def work(self) -> float:
        return float(self.width)

    def compute(self, block: Block) -> xr.Dataset:
        started = time.perf_counter()
        if self.marks:
            mark = Path(self.marks) / f"{block.address}.{os.getpid()}.{time.monotonic_ns()}"
            mark.touch()
            while self.stop == self.width and not (Path(self.marks) / "go").exists():
                time.sleep(0.01)
        time.sleep(self.seconds)
        if self.fail == self.width:
            raise ArithmeticError("asked to fail")
        values = np.stack(
            [
                [
                    np.random.default_rng((self.width, int(self.rate * 1e6), p, r)).random(4)
                    for r in block.replicates
                ]
                for p in range(len(block.protocols))
            ]
        )
        return xr.Dataset(
            {
                "test_accuracy": (("protocol", "replicate", "time"), values),
                "status": (("protocol", "replicate"), np.zeros(values.shape[:2], np.int8)),
            },
            coords={"protocol": list(block.protocols), "replicate": block.replicates, "time": np.arange(4.0)},
            attrs={
                "method": "drawn",
                "seconds": time.perf_counter() - started,
                "run_steps": values.size,
                "device": "none",
                "versions": "none",
                "date": "2020-01-01",
            },
        )


def study(widths=(2, 3, 4, 5), replicates=4, rows=2, rates: tuple[float, ...] = (0.5,), **fields) -> Study:
    """Two blocks per width and rate by default."""
    grid = {"protocol": PROTOCOLS, "width": tuple(widths), "rate": rates}
    return Study(CheapCell(**fields), (grid,), replicates, rows, name="cheap")


def catalogue(name: str, preset: str = "quick") -> Study:
    """Stands in for `studies.catalogue.get`."""
    assert name == "cheap"
    return study()


def main(argv: list[str]) -> int:
    """The command line with the cheap study."""
    import studies.__main__ as command_line

    found: Callable[..., Study] = catalogue
    command_line.get = found
    return command_line.main(argv)


if __name__ == "__main__":
    import cheap  # under its own name, so that other processes find its classes

    sys.exit(cheap.main(sys.argv[1:]))
