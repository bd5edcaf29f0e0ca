"""Who imports this has run the cheap study once, and so has imported all that a run imports."""

import sys
from contextlib import redirect_stdout
from io import StringIO
from tempfile import TemporaryDirectory

import cheap

with TemporaryDirectory() as folder, redirect_stdout(StringIO()):
    for verb in ("run", "status"):
        cheap.main([verb, "cheap", "--out", folder])
del sys.modules["studies.__main__"]  # which knows the cheap study only
