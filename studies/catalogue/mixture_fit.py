"""With which settings does the XOR mixture give the published curves of loss against sigma?

Logistic loss against sigma (noise = sigma^2) was read off a published figure of arXiv 2406.01589 for three
protocols; width, rate, budget, scale of the start and what is easy are not known. The full preset searches a
product of widths, scales of the readout at the start, rates and budgets, each in both readings of the
curriculum: two phases (easy fraction 0.2) and linear fading (0.6). The quick preset changes one thing more
at a time around `CELL`, its outcome: easy fraction, easy level, input dimension.
`studies.analysis.mixture.distance` says how far a setting is from the published curves.
"""

from studies.cells.online import OnlineCell
from studies.study import Study

#: Noise of easy samples (sigma = 0.02, nearly none) and easy share in either reading.
EASY, TWO_PHASES, FADING = 0.0004, 0.2, 0.6
#: sigma^2 where settings are compared: at the published histograms, and where the curves bend.
NOISES = tuple(round(sigma**2, 6) for sigma in (0.1, 0.2, 0.3, 0.4, 0.55, 0.7))
#: Arms of the two readings; samples at the target alone belong to both.
PHASES_ARMS = ("curriculum", "no_curriculum", "target_only")
FADING_ARMS = ("ramp", "shuffled_ramp")
#: The setting nearest to the published curves, of those searched.
CELL = OnlineCell(
    width=5,
    readout_scale=0.05,
    learning_rate=5.0,
    budget=12.5,
    n_inputs=100,
    loss="logistic",
    easy={"noise": EASY},
    hard={"noise": 0.16},
    easy_fraction=TWO_PHASES,
    record_every=2.5,
    record=("test_accuracy", "test_loss", "clusters_right"),
)


def quick() -> Study:
    """Around the best setting: easy fractions, easy levels, dimensions."""
    phases = {"hard.noise": NOISES, "protocol": PHASES_ARMS}
    fading = {"hard.noise": NOISES, "protocol": FADING_ARMS}
    easy = {"easy.noise": (EASY, 0.01)}
    grids = (
        phases | easy | {"easy_fraction": (0.1, 0.2, 0.3, 0.4)},
        fading | easy | {"easy_fraction": (0.4, 0.6, 0.8, 1.0)},
        phases | {"n_inputs": (50, 200)},
        fading | {"n_inputs": (50, 200), "easy_fraction": (FADING,)},
    )
    return Study(CELL, grids, replicates=32)


def full() -> Study:
    """Widths, scales of the readout, rates, and budgets that the rates make about equally long."""
    grids = []
    for rate, budgets in ((2.5, (20.0, 25.0, 30.0)), (5.0, (10.0, 12.5, 15.0)), (10.0, (5.0, 7.5))):
        swept = {
            "width": (4, 5, 6, 8),
            "readout_scale": (0.05, 0.15, 0.5),
            "learning_rate": (rate,),
            "budget": budgets,
            "hard.noise": NOISES,
        }
        grids.append(swept | {"protocol": PHASES_ARMS})
        grids.append(swept | {"protocol": FADING_ARMS, "easy_fraction": (FADING,)})
    return Study(CELL, tuple(grids), replicates=32)


PRESETS = {"quick": quick, "full": full}
