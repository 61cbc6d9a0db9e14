"""The building blocks of the models: what one setting says about itself, and the types YAML has no word for."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Final, Literal, TypedDict, Unpack
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

CLOCK_PATTERN: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
DATE_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
LONGEST_MINUTES: Final = 24 * 60
MOST: Final = 1_000_000
LARGEST: Final = 1e9

WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Settings(BaseModel):
    """A group of settings: frozen, strict about types, closed to unknown keys, free of NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Facts(TypedDict, total=False):
    """What a setting may say beside its title and description."""

    ge: float
    gt: float
    le: float
    lt: float
    min_length: int
    unit: str
    step: float
    basic: bool
    labels: dict[str, str]
    when: list[dict[str, list[Any]]]


_BOUNDS: Final = ("ge", "gt", "le", "lt", "min_length")


def setting(title: str, description: str, **facts: Unpack[Facts]) -> Any:
    """Field of a model, without a default: defaults.yaml is the only place for those.

    Parameters
    ----------
    title : str
        The setting in plain words, for a form.
    description : str
        What it does, with its unit.
    **facts
        `ge`, `gt`, `le`, `lt`, `min_length`: bounds. The rest goes to `json_schema_extra`: `unit`; `step`, by which a
        number is usefully changed; `basic`, in the short list of the form; `labels`, the choices in words; `when`:
        the setting counts if any of these conditions holds, each a mapping of dotted path to the values asked for.
    """
    bounds: dict[str, Any] = {name: value for name, value in facts.items() if name in _BOUNDS}
    extra: dict[str, Any] = {name: value for name, value in facts.items() if name not in _BOUNDS}
    return Field(title=title, description=description, json_schema_extra=extra, **bounds)


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known word most like this one, or None when none is close."""
    matches = get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return matches[0] if matches else None


def _without_negative_zero(value: float) -> float:
    """Return 0.0 for -0.0, so that both have one hash."""
    return value + 0.0


def as_tuple(value: Any) -> Any:
    """Return a list as a tuple, and anything else as it is: YAML and JSON know lists only."""
    return tuple(value) if isinstance(value, list) else value


def _clock(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(CLOCK_PATTERN, value):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        meant = f"{value // 60:02}:{value % 60:02}"
        raise ValueError(f'must be a time "HH:MM" in quotes; without them YAML reads {meant} as the number {value}')
    raise ValueError('must be a time "HH:MM" between "00:00" and "23:59"')


def _date(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(DATE_PATTERN, value):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"must be a date of the calendar: {error}") from None
    raise ValueError('must be a date "YYYY-MM-DD"')


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder, such as America
        near = nearest(value, available_timezones())
        hint = f", did you mean {near}?" if near else " such as America/New_York"
        raise ValueError(f"must be an IANA time zone{hint}") from None
    return value


@cache
def calendar_names() -> tuple[str, ...]:
    """Names of all calendars, aliases such as NYSE included."""
    import exchange_calendars

    return tuple(exchange_calendars.get_calendar_names(include_aliases=True))


def _calendar(value: str) -> str:
    """Return the calendar's own name, for an alias too: NYSE and XNYS mean the same."""
    import exchange_calendars

    if value not in calendar_names():
        near = nearest(value.upper(), calendar_names())
        hint = f", did you mean {near}?" if near else " such as XNYS, CMES or 24/7"
        raise ValueError(f"must be an exchange_calendars name{hint}")
    return str(exchange_calendars.resolve_alias(value))


def _in_week_order(days: tuple[Weekday, ...]) -> tuple[Weekday, ...]:
    return tuple(day for day in WEEKDAYS if day in days)


def sorted_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values sorted, without repeats: neither order nor repeats mean anything."""
    return tuple(sorted(set(values)))


Number = Annotated[float, AfterValidator(_without_negative_zero)]
Clock = Annotated[str, BeforeValidator(_clock), WithJsonSchema({"type": "string", "pattern": CLOCK_PATTERN})]
TimeZone = Annotated[str, AfterValidator(_timezone)]
CalendarName = Annotated[str, AfterValidator(_calendar)]
Weekdays = Annotated[tuple[Weekday, ...], BeforeValidator(as_tuple), AfterValidator(_in_week_order)]
SessionDate = Annotated[date, BeforeValidator(_date)]
SessionDates = Annotated[tuple[SessionDate, ...], BeforeValidator(as_tuple), AfterValidator(sorted_once)]
