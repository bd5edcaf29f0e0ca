"""A study as one page that can be explored: a single HTML file that needs no network.

`quantities` computes what is shown: means over replicates with their intervals, and paired differences
from a control. `page` puts them, the plotting library and the words around them into one file; what the
reader chooses is drawn by page.js in the browser, from numbers that are all in the file.
"""

from studies.report.page import write

__all__ = ["write"]
