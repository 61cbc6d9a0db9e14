"""The result tables of a backtest: column names, order and dtypes, declared once.

Names and meanings are strategy.md's section 12 (docs/results.md in this project). Prices are in points,
`*_r` in multiples of the trade's initial risk, timestamps tz-aware UTC.
"""

from typing import Final

FACTORS: Final = ("rel_volume", "price_action", "profile_proxy", "vwap", "adx")

DIRECTIONS: Final = ("short", "long")
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

TEXT: Final = "category"
TIME: Final = "datetime64[ns, UTC]"
DATE: Final = "datetime64[s]"

_FACTOR_COLUMNS: Final = {
    name: dtype
    for factor in FACTORS
    for name, dtype in ((f"{factor}_value", "float64"), (f"{factor}_flag", "int8"))
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
