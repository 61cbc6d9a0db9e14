"""Named configurations, one YAML of differences from the defaults each: the published strategies, and one's own."""

import os
import re
from pathlib import Path
from typing import Any, Final

from orb_core.config.fields import nearest
from orb_core.config.strict_yaml import read_settings
from orb_core.errors import ConfigError

PRESETS_PATH: Final = Path(__file__).resolve().parents[2] / "presets"
_OWN_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9 _-]{0,58}[A-Za-z0-9_-])?")


def own_presets_path() -> Path:
    """Return the folder of one's own presets: the one ORB_PRESETS_DIR names, else my_presets/ of the project."""
    return Path(os.environ.get("ORB_PRESETS_DIR") or PRESETS_PATH.with_name("my_presets"))


def published_names() -> list[str]:
    """Return the names of the published strategies, in order."""
    return sorted(path.stem for path in PRESETS_PATH.glob("*.yaml"))


def own_preset_names() -> list[str]:
    """Return the names of one's own presets, in order; a file whose name could not be one is none."""
    published = {name.lower() for name in published_names()}
    found = (path.stem for path in own_presets_path().glob("*.yaml"))
    return sorted((n for n in found if _OWN_NAME.fullmatch(n) and n.lower() not in published), key=str.lower)


def preset_names() -> list[str]:
    """Return the names of all presets: the published ones, then one's own."""
    return [*published_names(), *own_preset_names()]


def own_preset_path(name: str) -> Path:
    """Return the file of a preset of one's own, there or not.

    Raises
    ------
    ConfigError
        If it cannot have this name.
    """
    if not _OWN_NAME.fullmatch(name):
        raise ConfigError(
            f"{name[:80]!r} cannot be the name of a preset: it takes 1 to 60 letters of A-Z, digits, spaces, _ and -, "
            "and begins with a letter or a digit"
        )
    if name.lower() in {"defaults", *(published.lower() for published in published_names())}:
        raise ConfigError(f"{name!r} is a preset of the project's own; choose another name")
    return own_presets_path() / f"{name}.yaml"


def preset_settings(name: str) -> dict[str, Any]:
    """Return what a preset changes.

    Raises
    ------
    ConfigError
        If there is no preset of this name, or its file cannot be read.
    """
    if name in published_names():
        return read_settings(PRESETS_PATH / f"{name}.yaml")
    names = preset_names()
    if name not in names:
        near = nearest(name, names)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(names)}"
        raise ConfigError(f"there is no preset {name!r}; {hint}")
    return read_settings(own_preset_path(name))
