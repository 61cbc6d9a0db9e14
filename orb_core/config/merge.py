"""Plain mappings of settings: laid over each other, walked by dotted path, with one name per instrument."""

from collections.abc import Iterator, Mapping
from typing import Any

from orb_core.config.instruments import UNKNOWN_INSTRUMENT, InstrumentSettings

Path = tuple[str, ...]


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `over` laid over it, mappings key by key, anything else replaced. Neither is changed."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged


def with_own_symbols(settings: Mapping[str, Any], below: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings with instruments under their own symbols, where `below` knows the name used as an alias.

    A name that would meet another entry of the same settings stays, to be refused by the models.
    """
    entries = settings.get("instruments")
    if not isinstance(entries, Mapping):
        return settings
    own = {
        alias: symbol
        for symbol, entry in below["instruments"].items()
        if isinstance(entry, Mapping) and isinstance(entry.get("aliases"), list | tuple)
        for alias in entry["aliases"]
        if isinstance(alias, str)
    }
    renamed: dict[Any, Any] = {}
    for name, entry in entries.items():
        upper = name.upper() if isinstance(name, str) else name
        symbol = own.get(upper, upper)
        free = symbol not in renamed and (symbol == name or symbol not in entries)
        renamed[symbol if free else name] = entry
    return {**settings, "instruments": renamed}


def with_whole_instruments(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with every instrument spelt out: what an entry does not say is as for an unknown symbol."""
    entries = settings.get("instruments")
    if not isinstance(entries, Mapping):
        return dict(settings)
    whole = {
        name: merge(UNKNOWN_INSTRUMENT, entry) if isinstance(entry, Mapping) else entry
        for name, entry in entries.items()
    }
    return {**settings, "instruments": whole}


def leaves(settings: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of every setting that is not a group of settings."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*above, key))
        else:
            yield (*above, key), value


def nested(path: Path, value: Any) -> dict[str, Any]:
    """Return the settings that hold this one value."""
    for key in reversed(path):
        value = {key: value}
    assert isinstance(value, dict)
    return value


def reaches(settings: Mapping[str, Any], path: Path) -> bool:
    """Tell whether these settings say anything at this path, above it included: `orb: 5` speaks of orb.base_minutes."""
    found: Any = settings
    for key in path:
        if not isinstance(found, Mapping):
            return True
        if key not in found:
            return False
        found = found[key]
    return True


def split_path(text: str) -> Path:
    """Return the keys of a dotted path; the dots of a symbol such as BRK.B are its own."""
    parts = tuple(text.split("."))
    if parts[0] != "instruments" or len(parts) < 3:
        return parts
    for at in range(2, len(parts)):
        if parts[at] in InstrumentSettings.model_fields:
            return ("instruments", ".".join(parts[1:at]), *parts[at:])
    return ("instruments", ".".join(parts[1:-1]), parts[-1])
