"""The lottery: how often random units cover every cluster, and how often those of runs do."""

from math import comb

import numpy as np
import xarray as xr

from studies.analysis.replicates import last, share, usable


def coverage_probability(width: np.ndarray, targets: int = 4, share: float = 0.25) -> np.ndarray:
    """Probability that K random units cover all targets, each unit hitting a given one with `share`.

    The coupon collector, sum_j (-1)^j C(targets, j) (1 - j share)^K. share = 1/4: a unit points at one
    of four clusters; share = 1/8: and its readout has the right sign too.

    Examples
    --------
    >>> coverage_probability(np.array([3, 4, 64])).round(4).tolist()
    [0.0, 0.0938, 1.0]
    """
    width = np.asarray(width, float)
    terms = [(-1) ** j * comb(targets, j) * (1 - j * share) ** width for j in range(targets + 1)]
    return np.clip(np.sum(terms, 0), 0, 1)


def lottery(ds: xr.Dataset, confidence: float = 0.95, clusters: int = 4) -> xr.Dataset:
    """Share of replicates in which every cluster has a unit, at the start and at the end.

    Returns
    -------
    all_covered, all_aligned (moment, protocol, width, ...) : shares, with their exact binomial intervals
        ci_low_..., ci_high_... and numbers of replicates n_... (see `share`)
    expected_covered, expected_aligned (width,) : coverage probability of K random units
    """
    out = xr.Dataset(coords={"moment": ["start", "end"]})
    for name, short, chance in (("covered", "covered", 0.25), ("covered_aligned", "aligned", 0.125)):
        data = usable(ds, name)
        data = (data == clusters).astype(float).where(data.notnull())
        ends = [data.isel(time=0, drop=True), last(data)]
        found = share(xr.concat(ends, out.moment), confidence)
        out[f"all_{short}"] = found["mean"]
        for part in ("ci_low", "ci_high", "n"):
            out[f"{part}_{short}"] = found[part]
        out[f"expected_{short}"] = ("width", coverage_probability(ds.width.values, clusters, chance))
    return out
