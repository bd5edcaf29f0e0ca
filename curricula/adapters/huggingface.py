"""Hugging Face datasets: a ranking joined by an id column, and the examples in the order shown."""
# the framework need not be installed where types are checked
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false, reportIndexIssue=false
# pyright: reportArgumentType=false

from collections.abc import Iterator
from typing import Any

import datasets
import numpy as np

from curricula.ranking import Ranking
from curricula.sampler import Sampler
from teacher_student.checks import known, whole


def align(ranking: Ranking, data: datasets.Dataset, id_column: str) -> Ranking:
    """The ranking of the rows of `data`, joined by its ids and the column `id_column`.

    The ranking may have more examples than the data, as after a filter; not fewer.

    Raises
    ------
    ValueError
        If the ranking has no ids, the data no such column, or a row an id that is unknown or not unique.

    Examples
    --------
    >>> ranking = Ranking(np.array([0.3, 0.1, 0.2]), ids=np.array(["a", "b", "c"]))
    >>> align(ranking, datasets.Dataset.from_dict({"name": ["c", "a"]}), "name").scores.tolist()
    [0.2, 0.3]
    """
    if ranking.ids is None:
        raise ValueError("the ranking has no ids to join by; load it with ids=... or id_column=...")
    known("column", id_column, data.column_names)
    where = {str(name): index for index, name in enumerate(ranking.ids)}
    names = [str(name) for name in data[id_column]]
    if missing := [name for name in names if name not in where]:
        raise ValueError(
            f"{len(missing)} of {len(names)} rows have an id that the ranking lacks, "
            f"the first is {missing[0]!r}"
        )
    if extra := len(names) - len(set(names)):
        raise ValueError(f"column {id_column!r} has {extra} ids that repeat another")
    return ranking.restrict(np.array([where[name] for name in names]))


def selected(data: datasets.Dataset, sampler: Sampler, *, start: int = 0, stop: int) -> datasets.Dataset:
    """The examples of the batches start..stop-1, in their order, as a data set: `data.select` once.

    With the loader's own shuffling off, batches of the sampler's size are those of the sampler.

    Examples
    --------
    >>> data = datasets.Dataset.from_dict({"x": [10, 11, 12, 13]})
    >>> selected(data, Sampler([0.3, 0.1, 0.2, 0.4], batch_size=2), stop=1)["x"][:]
    [11, 12]
    """
    _fits(data, sampler)
    whole("start", start, 0)
    whole("stop", stop, start + 1)
    return data.select(np.concatenate([sampler.batch(step) for step in range(start, stop)]))


def iterable(data: datasets.Dataset, sampler: Sampler, *, stop: int) -> datasets.IterableDataset:
    """The examples from the sampler's present step to step `stop`, drawn when they are asked for.

    It takes up no memory for the order. Its own `state_dict` holds the position, as of any
    IterableDataset; do not shuffle it.

    Examples
    --------
    >>> data = datasets.Dataset.from_dict({"x": [10, 11, 12, 13]})
    >>> [row["x"] for row in iterable(data, Sampler([0.3, 0.1, 0.2, 0.4], batch_size=2), stop=2)]
    [11, 12, 10, 13]
    """
    _fits(data, sampler)
    whole("stop", stop, sampler.step + 1)
    steps = range(sampler.step, stop)
    return datasets.IterableDataset.from_generator(
        _rows, gen_kwargs={"data": data, "sampler": sampler, "steps": steps}
    )


def _rows(data: datasets.Dataset, sampler: Sampler, steps: range) -> Iterator[dict[str, Any]]:
    for step in steps:
        batch = data[sampler.batch(step)]
        for values in zip(*batch.values(), strict=True):
            yield dict(zip(batch, values, strict=True))


def _fits(data: datasets.Dataset, sampler: Sampler) -> None:
    if len(data) != len(sampler.ranking):
        raise ValueError(f"the data have {len(data)} examples but the ranking {len(sampler.ranking)}")
