"""Importing an uploaded file: what it was recognised as, what it cannot say itself, and keeping it."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd
import streamlit as st

from orb_core import data_service
from orb_core.analytics.words import zone_name
from orb_core.config.symbols import normalize_symbols
from orb_core.data.files import SIDES
from orb_core.data.preview import MOST_ROWS, FilePreview, preview
from orb_core.errors import OrbError
from pages.parts.data_kept import choose
from pages.parts.markup import complain, plain

TYPES = ["csv", "txt", "parquet", "pq", "gz", "zst", "bz2", "zip"]
ZONES = (
    "America/New_York",
    "America/Chicago",
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Tokyo",
    "Australia/Sydney",
)
SIDE_WORDS = {"open": "its beginning", "close": "its end"}
NOT_SAID = "not in the file: say it below"
SYMBOLS_NAMED = 8


class Incoming(NamedTuple):
    """An uploaded file that waits: its place, and what the user calls it."""

    path: Path
    name: str


def form() -> None:
    """Draw where a file is dropped."""
    st.markdown("**Import a file**")
    turn = st.session_state.setdefault("data.turn", 0)
    st.file_uploader(
        "CSV or Parquet, also packed; at most 100 MB",
        type=TYPES,
        key=f"data.upload.{turn}",
        on_change=_take,
        args=(f"data.upload.{turn}",),
    )
    if "data.import_problem" in st.session_state:
        complain(st.session_state["data.import_problem"])


def _take(widget: str) -> None:
    discard(keep_uploader=True)
    st.session_state.pop("data.import_problem", None)
    st.session_state.pop("data.imported", None)
    file = st.session_state[widget]
    if file is None:
        return
    try:
        path = data_service.imports().wait_with(file.getvalue())
    except OrbError as error:
        st.session_state["data.import_problem"] = str(error)
        return
    st.session_state["data.incoming"] = Incoming(path, file.name)


def discard(*, keep_uploader: bool = False) -> None:
    """Forget the file that waits."""
    waiting: Incoming | None = st.session_state.pop("data.incoming", None)
    for name in ("data.previewed", "data.zone", "data.side", "data.as", "data.which"):
        st.session_state.pop(name, None)
    if waiting:
        waiting.path.unlink(missing_ok=True)
    if not keep_uploader:
        st.session_state["data.turn"] = st.session_state.get("data.turn", 0) + 1


def panel(timezone: str) -> None:
    """Show what the waiting file is, ask what it does not say, and keep it or not."""
    for sentence in st.session_state.get("data.imported", ()):
        st.markdown(f":green[:material/check:] {plain(sentence)}")
    waiting: Incoming | None = st.session_state.get("data.incoming")
    if waiting is None:
        return
    with st.container(border=True, key="data.import"):
        st.markdown(f"**Import {plain(waiting.name)}**")
        try:
            seen = _previewed(waiting)
        except OrbError as error:
            _explain(error, waiting)
            st.button("Discard", key="data.discard", on_click=discard)
            return
        facts, rows = st.columns([2, 3], gap="medium")
        with facts:
            st.dataframe(
                [{"What": what, "Recognised": value} for what, value in _facts(seen, timezone)],
                hide_index=True,
                height="content",
                alt="What the file was recognised as",
            )
        with rows:
            st.caption("First rows, as they stand" if seen.is_text else "Columns of the file")
            st.code("\n".join(row[:160] for row in seen.first_rows), language=None, wrap_lines=True)
            read = (f"{'time' if ours == 'stamp' else ours} ← {theirs}" for ours, theirs in seen.columns.items())
            st.caption(plain("Read as: " + ", ".join(read)))
        _ask(seen)
        _buttons(seen, waiting)


def _previewed(waiting: Incoming) -> FilePreview:
    """Return the preview, with what has been answered since; the file is read again only for another answer."""
    zone, side = st.session_state.get("data.zone"), st.session_state.get("data.side")
    known = st.session_state.get("data.previewed")
    if known is None or known[0] != (waiting.path, zone, side):
        known = ((waiting.path, zone, side), preview(waiting.path, zone, side))
        st.session_state["data.previewed"] = known
    seen: FilePreview = known[1]
    return seen


def _facts(seen: FilePreview, timezone: str) -> list[tuple[str, str]]:
    named = ", ".join(seen.symbols[:SYMBOLS_NAMED])
    more = len(seen.symbols) - SYMBOLS_NAMED
    rows = f"{seen.rows:,}" if seen.is_whole else f"more than {MOST_ROWS:,}"
    clock = f"{zone_name(timezone)} time" if seen.zone else "those of the file"
    return [
        ("Written by", seen.vendor),
        ("Bars", f"every {seen.interval.removesuffix('m')} min" if seen.interval else "too few to tell"),
        ("Rows", rows),
        ("First", _moment(seen, seen.first, timezone)),
        ("Last", _moment(seen, seen.last, timezone)),
        ("Times here are", clock),
        ("Time zone of the file", seen.zone or NOT_SAID),
        ("A bar's time is", SIDE_WORDS[seen.stamp] if seen.stamp else NOT_SAID),
        ("Symbols", named + (f" and {more} more" if more > 0 else "") if named else NOT_SAID),
    ]


def _moment(seen: FilePreview, stamp: pd.Timestamp | None, timezone: str) -> str:
    if stamp is None:
        return "none"
    at = pd.Timestamp(stamp)
    return f"{at.tz_convert(timezone) if seen.zone and at.tzinfo else at:%Y-%m-%d %H:%M}"


def _ask(seen: FilePreview) -> None:
    """Draw the questions the file leaves open, also once they are answered."""
    symbol, zone, side = st.columns(3, gap="small")
    if "data_tz" in seen.questions or st.session_state.get("data.zone"):
        usual = f"{seen.vendor} usually writes {seen.usual_zone}." if seen.usual_zone else None
        zone.selectbox(
            "Time zone of the file",
            list(dict.fromkeys(filter(None, [seen.usual_zone, *ZONES]))),
            index=None,
            placeholder="Choose, or type a zone",
            accept_new_options=True,
            key="data.zone",
            help=usual or "The file gives times without saying where.",
        )
    if "stamp" in seen.questions or st.session_state.get("data.side"):
        side.selectbox(
            "A bar's time is",
            list(SIDES),
            index=None,
            placeholder="Choose",
            format_func=SIDE_WORDS.__getitem__,
            key="data.side",
            help="Some programs give a bar of 09:30 to 09:31 the time 09:30, others 09:31.",
        )
    if not seen.symbols:
        symbol.text_input("Symbol of these bars", key="data.as", placeholder="such as SPY", max_chars=32)
    elif len(seen.symbols) > 1:
        st.session_state.setdefault("data.which", list(seen.symbols))
        symbol.multiselect("Symbols to keep", seen.symbols, key="data.which")


def _buttons(seen: FilePreview, waiting: Incoming) -> None:
    wanted, wrong = _wanted(seen)
    replaced = [
        about for about in data_service.imports().kept() if about.symbol in wanted and about.interval == seen.interval
    ]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Replace" if replaced else "Keep",
            key="data.keep",
            type="primary",
            icon=":material/save:",
            disabled=bool(seen.questions or wrong or not wanted),
            on_click=_keep,
            args=(seen, waiting, wanted),
        )
        st.button("Discard", key="data.discard", on_click=discard)
        if wrong:
            complain(wrong)
        elif replaced:
            are = ", ".join(f"{about.symbol} (from {about.file_name})" for about in replaced[:3])
            st.markdown(f":orange[:material/warning:] {plain(f'Takes the place of what was imported of {are}.')}")
    if "data.import_problem" in st.session_state:
        complain(st.session_state["data.import_problem"])


def _wanted(seen: FilePreview) -> tuple[dict[str, str], str | None]:
    """Return what to keep, our name → the file's, and what is wrong with the names."""
    own = (
        [st.session_state.get("data.as", "")]
        if not seen.symbols
        else st.session_state.get("data.which", seen.symbols)
        if len(seen.symbols) > 1
        else list(seen.symbols)
    )
    own = [name for name in own if name.strip()]
    if not own:
        return {}, None
    try:
        names = [normalize_symbols([name]).symbols for name in own]
    except OrbError as error:
        return {}, str(error)
    if any(len(name) != 1 for name in names):
        return {}, "One symbol, please: the file does not say which bars are whose."
    return {name[0]: theirs for name, theirs in zip(names, own, strict=True)}, None


def _keep(seen: FilePreview, waiting: Incoming, wanted: dict[str, str]) -> None:
    st.session_state.pop("data.import_problem", None)
    said = []
    try:
        for symbol, own in wanted.items():
            name = symbol if not seen.symbols else own
            kept = data_service.imports().keep(seen, symbol, name, waiting.name, st.session_state.get("data.side"))
            said.append(f"{symbol}: {kept.rows:,} bars kept.")
            said += [note for note in kept.notes if note not in said]
            choose("import", kept.symbol, kept.interval)
    except OrbError as error:
        st.session_state["data.import_problem"] = _named(error, waiting)
        return
    st.session_state["data.imported"] = said
    discard()


def _explain(error: OrbError, waiting: Incoming) -> None:
    sentence, _, rows = _named(error, waiting).partition("\nIt begins:\n")
    st.error(plain(sentence), icon=":material/error:")
    if rows:
        st.caption("It begins:")
        st.code(rows, language=None)


def _named(error: OrbError, waiting: Incoming) -> str:
    """Return an error with the user's own name of the file in place of ours."""
    return str(error).replace(str(waiting.path), waiting.name).replace(waiting.path.name, waiting.name)
