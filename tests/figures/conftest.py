"""Figures of the tests are laid out and not painted, and blocks are no files: both take most of the time."""

from pathlib import Path

import pytest
import xarray as xr

from studies.store import Store


@pytest.fixture
def painted():
    """For tests that read the images."""


@pytest.fixture
def unplaced():
    """For tests of files and their numbers alone: laying out takes most of the time that is left."""


@pytest.fixture
def placed_once(monkeypatch):
    """To be called by a test whose figures have been laid out, and are drawn again."""

    def call():
        monkeypatch.setattr("matplotlib.figure.Figure.draw_without_rendering", lambda figure: None)

    return call


@pytest.fixture(autouse=True)
def laid_out(request, monkeypatch):
    """Everything in a figure is placed as when it is drawn, but there is no image, only its empty file."""

    def savefig(figure, path, **more):
        if "unplaced" not in request.fixturenames:
            figure.draw_without_rendering()
        Path(path).touch()

    if "painted" not in request.fixturenames:
        monkeypatch.setattr("matplotlib.figure.Figure.savefig", savefig)


@pytest.fixture(scope="module", autouse=True)
def blocks_in_memory():
    """A block has an empty file and stays in memory; what is in the files is tested with the store."""
    kept: dict[Path, xr.Dataset] = {}

    def write(store: Store, address: str, block: xr.Dataset) -> Path:
        path = store.blocks / f"{address}.{'0' * 64}.nc"
        path.touch()
        kept[path] = block.copy(deep=True)
        return path

    def read(store: Store, address: str, path: Path | None = None) -> xr.Dataset:
        return kept[path or store.blocks / f"{address}.{'0' * 64}.nc"].copy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "write", write)
        patch.setattr(Store, "read", read)
        yield
