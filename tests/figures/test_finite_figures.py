"""What the figures of studies on finite data compute of their own."""

import numpy as np
import xarray as xr

from figures import double_descent, robustness
from teacher_student.students.plain import PlainNet


def test_powers_are_those_of_the_smallest_values_over_replicates():
    """Made from known powers times a noise that is 1 at least, one place without any run that fits."""
    rng = np.random.default_rng(0)
    n, k = np.array([64, 128, 256]), np.array([8, 16, 32, 64, 128])
    noise = 1 + rng.exponential(0.05, size=(2, 3, 5, 30))
    n_power, k_power = np.array([0.5, 0.0]).reshape(2, 1, 1, 1), np.array([0.25, -0.1]).reshape(2, 1, 1, 1)
    values = 3 * n.reshape(3, 1, 1) ** n_power * k.reshape(5, 1) ** -k_power * noise
    values[:, 2, 0] = np.nan
    coords = {"protocol": ["standard", "curriculum"], "n_examples": n, "width": k, "replicate": range(30)}
    data = xr.DataArray(values, coords)
    found = robustness.powers(data)
    truth = np.array([[0.5, 0.25], [0.0, -0.1]])
    assert np.allclose(found["mean"], truth, atol=0.01)
    assert (
        np.abs(robustness.powers(data.mean("replicate").expand_dims("replicate"))["mean"] - truth) < 0.03
    ).all()
    assert ((found.ci_low <= found["mean"]) & (found["mean"] <= found.ci_high)).all()
    assert (found.ci_high - found.ci_low < 0.05).all()
    # of what was not swept there is no power
    single = robustness.powers(data.isel(n_examples=[1]))
    assert np.isnan(single["mean"][:, 0]).all()
    assert np.allclose(single["mean"][:, 1], truth[:, 1], atol=0.01)


def test_weights_and_labels_balance_where_the_network_has_as_many_parameters():
    for n in (125, 415, 3000):
        below = int(double_descent.balanced(xr.DataArray(n), 196))
        sizes = [PlainNet("mlp", width, 10).n_parameters(196) for width in (below, below + 1)]
        assert sizes[0] <= 10 * n < sizes[1]
