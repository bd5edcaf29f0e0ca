"""Addresses of all blocks of the catalogue: a change here orphans stored results, so it must be meant."""

import hashlib
import json
from itertools import product

import pytest
from forked import Forked
from processes import PATIENCE, SIMULATING, finding_tests

from studies.catalogue import get, names

#: Study, preset -> number of blocks and a digest of their addresses, one a line, in their order.
PINNED = {
    ("committee", "quick"): (12, "1aa9742e0cd6118b0ed2"),
    ("committee", "full"): (84, "84ea3af8221ca855b657"),
    ("carried_tickets", "quick"): (8, "356a851883522c65db1b"),
    ("carried_tickets", "full"): (96, "7b9b466020edb6d51754"),
    ("carried_tickets_mixture", "quick"): (4, "5cb334b21b2c5ad8fab4"),
    ("carried_tickets_mixture", "full"): (24, "13acc523c22427ce2cee"),
    ("compute_optimal", "quick"): (22, "14b6009941c184a6d89e"),
    ("compute_optimal", "full"): (416, "7286eec455aaa4053a31"),
    ("compute_optimal_committee", "quick"): (24, "d7169b7a558a3b466b31"),
    ("compute_optimal_committee", "full"): (890, "86832afac3303a9021a8"),
    ("early_tickets", "quick"): (1, "ff973ab34454caf2d924"),
    ("early_tickets", "full"): (8, "994159a23912d0c41a5c"),
    ("early_tickets_images", "quick"): (3, "2b1ccc4d64f1401691b1"),
    ("early_tickets_images", "full"): (27, "2933b0a4a5ae5ac80a32"),
    ("consolidation", "quick"): (18, "397d31bfd844fe0137da"),
    ("consolidation", "full"): (114, "756007e0d2635f83c98d"),
    ("double_descent", "quick"): (14, "58e860f5b2e5aa622d36"),
    ("double_descent", "full"): (44, "97a52bdb601e86cc96a1"),
    ("least_squares", "quick"): (7, "0623a19e2ecd1697c0ff"),
    ("least_squares", "full"): (52, "219775c17a0a8cba83e7"),
    ("parities", "quick"): (3, "61d99990e086d750d648"),
    ("parities", "full"): (5, "4b82b065513bf3939145"),
    ("parities_mixed", "quick"): (2, "6594ba206e80b6f2b123"),
    ("parities_mixed", "full"): (9, "6a50add620f2ba4f1944"),
    ("robustness", "quick"): (5, "7c7f59061c6aa6667c58"),
    ("robustness", "full"): (20, "9cc6cbf570f6c9f1c234"),
    ("trajectories", "quick"): (8, "6a326455878f034ae064"),
    ("trajectories", "full"): (45, "8dde27ceead710d067d6"),
    ("trajectories_online", "quick"): (4, "5a1b7482e5ce2851341d"),
    ("trajectories_online", "full"): (12, "340543a42d7c82914637"),
    ("depth_and_width", "quick"): (18, "2218783cb07c08312569"),
    ("depth_and_width", "full"): (80, "430589ed0f7f6b03ab51"),
    ("distillation", "quick"): (12, "f783fd773a2530f8bda0"),
    ("distillation", "full"): (150, "562c24808186edf19234"),
    ("distillation_committee", "quick"): (12, "070e10b0633255512200"),
    ("distillation_committee", "full"): (134, "516959f45afb8f86a0ff"),
    ("efficiency", "quick"): (45, "ca518767ba34edd69ac5"),
    ("efficiency", "full"): (560, "e9fd6654e47dff315917"),
    ("efficiency_early", "quick"): (9, "2853f49bf45d4f007fd7"),
    ("efficiency_early", "full"): (24, "ff960c7d1234bce10305"),
    ("efficiency_distilled", "quick"): (18, "c3980d021ddc814285cb"),
    ("efficiency_distilled", "full"): (144, "a1f942f855110f9f59ca"),
    ("experts", "quick"): (12, "c500c7a01a7eaed2fefa"),
    ("experts", "full"): (54, "072aaf5194331f0baa2c"),
    ("images_depth", "quick"): (6, "f244679a050dc479197c"),
    ("images_depth", "full"): (184, "59c8b590470507049bf6"),
    ("images_filters", "quick"): (4, "469f78817fca90d6e913"),
    ("images_online", "quick"): (42, "59d6b02f877909b25709"),
    ("images_online", "full"): (168, "1fa7a22c8cf852494568"),
    ("images_filters", "full"): (7, "ae095b5f3797d4831008"),
    ("images_ranking", "quick"): (15, "0c6a6a26c49f72ad6698"),
    ("images_ranking", "full"): (50, "cf732e5fa5a3f5da372c"),
    ("lottery_tickets", "quick"): (1, "0424fd7fb6a99d1f3ead"),
    ("lottery_tickets", "full"): (1, "6d81b081254fc4bc6c62"),
    ("optimal_curriculum", "quick"): (5, "01ed006ad11914abe979"),
    ("optimal_curriculum", "full"): (38, "bef95869b08059deda01"),
    ("mixture_fit", "quick"): (120, "fa13d470979d02f63993"),
    ("mixture_fit", "full"): (1152, "21a87619d31b9ade9c0f"),
    ("mixture_loss", "quick"): (38, "08d3e95d933e3e153d14"),
    ("mixture_loss", "full"): (476, "5a8b2e9566321e2bd21b"),
    ("rates_and_curricula", "quick"): (32, "ed1d5bfafe8b1e936ec6"),
    ("rates_and_curricula", "full"): (132, "b9e01d76c3b87fcb13fd"),
    ("score_grading", "quick"): (18, "c2ffb83a02df1166c7c5"),
    ("score_grading", "full"): (128, "b94fa8dc4d2f2abfdf6e"),
    ("sign_map", "quick"): (54, "eea1a4299d67ecf79206"),
    ("sign_map", "full"): (732, "f9c48351c72a659f4009"),
    ("sparse_teacher", "quick"): (18, "5811b2e0fb517c6a7edf"),
    ("sparse_teacher", "full"): (316, "ae5cfaaa64a9dee2ece6"),
    ("theory_vs_simulation", "quick"): (12, "d64a8df59b59ce1bb336"),
    ("theory_vs_simulation", "full"): (108, "3de9a949826a939684ef"),
    ("tickets_and_curricula", "quick"): (17, "bd43b3a6ab0b2f7ba767"),
    ("tickets_and_curricula", "full"): (102, "49f3080f5a781c2eb333"),
    ("tickets_and_curricula_images", "quick"): (3, "d7ed7917a24f0eefcb5f"),
    ("tickets_and_curricula_images", "full"): (15, "64993acd33420af912bb"),
    ("xor_mixture", "quick"): (12, "71cefbb2a1777168f2dd"),
    ("xor_mixture", "full"): (148, "c6011958af67b0a84f6e"),
}


