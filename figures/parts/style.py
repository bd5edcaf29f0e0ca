"""One look for all figures: colour-blind safe, told apart in grey by markers and dashes, drawn at print size.

Figures are one or two columns of a journal wide, and no type in them is below 7 points at that size. They are
made without pyplot and from Matplotlib's defaults, so nothing a user has set (backend, matplotlibrc) changes
them.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from string import Formatter
from textwrap import fill
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

#: Widths of one and of two columns, in inches.
COLUMN, PAGE = 3.4, 7.0
#: Okabe-Ito colours, a marker and a dash pattern for each protocol.
PROTOCOLS: dict[str, tuple[str, str, Any]] = {
    "curriculum": ("#0072B2", "o", "-"),
    "no_curriculum": ("#000000", "s", "-"),
    "no_curriculum_then_target": ("#E69F00", "P", (0, (4, 1, 1, 1))),
    "rule_curriculum": ("#009E73", "^", (0, (5, 1.5))),
    "anti_curriculum": ("#D55E00", "v", (0, (3, 1.5))),
    "target_only": ("#CC79A7", "D", (0, (1, 1.2))),
    "standard": ("#000000", "s", "-"),
    "random": ("#009E73", "^", (0, (5, 1.5))),
    "ramp": ("#56B4E9", "X", "--"),
    "shuffled_ramp": ("#999999", "*", "-."),
    "ramp_then_target": ("#0072B2", "^", (0, (5, 1.5))),
    "shuffled_ramp_then_target": ("#000000", "v", (0, (3, 1.5))),
}
#: For anything else that needs telling apart, in this order.
SERIES = (
    ("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D"), ("#E69F00", "v"),
    ("#56B4E9", "X"), ("#000000", "P"), ("#999999", "*"),
)  # fmt: skip
#: For protocols that are not in the list above.
OTHERS = (("#56B4E9", "X", "--"), ("#999999", "*", "-."), ("#F0E442", "p", (0, (4, 1, 1, 1))))
GREY = "#888888"
#: Names that are not their identifier with spaces.
NAMES = {
    "mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10", "ntk": "NTK", "sgd": "SGD",
    "adam": "Adam", "relu": "ReLU", "mlp": "MLP", "cnn": "CNN", "lenet": "LeNet", "el2n": "EL2N",
    "el1n": "EL1N", "grand": "GraNd", "grand_last": "GraNd, last layer", "c_score": "C-score",
    "aum": "AUM", "vog": "VoG", "bayes_error": "Bayes error", "xor_mixture": "XOR mixture",
    "polarity_xor": "polarity XOR", "warmup_stable_decay": "warm-up, stable, decay",
    "class_group_xor": "class-group XOR", "anti_curriculum": "anti-curriculum",
    "no_curriculum_then_target": "no curriculum, then target", "ramp_then_target": "ramp, then target",
    "shuffled_ramp_then_target": "shuffled ramp, then target",
    "published": "published score", "quad": "quadratic", "exp": "exponential", "log": "logarithmic",
}  # fmt: skip

RC: dict[Any, Any] = {
    "figure.dpi": 150,
    "savefig.dpi": 250,
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.frameon": False,
    "legend.fontsize": 7,
    "legend.borderaxespad": 0.3,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "errorbar.capsize": 1.5,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}


@contextmanager
def own_look() -> Iterator[None]:
    """Matplotlib's defaults, then ours; what the user had set is back afterwards."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        yield


def words(name: object) -> str:
    """An identifier (protocol, data set, score) as words, by its proper name if it has one."""
    return NAMES.get(str(name), str(name).replace("_", " "))


class Settings(Formatter):
    """Text with settings in it: {easy[noise]:g}, in words {loss:words}, {share:percent}, {levels:list}.

    Examples
    --------
    >>> Settings().format("{share:percent} % of {task:words}", share=0.25, task="xor_mixture")
    '25 % of XOR mixture'
    """

    def format_field(self, value: object, format_spec: str) -> str:
        kinds = {
            "words": words,
            "percent": lambda share: f"{100 * share:g}",
            "rest": lambda share: f"{100 * (1 - share):g}",
            "root": lambda square: f"{square**0.5:g}",
            "wrong": lambda share: f"{100 * share:g} % wrong" if share else "clean",
            "narrow": lambda text: fill(text, 18),
            "list": lambda values: ", ".join(map(str, values)),
        }
        return kinds[format_spec](value) if format_spec in kinds else super().format_field(value, format_spec)


def looks(protocols: Iterable[str], label: str = "{}") -> dict[str, dict[str, Any]]:
    """Colour, marker, dash and label (with the name) of each protocol's line; others get other styles."""
    there = [str(name) for name in protocols]
    spare = cycle(OTHERS)
    styles = {name: PROTOCOLS[name] for name in PROTOCOLS if name in there}
    styles |= {name: next(spare) for name in there if name not in PROTOCOLS}
    return {
        name: {"color": colour, "marker": marker, "ls": dash, "label": label.format(words(name))}
        for name, (colour, marker, dash) in styles.items()
    }


def series(
    values: Iterable[Any], label: str = "{}", looks: Iterable[tuple[str, str]] = SERIES
) -> dict[Any, dict[str, Any]]:
    """The same for anything else: `label` is formatted with the value in words, `looks` are taken in turn."""
    return {
        value: {"color": colour, "marker": marker, "ls": "-", "label": label.format(words(value))}
        for value, (colour, marker) in zip(values, cycle(looks), strict=False)
    }


def width_axis(axes: Axes, widths: Iterable[int]) -> None:
    """A logarithmic width axis that shows the widths swept, and nothing else.

    A width next to one that is named, closer than an eighteenth of the axis, has a tick and no name.
    """
    values, names = list(widths), []
    near = (max(values) / min(values)) ** (1 / 18)
    last = 0.0
    for width in values:
        touches = width < near * last
        names.append("" if touches else str(width))
        last = last if touches else width
    log_axis(axes, "x", dict(zip(values, names, strict=True)), 2)
    axes.set_xlabel("width K")


def log_axis(
    axes: Axes, which: str, ticks: Mapping[int, str] | Mapping[float, str], base: float = 10
) -> None:
    """A logarithmic axis ("x" or "y") with ticks, place -> name, and no others."""
    (axes.set_xscale if which == "x" else axes.set_yscale)("log", base=base)
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_ticks([*ticks], [*ticks.values()])
    axis.set_minor_locator(NullLocator())
