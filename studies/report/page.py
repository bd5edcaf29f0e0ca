"""The page of a report: words, numbers, the plotting library and the script, in one HTML file."""

import html
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

import xarray as xr

from studies.catalogue import names, question
from studies.report.command import command
from studies.report.quantities import gather
from studies.store import load, settings

logger = logging.getLogger(__name__)

HERE = Path(__file__).parent
#: Attribute of a Dataset -> what it is called on the page.
PROVENANCE = {
    "address": "address of the study",
    "date": "computed",
    "code": "code",
    "versions": "versions",
    "device": "device",
    "machine": "machine",
    "method": "method",
}


def write(name: str, out: str | Path, to: str | Path, address: str | None = None) -> Path:
    """Write a study, whatever part of it is finished, as one HTML file that can be explored.

    Parameters
    ----------
    name : of the study
    out : folder of the results
    to : FILE.html; nothing is overwritten
    address : which one, if several; default: the one run last

    Raises
    ------
    ValueError : `to` does not end in .html, or the plotting library is not installed
    FileNotFoundError : nothing of that study in `out`, or no such folder for `to`
    FileExistsError : `to` is there already
    """
    target = Path(to).expanduser()
    if target.suffix != ".html":
        raise ValueError(f"--to is {str(to)!r}; need a name that ends in .html")
    if target.exists():
        raise FileExistsError(f"{to} is there already; choose another name, or remove it first")
    if not target.absolute().parent.is_dir():
        raise FileNotFoundError(f"the folder of {to} does not exist; make it first")
    script = plotly()
    text = page(load(name, out, address), script)
    target.write_text(text, encoding="utf-8")
    logger.info("%s: %.1f MB", target, len(text.encode()) / 1e6)
    return target


def plotly() -> str:
    """The source of the plotting library, so that the page needs no network."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise ValueError(
            "a report needs the package plotly: pip install -e '.[report]' in the folder of the project"
        ) from None
    return get_plotlyjs()


def page(ds: xr.Dataset, script: str) -> str:
    """The HTML of a Dataset of `studies.load`; `script` is the plotting library."""
    found, name = gather(ds), ds.attrs["study"]
    total = found["status"]["total"]
    asked = sum(count for status, count in total.items() if status != "not asked")
    done = asked - total["pending"]
    counts = ", ".join(f"{total[status]} {status}" for status in ("diverged", "max steps") if total[status])
    description = json.loads(ds.attrs["description"])
    left_out = "".join(f" {what} is not shown: {why}." for what, why in found["left_out"].items())
    provenance = [(label, ds.attrs[key]) for key, label in PROVENANCE.items() if key in ds.attrs]
    shown = {"name": name, "axes": found["axes"], "quantities": found["quantities"]}
    return Template((HERE / "page.html").read_text()).substitute(
        title=html.escape(f"{name}: {asked and done / asked:.0%} done"),
        name=html.escape(name),
        question=html.escape(question(name) if name in names() else description.get("question", "")),
        done=f"{done} of {asked} runs are finished" + (f"; {counts}" if counts else "") + ".",
        confidence="95 %",
        left_out=html.escape(left_out),
        status=table(found["status"]["rows"]),
        command=html.escape(
            command(ds) or "from Python, with the settings below; no command line has this address"
        ),
        settings=pairs(
            [*axes(description), *sorted(settings(ds).items()), ("replicates", description["replicates"])]
        ),
        provenance=pairs(provenance),
        plotly=script.replace("</script", "<\\/script"),
        data=json.dumps(shown, allow_nan=False).replace("</", "<\\/"),
        script=(HERE / "page.js").read_text(),
    )


def axes(description: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """What was swept."""
    for axis, values in description["axes"].items():
        if len(values) > 1:
            yield f"{axis} (swept)", ", ".join(map(str, values))


def pairs(rows: Iterable[tuple[str, Any]]) -> str:
    """A table of names and values."""
    lines = "".join(
        f'<tr><th scope="row">{html.escape(str(name))}</th><td>{html.escape(str(value))}</td></tr>'
        for name, value in rows
    )
    return f"<table><tbody>{lines}</tbody></table>"


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table with a line for each mapping, which have the same keys."""
    head = "".join(f'<th scope="col">{html.escape(key)}</th>' for key in rows[0])
    lines = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(x))}</td>" for x in row.values()) + "</tr>" for row in rows
    )
    label = 'tabindex="0" role="region" aria-label="Runs by protocol and width"'
    inner = f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"
    return f'<div class="scroll" {label}>{inner}</div>'
