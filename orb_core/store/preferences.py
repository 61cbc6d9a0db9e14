"""How somebody likes the app to look: no part of any run, kept beside the presets of one's own."""

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ValidationError

from orb_core import durable
from orb_core.config.presets import own_presets_path
from orb_core.store.own_presets import told

FILE: Final = "app.json"


class Preferences(BaseModel, frozen=True):
    """What the app asks about; a file of a newer version may hold more."""

    green_red: bool = False
    """Candles green and red instead of blue and orange."""


def load_preferences() -> Preferences:
    """Return what was saved; where that cannot be read, what the app begins with."""
    try:
        return Preferences.model_validate_json(_path().read_bytes())
    except (OSError, ValidationError):
        return Preferences()


def save_preferences(preferences: Preferences) -> None:
    """Keep them for every page and session from now on.

    Raises
    ------
    StoreError
        The file cannot be written; what was saved before holds.
    """
    path = _path()
    with told("Your preferences cannot be saved"):
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(path, preferences.model_dump_json().encode())


def _path() -> Path:
    return own_presets_path() / FILE
