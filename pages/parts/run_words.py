"""What a stored run is called, and where its bars came from, in words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orb_core.analytics.remarks import some_dates
from orb_core.config.models import RunConfig
from orb_core.config.places import imports_path
from orb_core.config.symbols import first_of
from orb_core.store.manifest import Manifest, Notes
from pages.parts.settings import by_path

NAMED_CHANGES = 2
SHORT_TITLES = {"orb.base_minutes": "OR"}


def symbols_text(manifest: Manifest) -> str:
    """Name the first symbols of a run, and how many more there are."""
    return first_of(list(manifest.symbols))


def changes_text(changed: Mapping[str, Any], named: int = NAMED_CHANGES) -> str:
    """Name the first settings that differ from the defaults, and how many more there are."""
    return first_of([_change(path, value) for path, value in changed.items()], named)


def _change(path: str, value: Any) -> str:
    setting = by_path().get(path)
    if setting is None:
        return f"{path} {value}"
    return f"{setting.title}{':' if setting.kind == 'choice' else ''} {setting.say(value)}"


def difference_text(changed: Mapping[str, tuple[Any, Any]]) -> str:
    """Name the first changes that made a configuration of another, as in "OR 30 ← 15", and how many more there are.

    Parameters
    ----------
    changed : Mapping
        `differences` of the two: dotted path → (value, what it was).
    """
    return first_of([_step(path, value, was) for path, (value, was) in changed.items()], NAMED_CHANGES)


def _step(path: str, value: Any, was: Any) -> str:
    setting = by_path().get(path)
    if setting is None:
        return f"{path} {value} ← {was}"
    now, before = (setting.say(each, with_unit=False) for each in (value, was))
    return f"{SHORT_TITLES.get(path, setting.title)} {now} ← {before}"


def title_text(manifest: Manifest, notes: Notes) -> str:
    """Return a run's title, or what sets it apart from the defaults."""
    return notes.title or changes_text(manifest.changed) or "Defaults"


def long_title_text(manifest: Manifest, notes: Notes, config: RunConfig) -> str:
    """Return a run's title, or its opening range and what else sets it apart from the defaults."""
    if notes.title:
        return notes.title
    orb = config.orb
    range_text = f"{orb.base_minutes}-min OR{', adaptive' if orb.adaptive else ''}"
    others = {path: v for path, v in manifest.changed.items() if path not in {"orb.base_minutes", "orb.adaptive"}}
    return ", ".join(filter(None, (range_text, changes_text(others))))


def is_made_up(manifest: Manifest) -> bool:
    """Say whether the bars are synthetic."""
    return bool(manifest.source["kind"] == "synthetic")


def source_text(manifest: Manifest) -> str:
    """Say where the bars came from."""
    kind = manifest.source["kind"]
    if kind == "synthetic":
        return "Made-up prices"
    if kind == "file":
        if str(manifest.source.get("path", "")) == str(imports_path()):
            return "Imported bars"
        path = Path(str(manifest.source.get("path", "")))
        return f"{'File' if path.suffix else 'Folder'} {path.name}"
    return str(kind).capitalize()


def missing_days(manifest: Manifest) -> list[str]:
    """Name the sessions of the run's dates that there were no bars of, whatever the source: a sentence a symbol."""
    return [
        f"{symbol}: no bars on {some_dates(record.missing_sessions)}"
        for symbol, record in manifest.symbols.items()
        if record.missing_sessions
    ]


def bars_text(manifest: Manifest) -> str:
    """Say how long a bar is."""
    return f"{manifest.interval.removesuffix('m')}-minute bars"
