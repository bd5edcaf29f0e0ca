"""Writers of small score files: each returns a function that writes to a path."""

import json
import pickle

import numpy as np
from torch_writer import as_zip


def pickled(value):
    return lambda path: path.write_bytes(pickle.dumps(value))


def zipped(value):
    return lambda path: path.write_bytes(as_zip(value))


def arrays(**values):
    def write(path):
        with path.open("wb") as stream:
            np.savez(stream, **values)

    return write


def array(value):
    def write(path):
        with path.open("wb") as stream:
            np.save(stream, value)

    return write


def lines(*rows):
    return lambda path: path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")


def dynamics(path):
    path.mkdir()
    first = [{"guid": g, "logits_epoch_0": z, "gold": 0} for g, z in ((1, [0, 1]), (0, [1, 0]), (2, [0, 2]))]
    second = [{"guid": g, "logits_epoch_1": z, "gold": 0} for g, z in ((0, [1, 0]), (2, [0, 2]), (1, [1, 0]))]
    lines(*first)(path / "dynamics_epoch_0.jsonl")
    lines(*second)(path / "dynamics_epoch_1.jsonl")


def learn_t(path):
    path.mkdir()
    logs = [{0: 0, 1: 0, 2: 1, 3: 0}, {0: 0, 1: 1, 2: 0, 3: 0}, {0: 0, 1: 1, 2: 1, 3: 1}]
    for epoch, log in enumerate(logs):
        (path / f"train-{epoch}.pt").write_bytes(
            as_zip({i: [[0.5, prediction]] for i, prediction in log.items()})
        )
