"""What a file is by its first bytes, where it is none of the containers that are read here."""

import itertools
import pickletools

_MAGIC = {
    b"version https://git-lfs": "a Git LFS pointer, not the file itself; fetch it with git lfs pull",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "compressed with gzip; unpack it first",
    b"BZh": "compressed with bzip2; unpack it first",
    b"\xfd7zXZ": "compressed with xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; unpack it first",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF",
    b"\x89PNG": "an image",
}
_NUMBERS = "numbers without a name; put the name of the column above them and call the file .csv"


def is_pickle(data: bytes) -> bool:
    """Whether the bytes start as a pickle does: by its mark, or (old protocols) by a run of its codes."""
    if data[:1] == b"\x80":
        return True
    if not data.endswith(b"."):
        return False
    try:
        for _ in itertools.islice(pickletools.genops(data), 1000):
            pass
    except Exception:  # any text is tried, and the parser says in many ways that it is none
        return False
    return True


def describe(data: bytes) -> str:
    """What the file seems to be, in words that say what to do.

    Examples
    --------
    >>> describe(b"0.5\\n0.25\\n")  # doctest: +ELLIPSIS
    'numbers without a name; ...'
    >>> describe(b"")
    'empty'
    """
    if not data.strip():
        return "empty"
    for magic, what in _MAGIC.items():
        if data.startswith(magic):
            return what
    try:
        lines = data[:4096].decode("utf-8", "strict" if len(data) <= 4096 else "ignore").splitlines()
    except UnicodeDecodeError:
        return "of no kind known here"
    if "\0" in lines[0]:
        return "of no kind known here"
    if lines[0].lstrip()[:1] == "<":
        return "a web page, not the file itself; download it again"
    if lines[0].strip().replace(".", "", 1).lstrip("-").isdigit():
        return _NUMBERS
    return "text that is neither JSON nor a table"
