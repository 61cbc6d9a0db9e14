"""What to run on: symbols, where their bars come from, and which days."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import streamlit as st

from orb_core import data_service
from orb_core.config.models import RunConfig
from orb_core.config.symbols import normalize_symbols
from orb_core.data.installed import source_names
from orb_core.errors import SymbolError
from orb_core.service import RunRequest, SourceSpec
from pages.parts import cached, data_cached
from pages.parts.forms import key
from pages.parts.markup import complain, plain
from pages.parts.settings import by_path

SOURCES: Final = {
    "yahoo": "Yahoo",
    "synthetic": "Made-up prices",
    "imports": "Imported bars",
    "file": "File or folder",
}
DEMO_SYMBOLS: Final = ("SPY",)
DEMO_DATES: Final = (date(2024, 1, 2), date(2024, 12, 31))
EARLIEST: Final = date(1990, 1, 1)
TOLD: Final = 3
SUGGESTED: Final = ("SPY", "QQQ", "IWM", "ES=F", "NQ=F", "BTC-USD")


def begin() -> None:
    """Fill the fields in, the first time a session sees them."""
    for name, value in (
        ("ask.symbols", list(DEMO_SYMBOLS)),
        ("ask.source", "synthetic"),
        ("ask.dates", DEMO_DATES),
        ("ask.path", ""),
        ("ask.mended", ()),
        ("ask.taken_over", None),
    ):
        st.session_state.setdefault(name, value)


def use(symbols: tuple[str, ...], source: SourceSpec, start: date, end: date) -> None:
    """Fill the fields with what a run was asked for; only before they are drawn, or in a callback."""
    st.session_state["ask.symbols"] = list(symbols)
    is_import = source.kind == "file" and source.path == data_service.imports().path
    st.session_state["ask.source"] = "imports" if is_import else source.kind
    st.session_state["ask.dates"] = (start, end)
    st.session_state["ask.path"] = str(source.path or "")
    st.session_state["ask.taken_over"] = source


def problems() -> dict[str, str]:
    """Return what is wrong with the fields, by their key."""
    found = {}
    try:
        normalize_symbols(st.session_state["ask.symbols"])
    except SymbolError as error:
        found["ask.symbols"] = "; ".join(_some(str(error).split("\n")))
    if st.session_state["ask.source"] == "file" and not st.session_state["ask.path"].strip():
        found["ask.path"] = "Name a CSV or Parquet file, or a folder of them."
    if len(st.session_state["ask.dates"]) != 2:
        found["ask.dates"] = "Choose the last day as well as the first."
    return found


def request(config: RunConfig) -> RunRequest:
    """Return what the fields and a configuration ask for; only where there are no problems."""
    start, end = st.session_state["ask.dates"]
    return RunRequest(
        config=config,
        symbols=normalize_symbols(st.session_state["ask.symbols"]).symbols,
        start=start,
        end=end,
        source=_source(),
    )


def sources() -> list[str]:
    """Return what the source can be chosen from."""
    return list(dict.fromkeys([*SOURCES, *source_names()]))


def _source() -> SourceSpec:
    """Return where bars come from; what else a run taken over said of its source holds while that is the source."""
    kind = st.session_state["ask.source"]
    path = Path(st.session_state["ask.path"].strip()).expanduser() if kind == "file" else None
    if kind == "imports":
        kind, path = "file", data_service.imports().path
    before: SourceSpec | None = st.session_state["ask.taken_over"]
    return before if before is not None and (before.kind, before.path) == (kind, path) else SourceSpec(kind, path=path)


def fields(wrong: dict[str, str]) -> None:
    """Draw the fields, each with what is wrong with it."""
    symbols = st.session_state["ask.symbols"]
    imported = [kept.symbol for kept in data_cached.datasets() if kept.about] if is_of_imports() else []
    st.multiselect(
        "Symbols",
        list(dict.fromkeys([*symbols, *imported, *cached.recent_symbols(), *SUGGESTED])),
        key="ask.symbols",
        accept_new_options=True,
        on_change=_read_symbols,
        placeholder="Pick, type or paste",
        help="Several may be pasted at once, separated by commas, spaces or lines.",
        persist_state="session",
    )
    if st.session_state["ask.mended"]:
        st.caption(plain("; ".join(_some(st.session_state["ask.mended"]))) + ".")
    _say(wrong, "ask.symbols")
    source, interval = st.columns(2, gap="small")
    with source:
        st.selectbox(
            "Source",
            sources(),
            format_func=lambda name: SOURCES.get(name, name),
            key="ask.source",
            persist_state="session",
        )
    with interval:
        setting = by_path()["data.interval"]
        st.selectbox(
            setting.title,
            list(setting.labels),
            format_func=setting.labels.__getitem__,
            key=key(setting.path),
            help=f"{setting.description} `{setting.path}`",
            persist_state="session",
        )
    if st.session_state["ask.source"] == "file":
        st.text_input(
            "Path",
            key="ask.path",
            placeholder="~/bars/SPY.csv",
            help="A CSV or Parquet file with the columns timestamp, open, high, low, close and volume, or a folder of "
            "files named after their symbols.",
            persist_state="session",
        )
        _say(wrong, "ask.path")
    # A run taken over may be of any days: dates beyond its bounds would break the field.
    earliest, asked = _within_reach(), st.session_state["ask.dates"]
    st.date_input(
        "Dates",
        key="ask.dates",
        min_value=min(earliest, *asked),
        max_value=max(datetime.now(tz=UTC).date(), *asked),
        format="YYYY-MM-DD",
        help="First and last session, both included. The days of warm-up before them are fetched as well.",
        persist_state="session",
    )
    _say(wrong, "ask.dates")
    if st.session_state["ask.source"] == "yahoo":
        st.caption(_reach_sentence())


def _some(sentences: Sequence[str]) -> list[str]:
    """Return the first few, and how many more there are."""
    more = len(sentences) - TOLD
    return [*sentences[:TOLD], *([f"and {more} more"] if more > 0 else [])]


def is_of_imports() -> bool:
    """Say whether the bars are to come from imported files."""
    return bool(st.session_state["ask.source"] == "imports")


def _yahoo_dates() -> tuple[date, date, date]:
    try:
        symbols = normalize_symbols(st.session_state["ask.symbols"]).symbols
    except SymbolError:
        symbols = ()
    return data_cached.yahoo_dates(symbols, st.session_state[key("data.interval")])


def _within_reach() -> date:
    """Return the first day that can be asked for; dates that Yahoo cannot give become those that it can."""
    if st.session_state["ask.source"] != "yahoo":
        return EARLIEST
    earliest, first, last = _yahoo_dates()
    chosen = st.session_state["ask.dates"]
    if chosen and chosen[0] < earliest:
        until = chosen[-1] if chosen[-1] >= first else last
        st.session_state["ask.dates"] = (first, until) if len(chosen) == 2 else (first,)
    return earliest


def _reach_sentence() -> str:
    interval = st.session_state[key("data.interval")]
    earliest, first, last = _yahoo_dates()
    archived = f", and kept here from {earliest}" if earliest < first else ""
    minutes, days = interval.removesuffix("m"), data_service.yahoo_days(interval)
    return f"Yahoo keeps {minutes}-minute bars for {days} days: now {first} to {last}{archived}."


def _read_symbols() -> None:
    given = st.session_state["ask.symbols"]
    try:
        read = normalize_symbols(given)
    except SymbolError:
        st.session_state["ask.mended"] = ()
        return
    if any(len(text.replace(",", " ").split()) > 1 for text in given):
        # Only then: what is set here takes the place of all that was typed until it arrives.
        st.session_state["ask.symbols"] = list(read.symbols)
    st.session_state["ask.mended"] = read.notes


def _say(wrong: dict[str, str], name: str) -> None:
    if name in wrong:
        complain(wrong[name])
