"""Named configurations, one YAML of differences from the defaults each: the published strategies."""

from pathlib import Path
from typing import Any, Final

from orb_core.config.fields import nearest
from orb_core.config.strict_yaml import read_settings
from orb_core.errors import ConfigError

PRESETS_PATH: Final = Path(__file__).resolve().parents[2] / "presets"


def preset_names() -> list[str]:
    """Return the names of all presets, in order."""
    return sorted(path.stem for path in PRESETS_PATH.glob("*.yaml"))


def preset_settings(name: str) -> dict[str, Any]:
    """Return what a preset changes.

    Raises
    ------
    ConfigError
        If there is no preset of this name.
    """
    names = preset_names()
    if name not in names:
        near = nearest(name, names)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(names)}"
        raise ConfigError(f"there is no preset {name!r}; {hint}")
    return read_settings(PRESETS_PATH / f"{name}.yaml")
