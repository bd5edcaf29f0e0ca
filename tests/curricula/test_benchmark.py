"""Both sides of the benchmark compute the same thing, up to the draw of the seeds."""

import pytest

from benchmarks.scores import measure

pytestmark = pytest.mark.usefixtures("quick_module")


@pytest.mark.slow
def test_the_loop_and_the_compiled_run_agree_on_average():
    rows = [measure(row, seeds=6, examples=2560, width=16) for row in ("vmapped", "python_loop")]
    for row in rows:
        assert row.keys() == {"row", "seconds", "cpu_seconds", "GiB", "mean"}
    assert rows[0]["mean"] == pytest.approx(rows[1]["mean"], rel=0.1)
