"""One symbol's backtest: bars in, result tables out."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from threading import Lock
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orb_core.config.models import RunConfig
from orb_core.engine import records
from orb_core.engine.prepare import Factors, Prepared, factors, prepare
from orb_core.engine.result_table import Column, result_table
from orb_core.engine.simulate_nb import MINUTE_NS, POSITION, simulate_nb
from orb_core.errors import ConfigError

ENGINE_VERSION: Final = "2"
"""Raised whenever the same bars and config may give another result."""

_HOLDS_INTERPRETER: Final = Lock()
"""Held by the stages that are Python between kernels, so that runs in parallel threads take turns at them whole.

numpy lets go of the interpreter's lock dozens of times within such a stage. Two threads in it at once would hand it
back and forth, leave together, and meet again after the next kernel: each run would wait for the other every time.
"""


@dataclass(frozen=True)
class BacktestResult:
    """What one symbol's run brought.

    Attributes
    ----------
    start, end : date
        First and last session date of the run, both included.
    trades, fills, stops, signals, sessions : DataFrame
        Columns, order and dtypes of orb_core/engine/records.py; prices in points, `*_r` in multiples of the initial
        risk. `stops` holds the moves of a stop only. `sessions` has a row for every calendar session, those of the
        warm-up included.
    dropped_bars : int
        Bars that lay outside every session of the run and its warm-up.
    """

    symbol: str
    config: RunConfig
    start: date
    end: date
    trades: pd.DataFrame
    fills: pd.DataFrame
    stops: pd.DataFrame
    signals: pd.DataFrame
    sessions: pd.DataFrame
    dropped_bars: int


class EventLoopBacktest:
    """Runs the rules of the strategy over minute bars, under the ambiguity policy of its config.

    Parameters
    ----------
    config : RunConfig

    Examples
    --------
    >>> from orb_core import EventLoopBacktest, load_config
    >>> result = EventLoopBacktest(load_config()).run(bars, symbol="SPY")  # doctest: +SKIP
    >>> result.trades["realized_r"].sum()  # doctest: +SKIP
    """

    def __init__(self, config: RunConfig) -> None:
        self.config = config

    def run(
        self,
        bars: pd.DataFrame,
        symbol: str = "SPY",
        start: date | str | None = None,
        end: date | str | None = None,
    ) -> BacktestResult:
        """Backtest one symbol.

        Parameters
        ----------
        bars : DataFrame
            timestamp_utc (tz-aware UTC, bar start, strictly increasing); open, high, low, close (points) and volume,
            float64. A NaN volume is unknown. Bars before `start` feed the indicators, as far as
            `data.warmup_sessions` allows.
        symbol : str
            Chooses the instrument (tick, point value, costs) and names the rows.
        start, end : date or "YYYY-MM-DD", optional
            First and last session date, both included; by default as far as the bars reach, without a warm-up.

        Raises
        ------
        BarsError
            If the bars break an invariant or are of another interval.
        NoBarsError
            If none lies in a session of the range.
        NoSessionsError
            If the range holds no session.
        ConfigError
            If a date cannot be read, or `end` lies before `start`.
        """
        first, last = _date(start, "start"), _date(end, "end")
        if first and last and last < first:
            raise ConfigError(f"`end` is {last}, before `start` {first}; swap them")
        with _HOLDS_INTERPRETER:
            prepared = prepare(bars, self.config, symbol, first, last)
        rows = simulate(prepared, factors(prepared, self.config))
        with _HOLDS_INTERPRETER:
            return result_of(prepared, self.config, symbol, rows)


def _date(value: date | str | None, name: str) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ConfigError(f"`{name}` is {value!r}; it must be a date like 2024-01-31") from None


class Rows(NamedTuple):
    """What the kernel made: SIGNAL_ROW, TRADE_ROW, FILL_ROW and STOP_ROW arrays."""

    signals: NDArray[Any]
    trades: NDArray[Any]
    fills: NDArray[Any]
    stops: NDArray[Any]


def simulate(p: Prepared, f: Factors) -> Rows:
    """Call the kernel with scratch space for a usual run; it makes more when it needs it."""
    n = 512 + 2 * len(p.sessions)
    scratch = (
        np.empty(4 * n, records.SIGNAL_ROW),
        np.empty(n, records.TRADE_ROW),
        np.empty(4 * n, records.FILL_ROW),
        np.empty(n, records.STOP_ROW),
        np.zeros(1, POSITION),
    )
    prices = (p.open, p.high, p.low, p.close)
    return Rows(
        *simulate_nb(p.sessions, p.ts_ns, *prices, f.rel_volume, f.price_action, f.vwap, f.adx, p.rules, *scratch)
    )


def result_of(p: Prepared, config: RunConfig, symbol: str, rows: Rows) -> BacktestResult:
    """Turn the kernel's rows into the result tables."""
    signals, trades, fills, stops = rows
    dates = p.table.dates.astype("datetime64[s]")
    bar_ns = config.data.bar_minutes * MINUTE_NS
    made_by = signals.take(trades["signal"])
    session = p.sessions.take(made_by["session"])
    trade_dates = dates[made_by["session"]]
    trade_id = _trade_ids(symbol, trade_dates, trades["signal_number"])
    trades_table: dict[str, Column] = {
        "trade_id": trade_id,
        "symbol": _repeated(symbol, len(trades)),
        "session_date": trade_dates,
        "direction": _side(made_by["direction"]),
        "entry_timestamp": p.ts_ns[trades["entry_bar"]],
        "exit_timestamp": p.ts_ns[trades["exit_bar"]] + bar_ns * trades["exits_at_close"],
        "exit_reason": _text(trades["exit_reason"], records.EXIT_REASONS),
        "t1_price": trades["target"][:, 0],
        "t2_price": trades["target"][:, 1],
        "runner_price": trades["target"][:, 2],
        "bars_held": trades["exit_bar"] - trades["entry_bar"] + 1,
        "or_width": session["or_high"] - session["or_low"],
        "score": made_by["score"],
        "required": made_by["required"],
        **{name: session[name] for name in ("or_minutes", "or_high", "or_low", "daily_atr", "norm_vol")},
        **_factor_columns(made_by),
    }
    fills_table: dict[str, Column] = {
        "trade_id": trade_id.take(fills["trade"]),
        "timestamp": p.ts_ns[fills["bar"]] + bar_ns * fills["at_close"],
        "kind": _text(fills["kind"], records.FILL_KINDS),
    }
    stops_table: dict[str, Column] = {
        "trade_id": trade_id.take(stops["trade"]),
        "timestamp": p.ts_ns[stops["bar"]] + bar_ns,
        "kind": _text(stops["kind"], records.STOP_KINDS),
    }
    signals_table: dict[str, Column] = {
        "symbol": _repeated(symbol, len(signals)),
        "session_date": dates[signals["session"]],
        "timestamp": p.ts_ns[signals["entry_bar"]],
        "direction": _side(signals["direction"]),
        "accepted": signals["reason"] == 0,
        "reason": _text(signals["reason"], records.REFUSALS),
        **_factor_columns(signals),
    }
    sessions = p.sessions
    sessions_table: dict[str, Column] = {
        "symbol": _repeated(symbol, len(sessions)),
        "session_date": dates,
        "open": sessions["open_ns"],
        "close": sessions["close_ns"],
        "missing_bars": (sessions["close_ns"] - sessions["open_ns"]) // bar_ns - sessions["bars"],
        "or_width": sessions["or_high"] - sessions["or_low"],
        "or_state": _text(sessions["or_state"], records.OR_STATES),
    }
    return BacktestResult(
        symbol,
        config,
        p.start,
        p.end,
        result_table(trades_table, trades, records.TRADES),
        result_table(fills_table, fills, records.FILLS),
        result_table(stops_table, stops, records.STOPS),
        result_table(signals_table, signals, records.SIGNALS),
        result_table(sessions_table, sessions, records.SESSIONS),
        p.dropped_bars,
    )


