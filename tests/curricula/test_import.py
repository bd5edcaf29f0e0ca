"""Importing curricula is free."""

import subprocess
import sys

import pytest
from root import ROOT


def test_importing_the_parts_that_need_no_jax_does_not_load_it():
    code = (
        "import sys\n"
        "from curricula import load_ranking, rank, order, pace, Ranking, Sampler\n"
        "import curricula.draw, curricula.self_paced, curricula.adaptive\n"
        "import curricula.compare, curricula.report, curricula.record, curricula.plots\n"
        "heavy = {'jax', 'flax', 'torch', 'sklearn', 'matplotlib', 'grain', 'datasets', 'pyarrow'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True)


def test_what_there_is_is_listed():
    import curricula

    assert dir(curricula) == ["Ranking", "Sampler", "load_ranking", "order", "pace", "rank"]


def test_unknown_attribute_lists_the_known_ones():
    import curricula

    with pytest.raises(AttributeError, match="load_ranking"):
        _ = curricula.loadranking  # pyright: ignore[reportAttributeAccessIssue]
