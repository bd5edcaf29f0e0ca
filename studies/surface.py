"""What `import studies` offers, for notebooks and programs: as the command line, with values for text.

A study is given by name or as a `Study`; fields of its cell may follow as on the command line, one value to
set a field, a tuple, list, range or array to sweep it. A field of a mapping goes as **{"easy.noise": 0.2}.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from studies import catalogue
from studies.study import Study

if TYPE_CHECKING:
    import xarray as xr

    from studies.engine.how import How
    from studies.engine.status import Survey
    from studies.engine.verify import Verified


def get(name: str, preset: str = "quick", **fields: object) -> Study:
    """A study of the catalogue, with fields changed.

    Parameters
    ----------
    name : see `python -m studies list`
    preset : "quick" or "full"
    fields : see above

    Raises
    ------
    ValueError : an unknown name, preset or field, with the known ones; a value that cannot be

    Examples
    --------
    >>> get("xor_mixture", width=(4, 16), replicates=32).axes()["width"]
    (4, 16)
    """
    return asked(name, preset, fields)


def run(
    study: Study | str,
    out: str | Path = "results",
    preset: str = "quick",
    progress: bool = False,
    how: "How | None" = None,
    **fields: object,
) -> "xr.Dataset":
    """Compute what is missing of a study and load it.

    What is stored already is not computed again, and a run that was stopped goes on where it was.

    Parameters
    ----------
    study : a name, or a study
    out : folder of the results
    preset : of a study given by name
    progress : whether to show what is done, as the command line does; otherwise nothing is printed
    how : processes, devices or a cluster, see `studies.engine.how.How`; default: this process
    fields : see above

    Returns
    -------
    Dataset : see `studies.load`

    Raises
    ------
    RuntimeError : blocks failed; the others are stored
    KeyboardInterrupt : it was stopped; what is finished is stored
    OSError : results cannot be written
    """
    from studies.engine.display import Display
    from studies.engine.how import How
    from studies.engine.run import run as compute
    from studies.store import load

    study, how = asked(study, preset, fields), how or How()
    ended = compute(study, str(out), how, [Display(how.processes)] if progress else [])
    if ended.left:
        raise KeyboardInterrupt(f"stopped with {len(ended.left)} blocks left; the same call goes on")
    if ended.failed:
        raise RuntimeError(
            f"{len(ended.failed)} blocks failed, the first: {ended.failed[0]}; the same call tries them "
            f"again; tracebacks: {Path(out) / study.name / 'logs'}"
        )
    return load(study.name, out, study.address)


def status(
    study: Study | str, out: str | Path = "results", preset: str = "quick", **fields: object
) -> "Survey":
    """What is there of a study: blocks done, pending, failed; its text says it in words."""
    from studies.engine.status import status as look

    return look(asked(study, preset, fields), str(out))


def verify(
    study: Study | str,
    out: str | Path = "results",
    preset: str = "quick",
    cells: int = 3,
    seed: int | None = None,
    **fields: object,
) -> "Verified":
    """Compute finished cells again and compare bits; `differ` of the answer is empty if all agree.

    Note
    ----
    `seed` chooses the cells. A study with another seed of its own is made by `get(name, seed=...)`.
    """
    from studies.engine.verify import verify as again

    return again(asked(study, preset, fields), str(out), cells, seed)


def export(name: str, to: str | Path, out: str | Path = "results", address: str | None = None) -> Path:
    """Write a study as one labelled file, netCDF or Zarr by the ending of `to`; see `studies.load`."""
    from studies.engine.export import export as write

    return write(name, str(out), str(to), address)


def asked(study: Study | str, preset: str, fields: dict[str, Any]) -> Study:
    """A study by name, or as it is, with fields changed."""
    found = study if isinstance(study, Study) else catalogue.get(study, preset)
    return found.changed({name: text(value) for name, value in fields.items()}) if fields else found


def text(value: object) -> str:
    """A value as the command line gives it; several are separated by commas."""
    if isinstance(value, tuple | list | range | np.ndarray):
        return ",".join(text(part) for part in value)
    return str(value.item() if isinstance(value, np.generic) else value)