def _trade_ids(symbol: str, dates: NDArray[np.datetime64], numbers: NDArray[np.integer[Any]]) -> Column:
    days, months, years = (dates.astype(f"datetime64[{unit}]") for unit in "DMY")
    day_of_month = (days - months).astype(np.int64) + 1
    compact = ((years.astype(np.int64) + 1970) * 100 + months.astype(np.int64) % 12 + 1) * 100 + day_of_month
    ids = [f"{symbol}-{day}-{number}" for day, number in zip(compact.tolist(), numbers.tolist(), strict=True)]
    return pd.array(ids, dtype="str")


def _text(codes: NDArray[np.int8], names: tuple[str, ...]) -> pd.Categorical:
    return pd.Categorical.from_codes(np.ascontiguousarray(codes), dtype=_category(names), validate=False)


@lru_cache(maxsize=1024)
def _category(names: tuple[str, ...]) -> pd.CategoricalDtype:
    return pd.CategoricalDtype(list(names))


def _side(direction: NDArray[np.int8]) -> pd.Categorical:
    return _text((direction > 0).view(np.int8), records.DIRECTIONS)


def _repeated(symbol: str, n: int) -> pd.Categorical:
    return _text(np.zeros(n, np.int8), (symbol,))


def _factor_columns(signals: NDArray[Any]) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for k, factor in enumerate(records.FACTORS):
        columns[f"{factor}_value"] = signals["value"][:, k]
        columns[f"{factor}_flag"] = signals["flag"][:, k]
    return columns
