"""Presets of one's own: written and deleted; `orb_core.config.presets` reads them."""

from collections.abc import Iterator
from contextlib import contextmanager

from orb_core import durable
from orb_core.config.load import to_yaml
from orb_core.config.models import RunConfig
from orb_core.config.presets import own_preset_names, own_preset_path, own_presets_path
from orb_core.errors import StoreError


def save_preset(name: str, config: RunConfig) -> None:
    """Keep a configuration under a name of one's own, in the place of the preset that had it.

    Raises
    ------
    ConfigError
        It cannot have this name.
    StoreError
        Its file cannot be written; the preset that had the name is as it was.
    """
    name = name_of(name)
    path = own_preset_path(name)
    with told(f"The preset {name!r} cannot be saved"):
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(path, to_yaml(config).encode())


def delete_preset(name: str) -> None:
    """Delete a preset of one's own; one that is gone already is no error.

    Raises
    ------
    ConfigError
        None can have this name.
    StoreError
        Its file cannot be deleted.
    """
    path = own_preset_path(name)
    with told(f"The preset {name!r} cannot be deleted"):
        path.unlink(missing_ok=True)


def name_of(name: str) -> str:
    """Return a preset's name as it is kept: without blanks around it, and in the letters of the one that is there.

    Some file systems do not tell `Gap` from `gap`; so a name differs from another by more than its capitals.
    """
    name = name.strip()
    return next((own for own in own_preset_names() if own.lower() == name.lower()), name)


@contextmanager
def told(failure: str) -> Iterator[None]:
    """Raise what the system has against a file in the folder of one's own as one sentence with what to do."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{failure}: {error.strerror or error}. "
            f"Free space in {own_presets_path()}, make it writable, or name another folder (ORB_PRESETS_DIR)"
        ) from error
