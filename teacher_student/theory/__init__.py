"""Order-parameter equations: online SGD as N grows at fixed alpha = samples / N.

`integrate.trajectory` integrates them; one file per task holds the right-hand side.
"""
