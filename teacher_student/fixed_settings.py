"""What everything is computed with, whatever the user's options of JAX say.

Options of JAX, set in the environment (`JAX_ENABLE_X64=1`) or by `jax.config.update`, change numbers: how
keys make random bits, how wide a float is, how a product is computed, what the compiler may do. Results must
depend on what was asked alone, so whatever computes does it in `fixed_settings()`: the defaults of JAX, in
full.

XLA_FLAGS are read by the compiler once, when it starts; they cannot be fixed here and are recorded with
results.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from enum import Enum
from typing import Any

#: Option of JAX that moves numbers or stops a run -> its value, the default of JAX, during every computation.
#: An option that the installed version of JAX does not have is left out.
FIXED: dict[str, Any] = {
    # numbers and their types
    "jax_enable_x64": False,
    "jax_explicit_x64_dtypes": "warn",
    "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "allow",
    "jax_default_matmul_precision": None,
    "jax_allow_f16_reductions": True,
    # random bits
    "jax_default_prng_impl": "threefry2x32",
    "jax_threefry_partitionable": True,
    "jax_random_seed_offset": 0,
    "jax_enable_custom_prng": False,
    "jax_legacy_prng_key": "allow",
    "jax_high_dynamic_range_gumbel": False,
    # what is made of a program
    "jax_disable_jit": False,
    "jax_disable_most_optimizations": False,
    "jax_optimization_level": "UNKNOWN",
    "jax_exec_time_optimization_effort": 0.0,
    "jax_memory_fitting_effort": 0.0,
    "jax_memory_fitting_level": "O2",
    "jax_compiler_enable_remat_pass": True,
    "jax_softmax_custom_jvp": False,
    "jax_use_direct_linearize": True,
    "eager_constant_folding": False,
    # checks that end a computation
    "jax_debug_nans": False,
    "jax_debug_infs": False,
    "jax_debug_key_reuse": False,
    "jax_check_tracer_leaks": False,
    "jax_error_checking_behavior_nan": "ignore",
    "jax_error_checking_behavior_divide": "ignore",
    "jax_error_checking_behavior_oob": "ignore",
    "jax_no_tracing": False,
    "jax_no_execution": False,
    "jax_transfer_guard_host_to_device": "allow",
    "jax_transfer_guard_device_to_device": "allow",
    "jax_transfer_guard_device_to_host": "allow",
}


@contextmanager
def fixed_settings(dtype: str | None = "float32") -> Iterator[None]:
    """Compute with `FIXED`, whatever the user has set; also a decorator.

    Parameters
    ----------
    dtype : {"float32", "float64", None}
        The widest float: 64-bit numbers are there for "float64" only. None leaves that option as it is, for
        functions whose precision is that of the arrays they are given.

    Examples
    --------
    >>> import jax
    >>> with jax.enable_x64(True), fixed_settings():
    ...     jax.numpy.ones(1).dtype
    dtype('float32')
    """
    import jax

    now, wanted = jax.config.values, dict(FIXED)
    if dtype is None:
        del wanted["jax_enable_x64"]
    elif dtype == "float64":
        wanted["jax_enable_x64"] = True
    with ExitStack() as stack:
        for name, value in wanted.items():
            if name in now and _found(now, name) != value:
                stack.enter_context(_option(name, value))
        yield


def all_fixed() -> bool:
    """Whether the whole process has these settings already, so that `fixed_settings` changes none."""
    import jax

    now = jax.config.values
    return all(_found(now, name) == value for name, value in FIXED.items() if name in now)


def _found(now: dict[str, Any], name: str) -> Any:
    """What an option is now, in plain words; guards of transfers that nobody has set let all pass."""
    found = _plain(now[name])
    return "allow" if found is None and name.startswith("jax_transfer_guard") else found


def _option(name: str, value: object) -> AbstractContextManager[Any]:
    """One option set for a while: for this thread where JAX offers that, else for the process."""
    import jax

    own: Callable[..., AbstractContextManager[Any]] | None = getattr(jax, name.removeprefix("jax_"), None)
    return _everywhere(name, value) if own is None else own(value)


@contextmanager
def _everywhere(name: str, value: object) -> Iterator[None]:
    import jax

    before = jax.config.values[name]
    jax.config.update(name, value)
    try:
        yield
    finally:
        jax.config.update(name, _plain(before))


def _plain(value: object) -> Any:
    """The value of an option as it is written: members of an enumeration by their name."""
    return value.name.lower() if isinstance(value, Enum) else value
