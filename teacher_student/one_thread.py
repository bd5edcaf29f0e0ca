"""Programs that factor several batches of matrices which do not need each other's results."""

#: Options of `jax.jit` for them. On a CPU a call of LAPACK takes a thread of XLA's pool and waits there for
#: the parts of its batch that it hands to the same pool (seen with jaxlib 0.10.2): as many such calls at once
#: as there are cores wait for ever. Without the pool they come one after the other.
ONE_THREAD = {"xla_cpu_multi_thread_eigen": False}
