"""Where runs and bars are kept, unless the environment names another folder."""

import os
from pathlib import Path
from typing import Final

_PROJECT: Final = Path(__file__).resolve().parents[2]


def runs_path() -> Path:
    """Return the folder ORB_RUNS_DIR names, else runs/ of the project."""
    return Path(os.environ.get("ORB_RUNS_DIR") or _PROJECT / "runs")


def cache_path() -> Path:
    """Return the folder ORB_CACHE_DIR names, else cache/ of the project."""
    return Path(os.environ.get("ORB_CACHE_DIR") or _PROJECT / "cache")


def imports_path() -> Path:
    """Return the folder of imported bars."""
    return cache_path() / "imports"
