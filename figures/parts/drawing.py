"""Draw a study: from results, an export or a published summary to images, captions and numbers."""

import importlib
import logging
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from types import ModuleType

import xarray as xr

from figures.parts import default
from figures.parts.style import own_look
from figures.parts.summary import Missing, facets
from figures.parts.write import save
from studies.store import load

log = logging.getLogger("figures")
FORMATS = ("png", "pdf", "svg")
#: More settings of axes that a study's figures do not know are not drawn.
MOST = 12


def names() -> list[str]:
    """The studies that have figures of their own; all others are drawn by `figures.parts.default`."""
    folder = Path(__file__).parent.parent
    return sorted(p.stem for p in folder.glob("*.py") if not p.stem.startswith("_"))


def draw(
    what: str | xr.Dataset, out: str | Path | None = None, fmt: str = "png", source: str | Path = "results"
) -> list[Path]:
    """Draw all figures of a study into a folder, the caption (.txt) and the numbers (.csv) beside each image.

    What was not run is left out, with a line in the log "figures". Swept axes that the figures of a study do
    not know get a folder per value (easy_fraction=0.1). Results without the protocols that a study's figures
    compare, and studies without figures of their own, are drawn as curves of every recorded quantity.

    Parameters
    ----------
    what : name of a study, or its Dataset: of `studies.load`, of an export, or a summary drawn before
    out : folder for images; default SOURCE/NAME/figures
    fmt : "png" (with the caption below the image), "pdf" or "svg"
    source : where a study is looked for by its name: a folder of results, a folder of summaries such as
        figures/data, or one netCDF file

    Returns
    -------
    The images written. From results, the summary that was drawn is written too, as NAME.nc.

    Raises
    ------
    ValueError : unknown format, a Dataset that is not of a study
    FileNotFoundError : nothing of that study in `source`

    Examples
    --------
    >>> import tempfile, figures
    >>> from pathlib import Path
    >>> data = Path(figures.__file__).parent / "data"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in figures.draw("score_grading", folder, "svg", source=data)]
    ['widths.svg', 'times.svg', 'scores.svg']
    """
    if fmt not in FORMATS:
        raise ValueError(f"unknown format {fmt!r}; known: {', '.join(FORMATS)}")
    ds = find(what, source) if isinstance(what, str) else what
    if not {"study", "description"} <= set(ds.attrs):
        raise ValueError("this Dataset is not of a study: it lacks the attributes 'study' and 'description'")
    name = what if isinstance(what, str) else str(ds.attrs["study"])
    folder = Path(out or Path(source) / name / "figures")
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; give a folder for the images")
    module = importlib.import_module(f"figures.{name}") if name in names() else None
    with own_look():
        if "replicate" not in ds.dims:
            return _summary(ds, folder, fmt)
        return _results(module, ds, folder, name, fmt, Path(source) if isinstance(what, str) else None)


def find(name: str, source: str | Path) -> xr.Dataset:
    """Results, an export or a published summary of a study."""
    place = Path(source)
    file = place if place.is_file() else place / f"{name}.nc"
    if not file.is_file():
        return load(name, source)
    try:
        return xr.load_dataset(file, engine="h5netcdf")
    except OSError:
        raise OSError(
            f"{file} is not a netCDF file; give a folder of results, a summary or an export"
        ) from None


def _results(
    module: ModuleType | None, ds: xr.Dataset, folder: Path, name: str, fmt: str, source: Path | None
) -> list[Path]:
    """Sum up and draw results, a folder for each setting of the axes that the figures do not know.

    `source` is where they were found, in which other studies are looked for that the figures read, too.
    """
    pair = getattr(module, "PAIR", ())
    if lacking := [protocol for protocol in pair if protocol not in ds.protocol]:
        log.warning(
            "curves only: these figures compare %s, but the study has no %s; run it with --protocol %s",
            " and ".join(pair), " and no ".join(lacking), ",".join(pair),
        )  # fmt: skip
        module = None
    if lacking := [name for name in getattr(module, "RECORDED", ()) if name not in ds]:
        log.warning("curves only: %s was not recorded", " and ".join(lacking))
        module = None
    settings = list(facets(ds, getattr(module, "AXES", ("protocol", "width"))))
    if len(settings) > MOST:
        log.warning(
            "drawn: the first %d of %d settings; figures.draw(ds.sel(...)) draws others", MOST, len(settings)
        )
    summarise = (module or default).summarise
    if beside := getattr(module, "BESIDE", ()):
        summarise = partial(summarise, beside=_beside(beside, source))
    paths: list[Path] = []
    for label, part in islice(settings, MOST):
        try:
            summary = summarise(part)
        except Missing as why:
            if module is None:
                raise ValueError(f"nothing to draw: {why}") from None
            log.warning("curves only: %s", why)
            summary = default.summarise(part)
        place = folder / label
        place.mkdir(parents=True, exist_ok=True)
        packed = {variable: {"zlib": True, "complevel": 9} for variable in summary.data_vars}
        summary.to_netcdf(place / f"{name}.nc", engine="h5netcdf", encoding=packed)
        paths += _summary(summary, place, fmt)
    return paths


def _beside(names: tuple[str, ...], source: Path | None) -> dict[str, xr.Dataset]:
    """The results of those studies that lie in the folder in which the one that is drawn was found."""
    found: dict[str, xr.Dataset] = {}
    if source is not None and source.is_dir():
        for name in names:
            with suppress(FileNotFoundError):
                found[name] = find(name, source)
    there = {name: ds for name, ds in found.items() if "replicate" in ds.dims}
    for name in names:
        if name not in there:
            log.warning("not drawn: what %s adds (no results of it beside these)", name)
    return there


def _summary(summary: xr.Dataset, folder: Path, fmt: str) -> list[Path]:
    """Draw a summary by the figures that made it."""
    kind = summary.attrs.get("figures", summary.attrs["study"])
    if kind not in (default.KIND, *names()):
        raise ValueError(f"this is no summary that these figures made: they are of {kind!r}")
    module = default if kind == default.KIND else importlib.import_module(f"figures.{kind}")
    paths = []
    # the figures of most studies have the same names whatever was run
    each = getattr(module, "FIGURES", None) or module.figures(summary)
    for name, figure in each.items():
        try:
            paths.append(save(figure(summary), summary, folder / name, fmt))
        except Missing as why:
            log.warning("not drawn: %s (%s)", name, why)
    return paths
