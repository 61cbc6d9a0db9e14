"""The table of runs: which are asked for, and how each is shown."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from orb_core.store.manifest import Manifest
from orb_core.store.runs import RunSummary
from pages.parts.run_words import changes_text, missing_days, source_text, symbols_text, title_text
from pages.parts.settings import by_path
from pages.parts.tables import r_column

EDITABLE = ("picked", "starred", "title", "tags", "note")
MORE = ("win_rate", "sharpe", "run_id")
SPARSE = ("status",)
OPEN = ":material/open_in_new:"
KEYS = Path(__file__).with_name("runs_keys.js")


@dataclass(frozen=True)
class Wanted:
    """Which runs are looked for; what is empty asks for nothing.

    Attributes
    ----------
    text : str
        Words, all of which must be somewhere in title, tags, note, symbols, changed settings or id.
    symbols, tags, sources : collection of str
        The run has one of them.
    made : tuple of date
        First and last day it was made on, by this computer's clock; the last may be missing.
    starred : bool
        Only runs with a star.
    """

    text: str = ""
    symbols: Collection[str] = ()
    tags: Collection[str] = ()
    sources: Collection[str] = ()
    made: tuple[date, ...] = ()
    starred: bool = False

    def fits(self, line: RunSummary) -> bool:
        """Say whether a readable run is one of them."""
        manifest, notes = line.manifest, line.notes
        if self.starred and not notes.starred:
            return False
        made = manifest.created_utc.astimezone().date()
        if self.made and not self.made[0] <= made <= (self.made[1] if len(self.made) > 1 else date.max):
            return False
        for asked, has in (
            (self.symbols, manifest.symbols),
            (self.tags, notes.tags),
            (self.sources, (source_text(manifest),)),
        ):
            if asked and not set(asked) & set(has):
                return False
        words = self.text.casefold().split()
        if not words:
            return True
        changed = changes_text(manifest.changed, named=len(manifest.changed))
        said = (title_text(manifest, notes), changed, notes.note, *notes.tags, *manifest.symbols, line.run_id)
        everything = " ".join(said).casefold()
        return all(word in everything for word in words)


def runs_table(lines: Sequence[RunSummary], picked: Collection[str] = ()) -> pd.DataFrame:
    """Return one row per readable run, in the order given."""
    return pd.DataFrame([_row(line, picked=line.run_id in picked) for line in lines])


def _row(line: RunSummary, *, picked: bool) -> dict[str, Any]:
    manifest, notes = line.manifest, line.notes
    totals = manifest.totals
    win_rate = totals.win_rate if totals else None
    earned = totals if totals and totals.trades else None  # without a trade no R, rather than one of +0.00
    return {
        "picked": picked,
        "starred": notes.starred,
        "title": title_text(manifest, notes),
        "open": OPEN,
        "source": source_text(manifest),
        "status": _status(manifest),
        "when": manifest.created_utc.astimezone().replace(tzinfo=None),
        "symbols": symbols_text(manifest),
        "dates": f"{manifest.start} → {manifest.end}",
        "changed": _changed(manifest),
        "trades": totals.trades if totals else None,
        "total": earned.total_r if earned else None,
        "up_to": earned.total_r_optimistic if earned else None,
        "average": earned.average_r if earned else None,
        "drop": earned.max_drawdown_r if earned else None,
        "equity": list(manifest.equity_r),
        "tags": np.array(notes.tags, dtype=np.str_),  # text even when empty: the first tag must not make another table
        "note": notes.note,
        "win_rate": None if win_rate is None else 100 * win_rate,
        "sharpe": totals.sharpe if totals else None,
        "run_id": line.run_id,
    }


def _changed(manifest: Manifest) -> str:
    """Name the first setting that differs from the defaults, and count the others."""
    titles = [by_path()[path].title if path in by_path() else path for path in manifest.changed]
    return titles[0] + (f" +{len(titles) - 1}" if len(titles) > 1 else "") if titles else "none"


def _status(manifest: Manifest) -> str:
    """Say what is not as it should be, or nothing."""
    match manifest.status:
        case "complete":
            return "Days missing" if missing_days(manifest) else ""
        case "cancelled":
            return "Cancelled"
        case _:
            return f"{len(manifest.failures)} of {len(manifest.symbols)} failed"


def hold_keys() -> None:
    """Let nothing that is typed into the table be lost while the browser fetches the cell's editor."""
    st.html(f"<script>{KEYS.read_text()}</script>", unsafe_allow_javascript=True)


def runs_columns(table: pd.DataFrame, tags: Sequence[str], open_button: Any) -> dict[str, Any]:
    """Return how the columns of the table of runs are shown.

    Parameters
    ----------
    table : DataFrame
        What `runs_table` returns.
    tags : sequence of str
        Those in use, to choose from; others may be typed.
    open_button : column configuration
        Of the button that opens a row's run.
    """
    this_year = (table["when"].dt.year == datetime.now().astimezone().year).all()
    when_format = "MM-DD HH:mm" if this_year else "YYYY-MM-DD HH:mm"
    text, number, tick = st.column_config.TextColumn, st.column_config.NumberColumn, st.column_config.CheckboxColumn
    return {
        "picked": tick("✓", width=46, help="Pick runs to compare or delete them."),
        "starred": tick("☆", width=46, help="A star for the runs to come back to."),
        "title": text("Title", width=155, max_chars=120, help="Type over it; emptied, it names itself."),
        "open": open_button,
        "source": text("Source"),
        "status": text("Status", width=84),
        "when": st.column_config.DatetimeColumn("When", format=when_format, help="On this computer's clock."),
        "symbols": text("Symbols", width=95),
        "dates": text("Dates"),
        "changed": text(
            "Changed", width=125, help="What differs from the defaults: the first setting, and how many more."
        ),
        "trades": number("Trades", format="%,d"),
        "total": r_column("Total R", "Sum of all trades after costs."),
        "up_to": r_column("Up to", "Total R if every unclear fill had gone the trade's way."),
        "average": r_column("Per trade", "Average result of a trade."),
        "drop": r_column("Worst drop", "Deepest fall of the running total below its highest point so far, in R."),
        "equity": st.column_config.LineChartColumn("Equity", width=80, help="Running total in R."),
        "tags": st.column_config.MultiselectColumn("Tags", width=110, options=list(tags), accept_new_options=True),
        "note": text("Note", width=200, max_chars=2_000),
        "win_rate": number("Win rate", format="%.1f %%"),
        "sharpe": number("Sharpe", format="%.2f"),
        "run_id": text("Id"),
    }


def shown_columns(table: pd.DataFrame, *, more: bool = False) -> list[str]:
    """Return the columns worth their place: states only where there are any, the rarer ones when asked for."""
    return [
        name for name in table if (name not in SPARSE or table[name].map(bool).any()) and (more or name not in MORE)
    ]
