"""Every session of a run, traded or not, and why: its opening range, and what became of each candidate."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from orb_core.analytics.equity import utc_ns
from orb_core.analytics.words import OR_STATES, SIDES, how_it_ended, number, r_multiple
from orb_core.config.fields import WEEKDAYS
from orb_core.config.hours import exchange_zone
from orb_core.config.models import RunConfig
from orb_core.errors import StoreError

FROM_SESSIONS: Final = (
    "session_date",
    "symbol",
    "or_state",
    "or_minutes",
    "or_high",
    "or_low",
    "or_width",
    "daily_atr",
    "bars",
    "missing_bars",
)
WEEKDAY_WORDS: Final = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def ledger(sessions: pd.DataFrame, signals: pd.DataFrame, trades: pd.DataFrame, config: RunConfig) -> pd.DataFrame:
    """One row per session of the run and symbol, by date, warm-up excluded.

    Parameters
    ----------
    sessions, signals, trades : DataFrame
        Of all symbols; columns of `records.SESSIONS`, `SIGNALS` and `TRADES`.
    config : RunConfig
        What they were made with: a refusal is told with the limit that was met.

    Returns
    -------
    DataFrame
        `FROM_SESSIONS`; `candidates`, `trades` and `realized_r` (counts, and R of the trades *entered* in the session:
        they add up to the run's); `why` (one sentence: what happened, or the first reason why nothing did); `story`
        (list of sentences, one per candidate in time order).

    Raises
    ------
    StoreError
        A breakout was taken, but its trade is not there.
    """
    days = sessions[~sessions["warmup"].to_numpy()].sort_values("session_date", kind="stable").reset_index(drop=True)
    row = {key: n for n, key in enumerate(_keys(days))}
    of_signals, of_trades = (np.array([row[key] for key in _keys(table)], np.int64) for table in (signals, trades))
    stories: list[list[str]] = [[] for _ in row]
    for n, sentence in zip(of_signals.tolist(), _candidates(signals, trades, config), strict=True):
        stories[n].append(sentence)
    entered = np.bincount(of_trades, minlength=len(row))
    realized_r = np.bincount(of_trades, weights=trades["realized_r"].to_numpy(), minlength=len(row)).astype(np.float64)
    why = [
        _traded(n, r, len(story)) if n else _refused(story) if story else _nothing(day, config)
        for n, r, story, day in zip(
            entered.tolist(), realized_r.tolist(), stories, days.itertuples(index=False), strict=True
        )
    ]
    return days[list(FROM_SESSIONS)].assign(
        candidates=np.bincount(of_signals, minlength=len(row)),
        trades=entered,
        realized_r=realized_r,
        why=pd.Series(why, dtype="str"),
        story=pd.Series(stories, dtype="object"),
    )


def refusals(config: RunConfig) -> dict[str, str]:
    """Each reason a candidate can be refused for, with the limit it meets.

    Returns
    -------
    dict
        Reason of `records.REFUSALS` → sentence, to be filled in by `format` with the candidate's `direction`, `score`
        and `required`.
    """
    rules = config.governance
    return {
        "loss_lockout": f"Locked out after {_count(rules.lockout_after_losses, 'loss', 'losses')}",
        "daily_loss": f"The day's loss limit of {number(rules.max_daily_loss_r)} R was reached",
        "max_signals": f"The day's limit of {_count(rules.max_signals_per_day, 'trade', 'trades')} was used up",
        "time_cutoff": f"After the {rules.time_cutoff} cutoff",
        "second_chance_over": f"{rules.second_chance_minutes} minutes or more after the range, "
        "too late for another {direction}",
        "score": "Score {score:g}, {required:g} needed",
        "risk_too_small": "The stop was less than a tick from the entry",
    }


def refused_for(signals: pd.DataFrame, config: RunConfig) -> list[str]:
    """Why each candidate was refused, with the limit it met; empty of those taken."""
    sentences = refusals(config)
    return [
        ""
        if signal.accepted
        else sentences[str(signal.reason)].format(
            direction=signal.direction, score=signal.score, required=signal.required
        )
        for signal in signals.itertuples(index=False)
    ]


def _count(n: int | None, one: str, several: str) -> str:
    return f"{n} {one if n == 1 else several}"


def _keys(table: pd.DataFrame) -> Iterator[tuple[str, int]]:
    """Symbol and date of every row, as something to look up by."""
    dates = table["session_date"].to_numpy().astype(np.int64).tolist()
    return zip(table["symbol"].astype("str").tolist(), dates, strict=True)


def _candidates(signals: pd.DataFrame, trades: pd.DataFrame, config: RunConfig) -> list[str]:
    """What became of each candidate."""
    if signals.empty:
        return []
    clock = pd.DatetimeIndex(signals["timestamp"]).tz_convert(exchange_zone(config.session))
    entered = zip(trades["symbol"].astype("str").tolist(), utc_ns(trades["entry_timestamp"]).tolist(), strict=True)
    ended = zip(*(trades[name] for name in ("targets_filled", "exit_reason", "t1_price", "realized_r")), strict=True)
    result = {key: f"{how_it_ended(*how)}, {r_multiple(r)}" for key, (*how, r) in zip(entered, ended, strict=True)}
    told = []
    for hour, minute, at_ns, why, signal in zip(
        clock.hour,
        clock.minute,
        utc_ns(signals["timestamp"]).tolist(),
        refused_for(signals, config),
        signals.itertuples(index=False),
        strict=True,
    ):
        if signal.accepted:
            became = result.get((str(signal.symbol), at_ns))
            if became is None:
                raise StoreError(
                    f"{signal.symbol} took a breakout at {hour:02d}:{minute:02d} on {signal.session_date:%Y-%m-%d} "
                    "that no trade belongs to: the run's tables were changed after it was saved"
                )
            outcome = f"taken: {_lower(became)}"
        else:
            outcome = f"refused: {_lower(why)}"
        told.append(f"{hour:02d}:{minute:02d} {SIDES[str(signal.direction)]} {outcome}")
    return told


def _traded(trades: int, r: float, candidates: int) -> str:
    refused = candidates - trades
    return f"{_count(trades, 'trade', 'trades')}: {r_multiple(r)}" + (f"; {refused} refused" if refused else "")


def _refused(story: list[str]) -> str:
    more = len(story) - 1
    return story[0] + (f" (and {more} more refused)" if more else "")


def _nothing(day: Any, config: RunConfig) -> str:
    """Why a session had no candidate at all."""
    words = OR_STATES[day.or_state]
    if day.or_state == "valid":
        return _no_breakout(config)
    if day.or_state == "excluded":
        return _left_out(day.session_date, config)
    if day.or_state == "no_or_bars" and day.bars == 0:
        return "No bars at all"
    if day.or_state in {"too_narrow", "too_wide"}:
        limit = config.orb.min_atr_mult if day.or_state == "too_narrow" else config.orb.max_atr_mult
        asked = "at least" if day.or_state == "too_narrow" else "at most"
        return f"{words}: {number(day.or_width / day.daily_atr)} × ATR, {asked} {number(limit)} asked"
    return words


def _no_breakout(config: RunConfig) -> str:
    if config.entry.mode == "or_end":
        return "The opening range gave no direction that may be traded"
    what = "No close beyond a trigger" if config.entry.mode == "close" else "No breakout"
    return what if config.entry.direction == "both" else f"{what} on the side that may be traded"


def _left_out(session_date: pd.Timestamp, config: RunConfig) -> str:
    session, weekday = config.session, session_date.day_of_week
    if WEEKDAYS[weekday] not in session.weekdays:
        return f"Left out: {WEEKDAY_WORDS[weekday]} are not traded"
    if str(session_date.date()) in {str(day) for day in session.exclude_dates}:
        return "Left out: in the list of days left out"
    return "Left out: a half day"


def _lower(text: str) -> str:
    """The text as it goes on within a sentence; a name like T1 stays as it is."""
    return text if text[1:2].isdigit() else text[0].lower() + text[1:]
