"""A user's program, for a type checker: right uses pass, and the wrong ones are found."""

import teacher_student as ts
from curricula import order, rank
from studies.cells.online import OnlineCell
from studies.study import Study

student = ts.TwoLayer(width=4)
width: int = student.width
study = Study(OnlineCell(n_inputs=60), ({"width": (2, 4)},), replicates=4)
name: str = study.name
print(width, name, order, rank)

wrong: str = student.width  # pyright: ignore[reportAssignmentType]
ts.TwoLayer(width="four")  # pyright: ignore[reportArgumentType]
OnlineCell(n_input=60)  # pyright: ignore[reportCallIssue]
