"""What the command lines of studies and figures share: what is wrong is said in one line, exit status 2."""

import argparse
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        fail(f"{message} (see {self.prog} --help)")


def fail(message: object) -> NoReturn:
    """Say what is wrong in one line and stop with status 2."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


def path(text: str) -> str:
    """A path as given, with ~ for the home folder also where the shell leaves it, as in --out=~/x."""
    return os.path.expanduser(text)


def whole(name: str, text: str, least: int) -> int:
    """A whole number from the command line; ValueError in one line."""
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise ValueError(f"{name} is {text!r}; need a whole number >= {least}")
    return number


class _Speaker(logging.Handler):
    """Prints messages to what is the standard output at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), flush=True)


@contextmanager
def spoken(package: str) -> Iterator[None]:
    """Print what a package logs, for the length of a `with`."""
    logger, speaker, level = logging.getLogger(package), _Speaker(), logging.getLogger(package).level
    logger.addHandler(speaker)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(speaker)
        logger.setLevel(level)
