"""What the command lines of studies and figures share: what is wrong is said in one line, exit status 2."""

import argparse
import sys
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        fail(f"{message} (see {self.prog} --help)")


def fail(message: object) -> NoReturn:
    """Say what is wrong in one line and stop with status 2."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)