def pin(addresses: list[str]) -> tuple[int, str]:
    return len(addresses), hashlib.sha256("\n".join(addresses).encode()).hexdigest()[:20]


def test_both_presets_of_every_study_are_pinned():
    assert set(PINNED) == set(product(names(), ("quick", "full")))


@pytest.mark.parametrize("name", names())
def test_blocks_keep_their_addresses(name):
    study = get(name, "quick")
    assert study.name == name
    assert pin([block.address for block in study.blocks()]) == PINNED[name, "quick"]


#: Looks at every large study with the verbs, and runs it with nothing to do; what computes anything fails.
PLANNING = """
import json, sys
from functools import cache
import jax
import numpy as np
import xarray as xr
import studies.__main__ as command_line
from studies.catalogue import names
from studies.store import Store

jax.config.update("jax_platforms", "cuda")
out, main = sys.argv[1], command_line.main
get = command_line.get = cache(command_line.get)  # the verbs ask for the same
found = {}
for name in names():
    blocks = get(name, "full").blocks()
    found[name] = [block.address for block in blocks]
    arguments = [name, "--preset", "full", "--out", out]
    store = Store(out, name)
    store.prepare()
    status = xr.Dataset({"status": (("protocol", "replicate"), np.zeros((1, 1), np.int8))})
    store.write(found[name][0], status)
    assert main(["where", *arguments]) == 0
    assert main(["status", *arguments]) == 0
    assert main(["run", *arguments, "--shard", f"1/{len(blocks)}"]) == 0
try:
    jax.numpy.zeros(1)
except (RuntimeError, AssertionError):
    print(json.dumps(found))
"""


@pytest.mark.slow
def test_blocks_of_large_studies_keep_their_addresses_and_planning_starts_no_device(tmp_path):
    process = Forked(SIMULATING, PLANNING, tmp_path, environment=finding_tests())
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    found = json.loads(out.splitlines()[-1])
    assert {name: pin(addresses) for name, addresses in found.items()} == {
        name: pinned for (name, preset), pinned in PINNED.items() if preset == "full"
    }
