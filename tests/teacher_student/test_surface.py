"""The names that `import teacher_student` gives: all there, all lazy."""

import subprocess
import sys

import pytest
from root import ROOT

import teacher_student as ts


def test_importing_and_listing_the_package_loads_nothing_slow():
    code = (
        "import sys, teacher_student as ts\n"
        "assert {'simulate', 'TwoLayer'} <= set(dir(ts))\n"
        "heavy = {'jax', 'flax', 'numpy', 'xarray', 'optax'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("name", ts.__all__)
def test_every_name_is_what_its_own_module_has(name):
    found = getattr(ts, name)
    home = ts._HOME[name]
    assert found is getattr(sys.modules[home], name)
    assert getattr(found, "__module__", home) == home


def test_the_table_of_names_and_the_public_names_agree():
    assert sorted(ts._HOME) == sorted(ts.__all__)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(AttributeError, match="no attribute 'Xor'; it has .*XorMixture"):
        _ = ts.Xor  # pyright: ignore[reportAttributeAccessIssue]
