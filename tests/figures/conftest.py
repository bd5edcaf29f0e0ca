"""Figures of the tests are laid out and not painted, which takes most of the time."""

from pathlib import Path

import pytest


@pytest.fixture
def painted():
    """For tests that read the images."""


@pytest.fixture(autouse=True)
def laid_out(request, monkeypatch):
    """Everything in a figure is placed as when it is drawn, but there is no image, only its empty file."""

    def savefig(figure, path, **more):
        figure.draw_without_rendering()
        Path(path).touch()

    if "painted" not in request.fixturenames:
        monkeypatch.setattr("matplotlib.figure.Figure.savefig", savefig)
