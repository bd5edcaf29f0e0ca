"""Numbers in the pages, from the arrays in figures/data: `make numbers` fills them in again.

A page says in comments, which readers do not see, where its numbers come from:

    <!--= ci(d, "benefit", width=4) -->+0.043 [0.030, 0.057]<!--/-->

What stands between is replaced by the value of the Python expression. `d` are the arrays of the study that
the page is about, `data(NAME)` those of another one; a comment that starts with "names" is Python that
defines names for the whole page. `tests/test_pages.py` fails if a page says anything else.
"""

import ast
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "figures" / "data"
RESULTS = ROOT / "docs" / "results"
NAMES = re.compile(r"<!-- names\n(.*?)\n-->\n*", re.DOTALL)
MARK = re.compile(r"<!--= (.*?) -->(.*?)<!--/-->", re.DOTALL)
#: Settings that say nothing about a study, or that its axes say.
PLAIN = {"options": {}, "seed": 0, "dtype": "float32", "method": "auto"}


def pages() -> list[Path]:
    """All pages that may have numbers; results first, since a table repeats what they found."""
    return [*sorted(RESULTS.glob("*.md")), *sorted(ROOT.glob("docs/*.md")), ROOT / "README.md"]


@cache
def data(name: str) -> xr.Dataset:
    """The arrays of a study, as figures/data/NAME.nc; a folder may stand before the name.

    Read without xarray's backend, which takes seven times as long for so many small arrays.
    """
    arrays: dict[str, tuple[list[str], Any]] = {}
    with h5py.File(DATA / f"{name}.nc") as file:
        for key, values in file.items():
            if not str(values.attrs.get("NAME", "")).startswith("b'This is a netCDF dimension"):
                dims = (
                    [values.dims[i][0].name[1:] for i in range(values.ndim)]
                    if "DIMENSION_LIST" in values.attrs
                    else [key]
                )
                arrays[key] = (
                    dims if values.ndim else [],
                    values.asstr()[()] if values.dtype.kind == "O" else values[()],
                )
        attributes = {
            key: value.item() if isinstance(value, np.ndarray) else value
            for key, value in file.attrs.items()
            if not key.startswith("_")
        }
    axes = {key for key, (dims, _) in arrays.items() if dims == [key]}
    return xr.Dataset(
        {key: value for key, value in arrays.items() if key not in axes},
        {key: arrays[key] for key in axes},
        attributes,
    )


def pick(values: xr.DataArray, **where: Any) -> xr.DataArray:
    """The part at these values of axes, numbers to a millionth; axes of length 1 need not be named."""
    if unknown := where.keys() - set(values.dims):
        raise KeyError(f"{values.name} has no axis {', '.join(sorted(unknown))}")
    places = tuple(place(values.get_index(str(axis)), where, str(axis)) for axis in values.dims)
    return values[places]


def place(index: Any, where: Mapping[str, Any], axis: str) -> int | slice:
    """Where the value wanted is on an axis."""
    if axis not in where:
        return 0 if len(index) == 1 else slice(None)
    there, wanted = index.to_numpy(), where[axis]
    found = np.nonzero(
        np.isclose(there, wanted, rtol=1e-6) if there.dtype.kind in "fiu" else there == wanted
    )[0]
    if len(found) != 1:
        raise KeyError(f"{axis} has no {wanted!r}; it has {there.tolist()}")
    return int(found[0])


def num(d: xr.Dataset, name: str, digits: int = 3, scale: float = 1, sign: bool = False, **where: Any) -> str:
    """A number."""
    return text(pick(d[name], **where).item() * scale, digits, sign)


def ci(
    d: xr.Dataset, name: str, digits: int = 3, scale: float = 1, sign: bool | None = None, **where: Any
) -> str:
    """A number with its interval; with its sign if it is a benefit or a gain."""
    signed = ("benefit" in name or "gain" in name) if sign is None else sign
    stem = next((name.removesuffix(end) for end in ("mean", "benefit") if name.endswith(end)), f"{name}_")
    columns = (f"{stem}ci_low", f"{stem}ci_high")
    if columns[0] not in d:
        columns = (f"{name}_low", f"{name}_high")
    low, high = sorted(pick(d[column], **where).item() * scale for column in columns)
    value = text(pick(d[name], **where).item() * scale, digits, signed)
    if value == "not run" or np.isnan(low):
        return value
    return f"{value} [{text(low, digits)}, {text(high, digits)}]"


def text(value: float, digits: int, sign: bool = False) -> str:
    """A number to some digits; 0 has no sign."""
    if np.isnan(value):
        return "not run"
    shown = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    return shown.lstrip("+-") if float(shown) == 0 else shown


