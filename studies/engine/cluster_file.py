"""Clusters described by a YAML file and started through dask-jobqueue.

The file holds `jobs`, their number, and `jobqueue` with one kind of cluster and its settings, named as in the
documentation of dask-jobqueue, and `protocol`; see docs/slurm.yaml. Nothing in it is executed here.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask_jobqueue
import yaml
from dask import config
from distributed.security import Security

#: Kinds of clusters that a file may describe, and their classes in dask_jobqueue.
KINDS = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "lsf": "LSFCluster",
    "oar": "OARCluster",
    "htcondor": "HTCondorCluster",
}


#: Settings that need not be text; all others are text, several texts, or null.
NOT_TEXT = {
    "cores",
    "processes",
    "job-cpu",
    "death-timeout",
    "ncpus",
    "mem",
    "use-stdin",
    "scheduler-options",
}


def check_text(path: Path, name: str, value: object) -> None:
    """Refuse what YAML has taken for a number, a truth value or a date where text is meant.

    It reads 12:00:00 as 43200, 0123 as 83 and on as true, without a word.
    """
    if isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            check_text(path, name, part)
    elif value is not None and not isinstance(value, str):
        raise ValueError(
            f'{name} is {value!r} in {path}, where text is needed; write it in quotes, as {name}: "12:00:00"'
        )


@contextmanager
def from_file(path: Path) -> Iterator[Any]:
    """The cluster that a YAML file describes, with its jobs asked for.

    Raises
    ------
    ValueError : anything is wrong with the file, or with what it asks for, in one line that names it
    """
    jobs, kind, given = read(path)
    protocol = given.pop("protocol", "tcp")
    if protocol not in ("tcp", "tls"):
        raise ValueError(f"protocol is {protocol!r} in {path}; known: tcp, tls")
    if protocol == "tls" and not config.get("distributed.comm.tls.ca-file"):
        raise ValueError(
            f"{path} asks for tls; your Dask configuration must name the certificates, see "
            "https://distributed.dask.org/en/stable/tls.html"
        )
    secured = {"protocol": "tls://", "security": Security()} if protocol == "tls" else {}
    kind_of_cluster = getattr(dask_jobqueue, KINDS[kind])
    submit = kind_of_cluster.job_cls.submit_command
    if shutil.which(submit) is None:
        raise ValueError(f"{path} asks for {kind}, but this host has no command {submit}")
    with config.set({f"jobqueue.{kind}": {**config.get(f"jobqueue.{kind}"), **given}}):
        try:
            cluster = kind_of_cluster(**secured)
        except Exception as error:  # of all kinds, raised wherever a wrong value is first used
            raise ValueError(f"{path}: {' '.join(str(error).split())}") from None
        with cluster:
            # a job that ends, whatever the reason, is asked for again
            cluster.adapt(minimum_jobs=jobs, maximum_jobs=jobs)
            yield cluster


def read(path: Path) -> tuple[int, str, dict[str, Any]]:
    """The number of jobs, the kind of cluster and its settings."""
    if not path.is_file():
        raise ValueError(f"no file {path}; docs/slurm.yaml is one to begin with")
    try:
        found = yaml.safe_load(path.read_text())
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    kinds = found.get("jobqueue") if isinstance(found, dict) else None
    if not isinstance(kinds, dict) or len(kinds) != 1 or set(found) != {"jobs", "jobqueue"}:
        raise ValueError(f"{path} needs the keys jobs and jobqueue, and in jobqueue one kind of cluster")
    ((kind, given),) = kinds.items()
    if kind not in KINDS:
        raise ValueError(f"unknown kind of cluster {kind!r} in {path}; known: {', '.join(KINDS)}")
    jobs = found["jobs"]
    if type(jobs) is not int or jobs < 1:
        raise ValueError(f"jobs is {jobs!r} in {path}; need a whole number >= 1")
    if not isinstance(given, dict):
        raise ValueError(f"{kind} is {given!r} in {path}; need settings, as docs/slurm.yaml has")
    given = {str(key).replace("_", "-"): value for key, value in given.items()}
    known = sorted({key.replace("_", "-") for key in config.get(f"jobqueue.{kind}")} | {"protocol"})
    for key in given:
        if key not in known:
            raise ValueError(f"unknown setting {key!r} of {kind} in {path}; known: {', '.join(known)}")
    for key, value in given.items():
        if key not in NOT_TEXT:
            check_text(path, key, value)
    scheduler = given.get("scheduler-options")
    if scheduler is None:
        scheduler = {}
    if not isinstance(scheduler, dict):
        raise ValueError(f"scheduler-options is {scheduler!r} in {path}; need keys with values")
    if not (given.get("interface") or scheduler.keys() & {"host", "interface"}):
        raise ValueError(
            f"{path} does not say where the scheduler listens; give interface, the network that the nodes "
            "share, as ib0 or eth0"
        )
    # the last one counts: a worker computes one block at a time, however many cores it has
    given["worker-extra-args"] = [*(given.get("worker-extra-args") or []), "--nthreads", "1"]
    return jobs, kind, given | {"scheduler-options": {"dashboard_address": None, **scheduler}}
