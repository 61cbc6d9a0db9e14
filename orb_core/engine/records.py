"""The tables of a backtest: the rows its kernels fill and the columns its results have, declared once.

Prices are in points, `*_r` in multiples of the trade's initial risk, result timestamps tz-aware UTC,
kernel times int64 nanoseconds since the epoch (`*_ns`). Text is a code in the kernels: its position
in the tuples below.
"""

from typing import Final

import numpy as np

FACTORS: Final = ("rel_volume", "price_action", "profile_proxy", "vwap", "adx")

DIRECTIONS: Final = ("short", "long")
STOP_KINDS: Final = ("stop", "breakeven", "trailing")
OR_STATES: Final = ("valid", "excluded", "no_or_bars", "zero_width", "incomplete", "too_narrow", "too_wide")
REFUSALS: Final = (
    "",
    "loss_lockout",
    "daily_loss",
    "max_signals",
    "time_cutoff",
    "second_chance_over",
    "score",
    "risk_too_small",
)
EXIT_REASONS: Final = ("stop", "breakeven", "trailing", "target", "session_end", "time_stop", "end_of_data")
FILL_KINDS: Final = (
    "entry",
    "t1",
    "t2",
    "runner",
    "stop",
    "breakeven",
    "trailing",
    "session_end",
    "time_stop",
    "end_of_data",
)

SESSION_ROW: Final = np.dtype(
    [
        ("first_bar", "i8"),
        ("bars", "i8"),
        ("open_ns", "i8"),
        ("close_ns", "i8"),
        ("cutoff_ns", "i8"),
        ("excluded", "?"),
        ("warmup", "?"),
        ("high", "f8"),
        ("low", "f8"),
        ("prior_high", "f8"),
        ("prior_low", "f8"),
        ("daily_atr", "f8"),
        ("or_minutes", "i8"),
        ("or_bars", "i8"),
        ("or_high", "f8"),
        ("or_low", "f8"),
        ("or_open", "f8"),
        ("or_close", "f8"),
        ("norm_vol", "f8"),
        ("or_state", "i1"),
        ("upper", "f8"),
        ("lower", "f8"),
        ("trades", "i8"),
        ("realized_r", "f8"),
    ],
    align=True,
)
"""One calendar session, in date order. `prior_*` and `daily_atr` come from earlier sessions only; NaN: undefined."""

SIGNAL_ROW: Final = np.dtype(
    [
        ("session", "i8"),
        ("entry_bar", "i8"),
        ("trigger", "f8"),
        ("score", "f8"),
        ("required", "f8"),
        ("value", "f8", (len(FACTORS),)),
        ("flag", "i1", (len(FACTORS),)),
        ("direction", "i1"),
        ("reason", "i1"),
    ],
    align=True,
)
"""One candidate; `direction` is +1 or -1."""

ENTRY_ROW: Final = np.dtype(
    [
        ("session", "i8"),
        ("bar", "i8"),
        ("entry_price", "f8"),
        ("stop", "f8"),
        ("risk", "f8"),
        ("daily_atr", "f8"),
        ("direction", "i1"),
    ],
    align=True,
)
"""One entry to be lived again, its prices as they are; `direction` is +1 or -1."""

TRADE_ROW: Final = np.dtype(
    [
        ("signal", "i8"),
        ("signal_number", "i8"),
        ("entry_bar", "i8"),
        ("exit_bar", "i8"),
        ("entry_price", "f8"),
        ("exit_price", "f8"),
        ("stop_initial", "f8"),
        ("stop_final", "f8"),
        ("risk", "f8"),
        ("target", "f8", (3,)),
        ("gross_r", "f8"),
        ("cost_r", "f8"),
        ("realized_r", "f8"),
        ("max_favorable_r", "f8"),
        ("max_adverse_r", "f8"),
        ("targets_filled", "i1"),
        ("exit_reason", "i1"),
        ("exits_at_close", "?"),
        ("ambiguous", "?"),
        ("moved_to_breakeven", "?"),
    ],
    align=True,
)
"""One closed trade; `target` holds t1, t2 and the runner (or the single target), NaN where absent."""

FILL_ROW: Final = np.dtype(
    [("trade", "i8"), ("bar", "i8"), ("price", "f8"), ("fraction", "f8"), ("kind", "i1"), ("at_close", "?")],
    align=True,
)

STOP_ROW: Final = np.dtype([("trade", "i8"), ("bar", "i8"), ("price", "f8"), ("kind", "i1")], align=True)
"""A stop moved at the close of `bar`, in force from the bar after it."""

TEXT: Final = "category"
TIME: Final = "datetime64[ns, UTC]"
DATE: Final = "datetime64[s]"

_FACTOR_COLUMNS: Final = {
    name: dtype for factor in FACTORS for name, dtype in ((f"{factor}_value", "float64"), (f"{factor}_flag", "int8"))
}

TRADES: Final[dict[str, str]] = {
    "trade_id": "str",
    "symbol": TEXT,
    "session_date": DATE,
    "direction": TEXT,
    "entry_timestamp": TIME,
    "entry_price": "float64",
    "exit_timestamp": TIME,
    "exit_price": "float64",
    "exit_reason": TEXT,
    "stop_initial": "float64",
    "stop_final": "float64",
    "risk": "float64",
    "t1_price": "float64",
    "t2_price": "float64",
    "runner_price": "float64",
    "targets_filled": "int8",
    "gross_r": "float64",
    "cost_r": "float64",
    "realized_r": "float64",
    "max_favorable_r": "float64",
    "max_adverse_r": "float64",
    "bars_held": "int64",
    "ambiguous": "bool",
    "moved_to_breakeven": "bool",
    "signal_number": "int64",
    "or_minutes": "int64",
    "or_high": "float64",
    "or_low": "float64",
    "or_width": "float64",
    "daily_atr": "float64",
    "norm_vol": "float64",
    "score": "float64",
    "required": "float64",
    **_FACTOR_COLUMNS,
}

FILLS: Final[dict[str, str]] = {
    "trade_id": "str",
    "timestamp": TIME,
    "price": "float64",
    "fraction": "float64",
    "kind": TEXT,
}

STOPS: Final[dict[str, str]] = {
    "trade_id": "str",
    "timestamp": TIME,
    "price": "float64",
    "kind": TEXT,
}
"""Each move of a stop: from `timestamp` (a bar's close) on `price` is in force; `kind` is breakeven or trailing."""

SIGNALS: Final[dict[str, str]] = {
    "symbol": TEXT,
    "session_date": DATE,
    "timestamp": TIME,
    "direction": TEXT,
    "trigger": "float64",
    "accepted": "bool",
    "reason": TEXT,
    "score": "float64",
    "required": "float64",
    **_FACTOR_COLUMNS,
}

SESSIONS: Final[dict[str, str]] = {
    "symbol": TEXT,
    "session_date": DATE,
    "open": TIME,
    "close": TIME,
    "bars": "int64",
    "missing_bars": "int64",
    "or_minutes": "int64",
    "or_high": "float64",
    "or_low": "float64",
    "or_width": "float64",
    "daily_atr": "float64",
    "norm_vol": "float64",
    "or_state": TEXT,
    "warmup": "bool",
    "trades": "int64",
    "realized_r": "float64",
}
