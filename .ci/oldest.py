"""The oldest versions that pyproject.toml allows, as constraints for pip: python .ci/oldest.py > FILE"""

import re
import tomllib
from pathlib import Path


def oldest(project: dict) -> list[str]:
    """`name==bound` for every dependency, also of the extras, that is declared as `name>=bound`."""
    extras = project.get("optional-dependencies", {}).values()
    declared = [*project["dependencies"], *(line for extra in extras for line in extra)]
    found = (re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?>=([\w.]+)", line) for line in declared)
    return sorted({f"{match[1]}=={match[2]}" for match in found if match})


if __name__ == "__main__":
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    print("\n".join(oldest(tomllib.loads(text)["project"])))
