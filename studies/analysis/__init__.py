"""Answers from saved arrays: paired benefit, critical width, time to threshold, the lottery.

Everything here takes the Dataset of `studies.load` and returns a Dataset. Cells that diverged, are
pending or were not asked for are left out in pairs, and the number of replicates left is returned
as `n`, never hidden in an average. Tickets have `studies.analysis.tickets`, equations beside runs
`studies.analysis.theory`, the mixture beside published curves `studies.analysis.mixture`.
"""

from studies.analysis.coverage import coverage_probability, lottery
from studies.analysis.own_rate import benefit_at_own_rate, tuned
from studies.analysis.paired import benefit, half_width, smallest_from
from studies.analysis.peak import peak
from studies.analysis.replicates import RESAMPLES, interval, last, over_replicates, share, usable, with_axes
from studies.analysis.speed import speed_up, time_to_threshold

__all__ = [
    "RESAMPLES", "benefit", "benefit_at_own_rate", "coverage_probability", "half_width", "interval", "last",
    "lottery", "over_replicates", "peak", "share", "smallest_from", "speed_up", "time_to_threshold", "tuned",
    "usable", "with_axes",
]  # fmt: skip
