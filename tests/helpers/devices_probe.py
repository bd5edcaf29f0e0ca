"""python devices_probe.py OUT DEVICES: a small study on that many of three CPU devices; prints the groups."""

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
    out, devices = sys.argv[1], int(sys.argv[2])
    groups = [(len(group), places) for group, places in together(study().blocks(), local_devices(devices))]
    ended = run(study(), out, How(devices=devices))
    print(json.dumps(groups))
    sys.exit(not ended.ok)
