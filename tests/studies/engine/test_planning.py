"""Planning needs no memory: what is asked is looked at by its shapes."""

import tracemalloc
from dataclasses import replace
from typing import Any

import every_kind
import pytest
import small

from studies.study import Study
from teacher_student.training.recording import _check_measured, check_measured

#: What is said of a width that does not fit: by the memory of a replicate, or of tickets by their weights.
TOO_WIDE = "of width 10+ needs about .* GiB, more than the limit|weights; need fewer than 2147483648"


@pytest.mark.parametrize("kind", every_kind.CELLS)
@pytest.mark.parametrize("width", [10**6, 10**9])
def test_a_width_beyond_all_memory_is_refused_in_one_line(kind, width):
    cell, protocols = every_kind.CELLS[kind]
    wide: Any = replace(cell, width=width)
    if kind == "theory" or (kind == "grading" and width < 10**9):
        wide = replace(wide, **({"n_inputs": 10**5} if kind == "grading" else {"method": "full"}))
    with pytest.raises(ValueError, match=TOO_WIDE) as error:
        Study(wide, ({"protocol": protocols},), 2, rows=2)
    assert "\n" not in str(error.value)


def test_checks_make_no_array_of_the_size_of_the_students():
    cell = replace(small.CELL, width=20_000, n_inputs=30_000, method="full")
    task, student, _ = cell.world()
    _check_measured.cache_clear()
    tracemalloc.start()
    check_measured(task, student, cell.record)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6  # K x K floats are 1.6e9 bytes
