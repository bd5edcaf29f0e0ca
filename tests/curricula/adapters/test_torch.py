"""PyTorch loaders show the sampler's sequence, with workers, processes and interruptions."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch.utils.data import DataLoader, Dataset  # noqa: E402  # pyright: ignore[reportMissingImports]

from curricula import Ranking, Sampler, pace  # noqa: E402
from curricula.adapters.torch import BatchSampler, ExampleSampler  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
P = 40
RANKING = Ranking(np.random.default_rng(0).random(P))


class Squares(Dataset):
    """Example i is i^2."""

    def __len__(self) -> int:
        return P

    def __getitem__(self, index: int) -> int:
        return index**2


def make(**more):
    return Sampler(RANKING, pacing=pace("linear", total=20, b=0.3), batch_size=6, seed=3, **more)


EXPECTED = [(make().batch(step) ** 2).tolist() for step in range(18)]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_shows_the_sequence_with_any_number_of_workers(workers):
    loader = DataLoader(Squares(), batch_sampler=BatchSampler(make()), num_workers=workers)
    assert len(loader) == 6
    assert [x.tolist() for _ in range(3) for x in loader] == EXPECTED
    loader.batch_sampler.set_epoch(1)
    assert [x.tolist() for x in loader] == EXPECTED[6:12]


def test_a_plain_loader_that_prefetches_goes_on_from_the_trained_step():
    sampler = BatchSampler(make())
    walk = iter(DataLoader(Squares(), batch_sampler=sampler, num_workers=1, prefetch_factor=3))
    for _ in range(2):
        next(walk)
    assert sampler.state_dict()["step"] > 2
    again = BatchSampler(make())
    again.load_state_dict(json.loads(json.dumps(sampler.state_dict(step=2))))
    again.set_epoch(0)
    assert [x.tolist() for x in DataLoader(Squares(), batch_sampler=again)] == EXPECTED[2:6]


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")  # torchdata calls what torch gave up
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("done", [1, 4, 6, 8])
def test_a_stateful_loader_goes_on_at_the_batch_after_the_last_one(workers, done):
    torchdata = pytest.importorskip("torchdata.stateful_dataloader")

    def loader():
        return torchdata.StatefulDataLoader(
            Squares(), batch_sampler=BatchSampler(make()), num_workers=workers
        )

    first, shown, state = loader(), [], {}
    while len(shown) < done:
        for x in first:
            shown.append(x.tolist())
            if len(shown) == done:
                state = first.state_dict()
                break
    second = loader()
    second.load_state_dict(state)
    while len(shown) < 18:
        shown += [x.tolist() for x in second]
    assert shown == EXPECTED


def test_examples_one_by_one_are_dealt_out_in_the_same_order():
    loader = DataLoader(Squares(), batch_size=6, sampler=ExampleSampler(make()))
    assert [x.tolist() for _ in range(3) for x in loader] == EXPECTED
    loader.sampler.set_epoch(1)
    assert [x.tolist() for x in loader] == EXPECTED[6:12]
    assert len(loader) == 6
    with pytest.raises(ValueError, match="need the sampler of all replicas"):
        ExampleSampler(make().for_replica(0, 2))


PROCESS = """
import sys, json, torch.distributed as dist
from test_torch import BatchSampler, make
dist.init_process_group("gloo", init_method=sys.argv[1], rank=int(sys.argv[2]), world_size=2)
sampler = BatchSampler(make())
print(json.dumps([sampler.batch_size, [batch for batch in sampler]]))
dist.destroy_process_group()
"""


def test_processes_share_the_batches(tmp_path):
    run = [sys.executable, "-c", PROCESS, f"file://{tmp_path}/meet"]
    there = str(Path(__file__).parent)
    processes = [
        subprocess.Popen([*run, str(rank)], cwd=there, stdout=subprocess.PIPE, env=_environment(there))
        for rank in (0, 1)
    ]
    (size, one), (_, two) = (json.loads(p.communicate()[0].splitlines()[-1]) for p in processes)
    assert size == 3
    both = [np.stack(pair, 1).ravel().tolist() for pair in zip(one, two, strict=True)]
    assert both == [make().batch(step).tolist() for step in range(6)]


def _environment(there: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), there])}


def test_more_processes_than_examples_are_refused():
    with pytest.raises(ValueError, match="7 replicas share batches of 6; need batch_size >= 7"):
        BatchSampler(make().for_replica(0, 7))