def span(
    values: xr.DataArray | Iterable[float], digits: int = 3, scale: float = 1, sign: bool = False
) -> str:
    """The smallest and the largest of some numbers, in words."""
    found = np.asarray(values, float).ravel() * scale
    found = found[np.isfinite(found)]
    return f"{text(found.min(), digits, sign)} to {text(found.max(), digits, sign)}"


def table(corner: str, columns: Iterable[Any], rows: Mapping[Any, Iterable[str]]) -> str:
    """A table; a label is anything that can be printed."""
    lines = [(corner, *columns), *((label, *cells) for label, cells in rows.items())]
    said = [f"| {' | '.join(str(cell) for cell in line)} |" for line in lines]
    return "\n".join([said[0], "|" + "---|" * len(lines[0]), *said[1:]])


def widths(values: Iterable[Any]) -> list[str]:
    """Headings K = 2, 4, ..."""
    first, *rest = values
    return [f"K = {first}", *map(str, rest)]


def question(name: str) -> str:
    """The first line of the docstring of a study."""
    module = ast.parse((ROOT / "studies" / "catalogue" / f"{name}.py").read_text())
    return (ast.get_docstring(module) or "").splitlines()[0]


def settings(d: xr.Dataset) -> str:
    """All settings that a study's arrays were computed with, as a table."""
    asked = json.loads(d.attrs["description"])
    axes = {axis: values for axis, values in asked["axes"].items() if len(values) > 1}
    alike = {
        **{axis: values[0] for axis, values in asked["axes"].items() if len(values) == 1 and "." not in axis},
        **{field: value for field, value in asked["cell"].items() if field not in asked["axes"]},
    }
    same = [f"{field} {said(v)}" for field, v in sorted(alike.items()) if PLAIN.get(field, ...) != v]
    swept = [f"{axis}: {', '.join(said(v) for v in values)}" for axis, values in axes.items()]
    commit = re.findall(r"commit ([0-9a-f]{9})", d.attrs.get("code", ""))
    made = (
        f"{d.attrs['replicates']} replicates",
        *d.attrs["versions"].split(" numpy")[:1],
        d.attrs["device"],
    )
    rows = {
        "all runs": "; ".join(same),
        "swept": "; ".join(swept) or "nothing",
        "computed": ", ".join((*made, *(f"commit {c}" for c in dict.fromkeys(commit)))),
    }
    return table("", [""], {label: [cell] for label, cell in rows.items()})


def said(value: Any) -> str:
    """A setting as a reader would write it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} {said(v)}" for key, v in value.items()) + "}"
    if isinstance(value, list):
        return f"({', '.join(map(said, value))})" if len(value) < 12 else f"{len(value)} of them"
    return f"{value:g}" if isinstance(value, float) else str(value)


def studies() -> str:
    """What every page of docs/results found, and how long its study takes."""
    order = sorted(RESULTS.glob("*.md"), key=lambda path: (path.stem != "xor_mixture", path.stem))
    rows = {
        f"[`{path.stem}`](results/{path.name})": [part(path, "Found."), part(path, "Run time.")]
        for path in order
    }
    return table("study", ["what was found (full preset)", "run time, 2 cores"], rows)


def part(path: Path, name: str) -> str:
    """A paragraph of a page that begins with this name in bold, on one line."""
    found = re.search(
        rf"^\*\*{re.escape(name)}\*\* (.*?)\n\n", plain(path.read_text()), re.MULTILINE | re.DOTALL
    )
    if not found:
        raise ValueError(f"{path.name} has no paragraph that begins with **{name}**")
    return " ".join(found[1].split())


def plain(page: str) -> str:
    """A page without the comments that say where its numbers come from."""
    return MARK.sub(lambda match: match[2], NAMES.sub("", page))


def filled(path: Path) -> str:
    """A page with every number as its expression gives it."""
    page = path.read_text()
    names: dict[str, Any] = {key: value for key, value in globals().items() if not key.startswith("_")}
    if path.parent == RESULTS:
        names |= {"d": data(path.stem), "name": path.stem}

    def value(match: re.Match[str]) -> str:
        try:
            found = str(eval(match[1], names))
        except Exception as error:
            raise ValueError(f"{path.name}: {match[1]}: {type(error).__name__}: {error}") from error
        if "\n" in found:  # a table stands on lines of its own
            found = f"\n\n{found}\n\n"
        return f"<!--= {match[1]} -->{found}<!--/-->"

    for block in NAMES.findall(page):
        exec(block, names)
    return MARK.sub(value, page)


def main() -> None:
    """Fill in all pages; say which changed."""
    for path in pages():
        if (page := filled(path)) != path.read_text():
            path.write_text(page)
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
