"""Small cells of the studies on images, for their tests."""

import sys
from pathlib import Path
from typing import Any

from studies.cell import Block
from studies.cells.images import online as images_online, ranking as images_ranking
from studies.cells.images.fading import FadingImages
from studies.cells.images.online import OnlineImages
from studies.cells.images.ranking import RankedImages
from studies.study import Study

ROOT = Path(__file__).resolve().parents[2]
ONLINE = OnlineImages(
    width=4, n_steps=40, record_every=10, n_examples=200, n_test=100, n_rates=2, tuning_replicates=2,
    slowest_rate=0.01,
)  # fmt: skip
RANKED = RankedImages(
    width=4, n_steps=20, record_every=10, n_examples=300, n_rates=1, ranking="loss", ranking_epochs=1,
    batch_size=8, slowest_rate=0.1, a=0.5, b=0.1,
)  # fmt: skip
FADING = FadingImages(
    data_set="digits", width=4, n_steps=20, record_every=10, batch_size=8, n_examples=300, n_test=100,
    n_rates=2, tuning_replicates=2, slowest_rate=0.05,
)  # fmt: skip
ONE: Any = images_online.ORDERINGS
TWO: Any = images_ranking.PROTOCOLS


def block(cell, protocols=tuple(ONE), rows=3, room=0):
    return Block(cell, protocols, 0, rows, room or cell.n_records)


def study(cell, protocols=tuple(ONE), widths=(4, 5), **grid):
    name = "images_online" if isinstance(cell, OnlineImages) else "images_ranking"
    return Study(cell, ({**grid, "protocol": protocols, "width": widths},), 3, rows=3, name=name)


CALL = [sys.executable, "-m", "studies"]
SMALL = {
    "width": "4,5", "n_steps": "20,40", "record_every": "10", "n_examples": "200", "n_rates": "2",
    "n_test": "100", "tuning_replicates": "2", "replicates": "3", "rows": "3",
    "protocol": ",".join(ONE),
}  # fmt: skip
TINY = [word for name, value in SMALL.items() for word in (f"--{name}", value)]
