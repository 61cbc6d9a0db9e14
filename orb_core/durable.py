"""Files that are on the disk when the call returns."""

import os
import uuid
from contextlib import suppress
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Write a new file and flush it to the disk."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, content: bytes) -> None:
    """Put the content in the place of whatever the file holds: a reader sees all of the old or all of the new."""
    beside = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        write(beside, content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Flush a folder's list of names, so that a rename or a new file in it outlasts a power cut.

    Where the system has no such call (Windows, some network drives) it keeps names its own way: that is no failure.
    """
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
