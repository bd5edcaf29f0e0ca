"""Logistic loss of the XOR mixture against sigma, beside the curves of a published figure.

The curves were read off the thumbnail of arXiv 2406.01589 at the author's page (stefsmlab.github.io,
2024-05-01-Tilting-odds-thumbnail.png; reading error 0.003 in the loss, 0.2 runs of 20 in the histograms below
it). Its arms are named c, rand and nf; that they are curriculum, shuffled and target only is our reading, and
so is that "covered clusters" counts clusters that a network gets right.
"""

import numpy as np
import xarray as xr

from studies.analysis.replicates import last, usable, with_axes

#: Protocols that stand for the published arms c, rand, nf in each reading of a curriculum.
READINGS = {
    "two phases": ("curriculum", "no_curriculum", "target_only"),
    "fading": ("ramp", "shuffled_ramp", "target_only"),
}
ARMS = ("c", "rand", "nf")
SIGMAS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7)
LOSS = (
    (0.194, 0.196, 0.210, 0.237, 0.283, 0.349, 0.427, 0.505, 0.576, 0.635, 0.675, 0.690, 0.694),
    (0.200, 0.210, 0.236, 0.276, 0.334, 0.406, 0.488, 0.569, 0.638, 0.680, 0.692, 0.694, 0.694),
    (0.206, 0.220, 0.255, 0.310, 0.386, 0.476, 0.568, 0.647, 0.686, 0.694, 0.694, 0.694, 0.694),
)
#: sigma -> arm -> runs of 20 with 0, 1, 2, 3, 4 clusters covered.
COVERED = {
    0.1: ((0, 0, 2.0, 9.1, 8.9), (0, 0, 2.1, 7.9, 10.0), (0, 0, 2.1, 7.2, 10.7)),
    0.4: ((0, 0.4, 1.7, 7.1, 10.9), (0, 1.0, 2.2, 8.8, 8.1), (1.6, 2.9, 5.0, 7.1, 3.4)),
    0.7: ((0, 3.3, 16.7, 0, 0), (0, 2.1, 17.9, 0, 0), (12.4, 0.5, 7.1, 0, 0)),
}
#: Axes that samples at the target alone do not depend on.
OF_EASY = ("easy_fraction", "easy.noise")


def published() -> xr.Dataset:
    """What was read off the figure.

    Returns
    -------
    loss (arm, sigma)
    share (arm, at, clusters) : share of runs with that many clusters covered, at three values of sigma

    Examples
    --------
    >>> float(published().loss.sel(arm="c", sigma=0.3))
    0.349
    """
    counts = np.array(list(COVERED.values()), float)
    shares = counts / counts.sum(-1, keepdims=True)
    return xr.Dataset(
        {"loss": (("arm", "sigma"), np.array(LOSS)), "share": (("at", "arm", "clusters"), shares)},
        {"arm": list(ARMS), "sigma": list(SIGMAS), "at": list(COVERED), "clusters": np.arange(5)},
    )


def by_sigma(ds: xr.Dataset) -> xr.Dataset:
    """The study with the axis sigma = sqrt(hard.noise) in the place of hard.noise."""
    ds = with_axes(ds, ("hard.noise", *OF_EASY))
    sigma = np.round(np.sqrt(ds["hard.noise"].values.astype(float)), 6)
    return ds.rename({"hard.noise": "sigma"}).assign_coords(sigma=sigma)


def arms(values: xr.DataArray, reading: str) -> xr.DataArray:
    """Values of the protocols that stand for c, rand and nf, along an axis `arm` in the place of protocol.

    nf is the same at every easy fraction and level, and so is put at all of them.
    """
    found: list[xr.DataArray] = []
    for arm, protocol in zip(ARMS, READINGS[reading], strict=True):
        part = values.sel(protocol=protocol, drop=True)
        if arm == "nf":
            part = part.max(OF_EASY).broadcast_like(part)
        found.append(part)
    return xr.concat(found, xr.DataArray(list(ARMS), dims="arm", name="arm"))


def distance(ds: xr.Dataset, reading: str) -> xr.Dataset:
    """How far every setting of a study is from the published curves and histograms.

    Parameters
    ----------
    ds : with axes hard.noise, protocol and replicate, test_loss and clusters_right; values of sigma that
        were not published are left out
    reading : "two phases" or "fading", see `READINGS`

    Returns
    -------
    rms (arm, ...) : root-mean-square difference of the mean loss at the end of runs, over sigma
    total (...) : the same over the three arms together; NaN where an arm or a sigma was not run
    histogram (...) : total variation distance (0 to 1) between the shares of runs that get 0 to 4 clusters
        right and those published, mean over the arms and values of sigma
    """
    ds, known = by_sigma(ds), published()
    loss = arms(last(usable(ds, "test_loss")).mean("replicate"), reading)
    shown = [sigma for sigma in ds.sigma.values if sigma in SIGMAS]
    apart = (loss.sel(sigma=shown) - known.loss.sel(sigma=shown)) ** 2
    rms = np.sqrt(apart.mean("sigma", skipna=False))
    out = xr.Dataset({"rms": rms, "total": np.sqrt((rms**2).mean("arm", skipna=False))})
    at = [sigma for sigma in ds.sigma.values if sigma in COVERED]
    if at and "clusters_right" in ds:
        shares = arms(cluster_shares(ds).sel(sigma=at), reading)
        apart = np.abs(shares - known.share.sel(at=at).rename(at="sigma")).sum("clusters", skipna=False) / 2
        out["histogram"] = apart.mean(("arm", "sigma"), skipna=False)
    return out


def cluster_shares(ds: xr.Dataset) -> xr.DataArray:
    """Share of runs that get 0, 1, ..., 4 clusters right at their end (..., clusters)."""
    return cluster_hits(ds).mean("replicate").rename("share")


def cluster_hits(ds: xr.Dataset) -> xr.DataArray:
    """1 where a run gets so many clusters right at its end, else 0 (..., replicate, clusters)."""
    right = last(usable(ds, "clusters_right"))
    counts = xr.DataArray(np.arange(5), dims="clusters", coords={"clusters": np.arange(5)})
    return (right == counts).astype(float).where(right.notnull())
