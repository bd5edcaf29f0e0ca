"""How XLA compiles what the tests run."""

import os
from importlib.metadata import version

#: Most tests compile for longer than they run, and there are as many of them at once as cores; processes that
#: they start inherit it. Who sets other flags, as `make optimised` does, has every program made with those.
#: A flag that the compiler does not know ends the process: one was there until jaxlib 0.11.
FLAGS = " ".join(
    (
        "--xla_backend_optimization_level=1",
        "--xla_cpu_multi_thread_eigen=false",
        *(["--xla_cpu_use_fusion_emitters=false"] if version("jaxlib").startswith("0.10.") else []),
    )
)
os.environ.setdefault("XLA_FLAGS", FLAGS)
OURS = os.environ["XLA_FLAGS"] == FLAGS

#: For processes whose programs run for a moment only; what they compute is to the bit what a module with the
#: fixture `quick_module` computes.
QUICKLY = (
    {"XLA_FLAGS": f"{FLAGS} --xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"}
    if OURS
    else {}
)
