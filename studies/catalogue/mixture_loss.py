"""How do loss and accuracy depend on sigma and width, at the settings nearest to the published curves?

XOR mixture with logistic loss over the published values of sigma (noise = sigma^2), at the settings that
`mixture_fit` found. A curriculum in two phases and as linear fading, each beside its control, beside samples
at the target alone, and beside a control that ends on the same stretch at the target.
"""

from dataclasses import replace

from studies.catalogue import mixture_fit
from studies.catalogue.mixture_fit import FADING, FADING_ARMS, PHASES_ARMS
from studies.study import Grid, Study

CELL = replace(mixture_fit.CELL, record=(*mixture_fit.CELL.record, "covered", "covered_aligned"))

#: sigma^2 for the published sigma of 0.05 to 0.7.
NOISES = tuple(
    round(sigma**2, 6) for sigma in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7)
)
#: Where loss and accuracy with and without a curriculum differ most.
MIDDLE = (0.09,)
WIDTHS = tuple(sorted({2, 4, CELL.width, 8, 16, 32, 64}))
#: The same with an end at the target for every arm.
PHASES_MORE = (*PHASES_ARMS, "no_curriculum_then_target")
FADING_MORE = (*FADING_ARMS, "ramp_then_target", "shuffled_ramp_then_target")


def curves(widths: tuple[int, ...], noises: tuple[float, ...], **more: tuple[float, ...]) -> tuple[Grid, ...]:
    """Both readings at these widths and values of sigma^2."""
    shared = {"hard.noise": noises, "width": widths} | more
    return (
        {**shared, "protocol": PHASES_MORE},
        {**shared, "protocol": FADING_MORE, "easy_fraction": (FADING,)},
    )


def quick() -> Study:
    """All values of sigma at the width of the search; all widths at one sigma."""
    return Study(CELL, (*curves((CELL.width,), NOISES), *curves(WIDTHS, MIDDLE)), replicates=32)


def full() -> Study:
    """All values of sigma at all widths; learning rates, so that each arm may have its own best."""
    rates = {"learning_rate": (1.25, 2.5, 5.0, 10.0, 20.0)}
    return Study(CELL, (*curves(WIDTHS, NOISES), *curves(WIDTHS, MIDDLE, **rates)), replicates=64)


PRESETS = {"quick": quick, "full": full}
