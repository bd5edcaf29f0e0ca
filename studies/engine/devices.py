"""How many devices of this host a run spreads its tiles over."""

import os

FORCED = "xla_force_host_platform_device_count"


def prepare(asked: int | None) -> None:
    """Make `asked` CPU devices, where JAX runs on the CPU; call it before JAX has computed anything."""
    if asked is not None and asked > 1 and FORCED not in os.environ.get("XLA_FLAGS", ""):
        import jax

        jax.config.update("jax_num_cpu_devices", asked)


def local_devices(asked: int | None) -> int:
    """The number of devices to use.

    Parameters
    ----------
    asked : that many; -1 for all; None for all accelerators, but one CPU: cores are better used by
        processes (`--workers`), since virtual devices of a CPU share one pool of threads

    Raises
    ------
    ValueError : more than there are
    """
    if asked == 1:
        return 1
    import jax

    here = jax.local_device_count()
    if asked is None:
        return 1 if jax.default_backend() == "cpu" else here
    if asked == -1:
        return here
    if asked > here:
        raise ValueError(f"devices is {asked}, but this host has {here}; ask for at most that many, or all")
    return asked
