"""Who imports this has imported what simulations import, and planned one; no device has started."""

import every_kind  # noqa: F401
import jax.experimental.pallas.triton  # noqa: F401, by JAX when it compiles something

from studies.catalogue import get

get("xor_mixture")
