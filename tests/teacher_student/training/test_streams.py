"""Streams of random numbers: named in one place, different, and the same numbers for ever."""

import ast
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from root import ROOT

from teacher_student import roles
from teacher_student.training.streams import replicate_keys, role_keys, root_key, round_keys, stream, streams


def bits(key) -> tuple[int, ...]:
    return tuple(np.asarray(jax.random.key_data(key)).ravel().tolist())


def test_streams_and_replicates_and_rounds_have_keys_of_their_own():
    keys = replicate_keys(3, jnp.arange(3))
    found = [bits(stream(key, role)) for key, role in itertools.product(keys, roles.REPLICATE)]
    samples = [bits(stream(key, "data")) for n in range(5) for key in round_keys(keys, n)]
    assert len(set(found)) == len(found) == 3 * len(roles.REPLICATE)
    assert len(set(samples)) == len(samples)
    assert set(samples) & set(found) == {bits(stream(key, "data")) for key in keys}


@pytest.mark.parametrize("seed", [0, 3, 2**31 + 5, 2**32 - 1])
def test_the_key_of_a_seed_is_that_of_jax(seed):
    key = jax.random.key(seed, impl="threefry2x32")
    assert bits(root_key(seed)) == bits(key)
    numbers = [0, 7, 2**31 - 1]
    assert bits(replicate_keys(seed, numbers)) == sum((bits(jax.random.fold_in(key, r)) for r in numbers), ())
    role = jax.random.fold_in(key, roles.RUNS)
    found = role_keys(seed, roles.RUNS, numbers)
    assert bits(found) == sum((bits(jax.random.fold_in(role, r)) for r in numbers), ())
    late = 4_294_966_999  # of the last round there may be
    assert bits(round_keys(found, late)) == sum(
        (bits(jax.random.fold_in(k, np.uint32(late))) for k in found), ()
    )


def test_streams_of_all_replicates_are_those_of_each():
    keys = replicate_keys(3, jnp.arange(4))
    for role in roles.REPLICATE:
        together = streams(keys, role)
        assert [bits(key) for key in together] == [bits(stream(key, role)) for key in keys]


def test_the_numbers_of_the_streams_stay():
    """Stored results rest on them."""
    assert roles.REPLICATE == {
        "teacher": 0, "init": 1, "data": 2, "test": 3, "random_mask": 109, "other_start": 114,
        "scattered": 115,
    }  # fmt: skip
    assert (roles.START, roles.FIRST_STEP) == (0, 1)
    assert (roles.RUNS, roles.TUNING, roles.HELD_OUT, roles.EXAMPLES) == (0, 1, 2, 3)
    assert (roles.SIGN, roles.NOISE, roles.OTHER, roles.OTHER_SIGN) == (0, 1, 2, 3)
    assert (roles.TRAIN, roles.VALID, roles.TEST, roles.ORDER) == (1, 2, 3, 4)


@pytest.mark.parametrize("package", ["teacher_student", "curricula", "studies"])
def test_nothing_folds_a_bare_number_into_a_key(package):
    """fold_in takes a name or a counter, never a literal: those are streams, and named in `roles`."""
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("fold_in"):
                literals = [n for n in ast.walk(node.args[-1]) if isinstance(n, ast.Constant)]
                assert not literals, (
                    f"{path.relative_to(ROOT)}:{node.lineno} folds in {ast.unparse(node.args[-1])}"
                )
