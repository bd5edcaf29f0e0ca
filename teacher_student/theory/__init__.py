"""Order-parameter equations: online SGD as N grows at fixed alpha = samples / N.

`integrate.trajectory` integrates them; one file per task holds the right-hand side.

Programs of the equations do not call back into Python: a program that does cannot be kept on disk, and on
CPUs programs with such calls were seen to stop for good (github.com/jax-ml/jax/issues/25861). An error inside
Equinox gives NaN instead, which marks the trajectory as diverged, unless EQX_ON_ERROR says otherwise, or
Equinox was imported before.
"""

import os

os.environ.setdefault("EQX_ON_ERROR", "nan")  # read when Equinox is imported
