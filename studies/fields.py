"""What may be set of a study: its fields, their values and what they mean, in words."""

from collections.abc import Mapping
from dataclasses import fields

from studies.settings import field_help
from studies.study import Study

#: Fields of the study itself that may be set.
OWN = {
    "replicates": "int >= 1, independent runs of every cell",
    "rows": "int >= 1, replicates of a block",
    "memory": "float > 0, GiB that a block may take",
}


def words(study: Study, width: int = 110) -> list[str]:
    """A line for every field: its name, its value or values in this study, what it means."""
    meant, axes = field_help(study.cell), study.axes()
    rows = [(name, getattr(study, name), text) for name, text in OWN.items()]
    for field in fields(study.cell):
        value, text = getattr(study.cell, field.name), meant.get(field.name, "")
        if isinstance(value, Mapping) and not value:
            rows.append((f"{field.name}.NAME", "", text))
        elif isinstance(value, Mapping):
            rows += [
                (f"{field.name}.{key}", axes.get(f"{field.name}.{key}", v), text) for key, v in value.items()
            ]
        else:
            rows.append((field.name, axes.get(field.name, value), text))
    first = max(len(name) for name, _, _ in rows) + 2
    lines = []
    for name, value, text in rows:
        shown = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        line = f"  --{name:{first}}{shown:24}  {text}"
        lines.append(line if len(line) <= width else f"{line[: width - 3].rstrip()}...")
    return lines
