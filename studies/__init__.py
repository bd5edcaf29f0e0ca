"""What was asked, and where the answer is.

>>> from studies import load, analysis                       # no JAX is imported by either
"""

from studies import analysis
from studies.store import load

__all__ = ["analysis", "load"]
