"""python devices_probe.py OUT: a small study on one and on three CPU devices; prints the groups of either."""

import json
import sys

import small

from studies.engine.devices import local_devices
from studies.engine.executors import together
from studies.engine.how import How
from studies.engine.run import run

FIELDS = {"learning_rate": "0.2,0.3"}


def study():
    """Two rates, four tiles of replicates each: eight blocks of one program."""
    return small.study(widths=(4,), replicates=8, rows=2).changed(FIELDS)


if __name__ == "__main__":
    groups = {}
    for devices in (1, 3):
        blocks = study().blocks()
        groups[devices] = [(len(group), places) for group, places in together(blocks, local_devices(devices))]
        assert run(study(), f"{sys.argv[1]}/{devices}", How(devices=devices)).ok
    print(json.dumps(groups))
