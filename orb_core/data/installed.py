"""Sources of other people: whatever is installed under the entry points `orb_confluence.sources` (docs/sources.md)."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final

from orb_core.errors import ConfigError

if TYPE_CHECKING:
    from orb_core.config.models import SessionSettings
    from orb_core.data.source import Source

GROUP: Final = "orb_confluence.sources"
BUILT_IN: Final = ("yahoo", "synthetic", "file")
_NEEDED: Final = ("name", "identity", "fetch")


def source_names() -> tuple[str, ...]:
    """Return every name `--source` takes, the built-in ones first."""
    others = {entry.name for entry in entry_points(group=GROUP)} - set(BUILT_IN)
    return (*BUILT_IN, *sorted(others))


def refuse_unknown(name: str) -> None:
    """Refuse a name that `--source` does not take.

    Raises
    ------
    ConfigError
        There is no source of that name.
    """
    names = source_names()
    if name not in names:
        raise ConfigError(f"There is no source {name!r}; installed are {', '.join(names)}")


def installed_source(name: str, session: SessionSettings) -> Source:
    """Return the installed source of that name.

    Parameters
    ----------
    name : str
        None of `BUILT_IN`.
    session : SessionSettings
        What the source's factory is called with.

    Raises
    ------
    ConfigError
        There is none, there are two, or it cannot be loaded.
    """
    refuse_unknown(name)
    found = list(entry_points(group=GROUP, name=name))
    whose = [entry.dist.name if entry.dist else entry.value for entry in found]
    if len(found) > 1:
        raise ConfigError(f"The source {name!r} is installed by {' and by '.join(whose)}; uninstall all but one")
    try:
        source: Source = found[0].load()(session)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"The source {name!r} of {whose[0]} cannot be loaded: {error}; reinstall it") from error
    missing = [member for member in _NEEDED if not hasattr(source, member)]
    if missing:
        raise ConfigError(
            f"The source {name!r} of {whose[0]} lacks {', '.join(missing)}; docs/sources.md says what a source needs"
        )
    return source
