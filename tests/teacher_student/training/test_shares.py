"""The benchmark that says where the time of a step goes."""

import pytest

from benchmarks.shares import parts


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_every_part_has_a_time_and_they_are_parts_of_a_chunk():
    *found, chunk = parts(60, 4, 2, 1e9)
    assert chunk.name == "all of a chunk"
    assert all(part.seconds >= 0 for part in found)
    drawn = {part.name: part.seconds for part in found}
    assert drawn["random numbers"] > 0
    assert drawn["steps"] > 0
    floors = {part.name: part.floor for part in found}
    assert floors["update"] == 4 * 16 * 4 * 4 * 2 / 1e9, "2 B rows on K x K, a multiplication and an addition"
