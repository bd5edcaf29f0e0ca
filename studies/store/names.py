"""Names in a store: what they look like, so that none leads out of its folder."""

import re

ADDRESS = re.compile(r"[0-9a-f]{20}")
BLOCK = re.compile(r"([0-9a-f]{20})\.([0-9a-f]{64})\.nc")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def checked(pattern: re.Pattern, text: str, what: str, need: str) -> str:
    """The text, if it is what it should be; else ValueError."""
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise ValueError(f"{what} is {text!r}; need {need}")
    return text
