"""Stamps as files write them, to instants: the form is read off the first ones and then asked of all.

A form names its zone (epochs, ISO 8601 with an offset) or shows a clock, which the user has to name.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CLOCK: Final = pa.timestamp("ns")
INSTANT: Final = pa.timestamp("ns", "UTC")

_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(?P<offset>Z|[+-]\d\d(:?\d\d)?)?")
# From 1985 to 2096: no number is in two units, and none looks like a date such as 202403151230.
_EPOCHS: Final = {
    unit: (473_385_600 * each, 4_000_000_000 * each)
    for unit, each in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9))
}
_DATES: Final = (
    (r"\d{4}-\d{1,2}-\d{1,2}", ("%Y-%m-%d",)),
    (r"\d{4}/\d{1,2}/\d{1,2}", ("%Y/%m/%d",)),
    (r"\d{4}\.\d{1,2}\.\d{1,2}", ("%Y.%m.%d",)),
    (r"(19|20)\d{6}", ("%Y%m%d",)),
    (r"\d{1,2}/\d{1,2}/\d{4}", ("%m/%d/%Y", "%d/%m/%Y")),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", ("%m.%d.%Y", "%d.%m.%Y")),
    (r"\d{1,2}-\d{1,2}-\d{4}", ("%m-%d-%Y", "%d-%m-%Y")),
)
_CLOCKS: Final = (
    (r"\d{1,2}:\d\d", "%H:%M"),
    (r"\d{1,2}:\d\d:\d\d", "%H:%M:%S"),
    (r"\d{4}", "%H%M"),
    (r"\d{6}", "%H%M%S"),
    (r"\d{1,2}:\d\d ?[AaPp][Mm]", "%I:%M %p"),
    (r"\d{1,2}:\d\d:\d\d ?[AaPp][Mm]", "%I:%M:%S %p"),
)


class UnclearStampsError(ValueError):
    """Stamps that are in no known form, or in more than one."""


class StampForm(NamedTuple):
    """How the stamps of a file are written.

    Attributes
    ----------
    names_zone : bool
        A stamp is an instant; otherwise the time some clock showed.
    unit : str
        Of a number since 1970: s, ms, us or ns; empty for text.
    formats : tuple of str
        For `strptime`; two while the order of day and month is open, none for ISO 8601.
    """

    names_zone: bool
    unit: str = ""
    formats: tuple[str, ...] = ()


def form_of(stamps: Sequence[str]) -> StampForm:
    """Return the form of the first stamp that is not blank.

    Raises
    ------
    UnclearStampsError
        It is in no known form.
    """
    first = next((text.strip() for text in stamps if text.strip()), None)
    if first is None:
        return StampForm(names_zone=True)
    if iso := _ISO.fullmatch(first):
        return StampForm(names_zone=bool(iso["offset"]))
    if first.isdecimal():
        unit = next((u for u, (low, high) in _EPOCHS.items() if low <= int(first) <= high), "")
        if unit:
            return StampForm(names_zone=True, unit=unit)
    for (date, orders), (clock, clock_format) in itertools.product(_DATES, _CLOCKS):
        between = "[ T]?" if first[:8].isdecimal() else "[ T]"
        if match := re.fullmatch(f"{date}(?P<between>{between}){clock}", first):
            return StampForm(names_zone=False, formats=tuple(f"{o}{match['between']}{clock_format}" for o in orders))
    if any(re.fullmatch(date, first) for date, _ in _DATES):
        raise UnclearStampsError(f"{first!r} is a date without a time of day; bars within the day are needed")
    raise UnclearStampsError(f"{first!r} is in no known form of a time; write stamps such as 2024-01-02 09:30:00-05:00")


def with_order(form: StampForm, columns: Iterable[pa.Array]) -> StampForm:
    """Return the form with the order of day and month that the stamps themselves prove.

    Parameters
    ----------
    form : StampForm
    columns : iterable of string arrays
        The stamps, as far as they are needed: the first day after the 12th settles it.

    Raises
    ------
    UnclearStampsError
        They fit both orders, or neither.
    """
    are_equal = True
    for texts in columns:
        written = _written(texts)
        parsed = [pc.strptime(written, format=one, unit="s", error_is_null=True) for one in form.formats]
        fitting = tuple(
            one for one, times in zip(form.formats, parsed, strict=True) if times.null_count == written.null_count
        )
        if len(fitting) == 1:
            return form._replace(formats=fitting)
        if not fitting:
            raise UnclearStampsError("some dates have their day first and some their month, or other faults")
        are_equal = are_equal and parsed[0].equals(parsed[1])
    if are_equal:
        return form._replace(formats=form.formats[:1])
    raise UnclearStampsError(
        "days and months cannot be told apart: no date is after the 12th. Write dates like 2024-01-31, or give a file "
        "that reaches beyond the 12th of a month"
    )


def times_of(texts: pa.Array, form: StampForm) -> pa.Array:
    """Return stamps as times, null where blank: `INSTANT` if the form names its zone, else `CLOCK`.

    Raises
    ------
    UnclearStampsError
        One is in another form.
    pa.ArrowInvalid
        One is no time.
    """
    written = _written(texts)
    if form.unit:
        return epochs(written.cast(pa.int64()), form.unit)
    if not form.formats:
        try:
            return written.cast(INSTANT if form.names_zone else CLOCK)
        except pa.ArrowInvalid as error:
            odd = re.search(r"string: '(.*)' as", str(error))
            if odd is None:
                raise
            if _is_time(odd[1], CLOCK if form.names_zone else INSTANT):
                raise UnclearStampsError("some stamps name a zone offset and some do not") from error
            raise UnclearStampsError(f"{odd[1]!r} is no time") from error
    times = pc.strptime(written, format=form.formats[0], unit="s", error_is_null=True)
    if times.null_count > written.null_count:
        odd = written.filter(pc.and_(times.is_null(), written.is_valid()))[0]
        raise UnclearStampsError(f"{odd.as_py()!r} is not written like the stamps before it")
    return times.cast(CLOCK)


def _is_time(text: str, kind: pa.DataType) -> bool:
    try:
        pa.array([text]).cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def epochs(numbers: pa.Array, unit: str = "") -> pa.Array:
    """Return numbers since 1970 as `INSTANT`, in the given unit or the one they are all in.

    Raises
    ------
    UnclearStampsError
        They are not all in one unit, or lie before 1985 or after 2096.
    """
    if numbers.null_count == len(numbers):
        return pa.nulls(len(numbers), INSTANT)
    least, most = (pc.min_max(numbers)[end].as_py() for end in ("min", "max"))
    units = [unit] if unit else list(_EPOCHS)
    fitting = [u for u in units if _EPOCHS[u][0] <= least and most <= _EPOCHS[u][1]]
    if not fitting:
        raise UnclearStampsError(
            f"{least} to {most} are not seconds, milliseconds, microseconds or nanoseconds since 1970 throughout"
        )
    return numbers.cast(pa.int64()).cast(pa.timestamp(fitting[0], "UTC")).cast(INSTANT)


def _written(texts: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(trimmed, ""), None, trimmed)
