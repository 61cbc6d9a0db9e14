"""Which code made a run."""

import platform
import subprocess
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Final

_PROJECT: Final = Path(__file__).resolve().parents[2]

PACKAGES: Final = ("numpy", "pandas", "numba", "pyarrow", "pydantic", "exchange_calendars", "scipy")
"""What can change a result or the bytes of a file."""


@lru_cache(maxsize=1)
def package_versions() -> dict[str, str]:
    """Return the versions of Python and of every package that can change a result."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}


@lru_cache(maxsize=1)
def git_commit() -> str | None:
    """Return the commit the project stands at, `-dirty` if files differ from it; None outside a repository."""
    command = [
        "git",
        "--no-optional-locks",
        "-C",
        str(_PROJECT),
        "describe",
        "--always",
        "--abbrev=40",
        "--match=",
        "--dirty",
    ]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)  # noqa: S603 — all of it is ours
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
