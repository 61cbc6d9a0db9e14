"""Stored tables as rows of JSON, and the models that describe them: both made from the columns the store declares."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, create_model

from orb_core.engine import records
from orb_core.store.tables import ALL_TRADES, KINDS, LOCAL_TIME, categories_of

_LOCAL_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$"
_TYPES: Final[dict[str, Any]] = {
    "str": str,
    records.TEXT: str,
    records.TIME: AwareDatetime,
    LOCAL_TIME: Annotated[str, Field(pattern=_LOCAL_PATTERN, description="On the exchange's clock.")],
    records.DATE: date,
    "float64": float | None,
    "int64": int,
    "int8": int,
    "bool": bool,
}
"""What a column's values are in JSON, by its dtype in the store; an undefined number is null."""

_EXAMPLES: Final[dict[str, Any]] = {
    "str": "SPY-20240102-1",
    records.TEXT: "SPY",
    records.TIME: "2024-01-02T14:51:00Z",
    LOCAL_TIME: "2024-01-02T09:51:00",
    records.DATE: "2024-01-02",
    "float64": 0.81,
    "int64": 1,
    "int8": 1,
    "bool": False,
    "run_id": "backtest_20241002_153045",
    "entry_price": 383.41,
    "exit_price": 384.14,
    "stop_initial": 382.51,
    "stop_final": 383.41,
    "risk": 0.9,
    "t1_price": 384.31,
    "t2_price": 384.76,
    "runner_price": 385.21,
    "exit_reason": "breakeven",
    "bars_held": 195,
    "trigger": 383.4,
    "bars": 390,
    "or_minutes": 15,
    "or_high": 383.39,
    "or_low": 382.51,
    "or_width": 0.88,
    "or_state": "valid",
    "reason": "",
    "daily_atr": 3.47,
    "score": 2.0,
    "required": 2.0,
    "vwap_value": 382.95,
    "price_action_value": None,
    "profile_proxy_value": None,
    "adx_value": None,
    "quantity": 1111.0,
    "equity": 100810.0,
    "equity_before": 100000.0,
    "pnl": 810.0,
}
"""Values to show: by column, else by dtype."""


def row_model(name: str, columns: Mapping[str, str], doc: str) -> type[BaseModel]:
    """Return the model of a row of a table declared by column name and dtype."""
    words = categories_of(columns)
    fields: dict[str, Any] = {
        column: (Literal[words[column]] if column in words else _TYPES[dtype], ...) for column, dtype in columns.items()
    }
    example = {
        column: _EXAMPLES.get(column, words[column][-1] if column in words else _EXAMPLES[dtype])
        for column, dtype in columns.items()
    }
    config = ConfigDict(extra="forbid", json_schema_extra={"example": example})
    return create_model(name, __config__=config, __doc__=doc, **fields)


Trade = row_model("Trade", ALL_TRADES, "A closed trade; docs/results.md says what each column is.")
EquityPoint = row_model("EquityPoint", KINDS["equity"], "The account after a trade; the first row is its start.")
Signal = row_model("Signal", KINDS["signals"], "A breakout that could have been traded, and what became of it.")
Session = row_model("Session", KINDS["sessions"], "A session of the exchange, and its opening range.")

FACTOR_COLUMNS: Final = tuple(f"{factor}_{part}" for factor in records.FACTORS for part in ("value", "flag"))
SNAPSHOT: Final = {
    name: records.SIGNALS[name] for name in ("symbol", "session_date", "timestamp", "direction", *FACTOR_COLUMNS)
}
Snapshot = row_model("Snapshot", SNAPSHOT, "The factors at the bar that decided on a signal.")


def example_of(model: type[BaseModel]) -> Any:
    """Return the example a model was declared with."""
    extra = model.model_config.get("json_schema_extra")
    return extra.get("example") if isinstance(extra, dict) else None


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON has them: instants in UTC with a Z, undefined numbers as NaN, written null."""
    blank = dict.fromkeys(table.column_names)
    rows = []
    for values in zip(*(_values(column) for column in table.columns), strict=True):
        row: dict[str, Any] = blank.copy()  # half the time of letting each one grow to its size
        row.update(zip(blank, values, strict=True))
        rows.append(row)
    return rows


def _values(column: pa.ChunkedArray) -> list[Any]:
    kind = column.type
    if pa.types.is_timestamp(kind):
        zone: Literal["UTC", "naive"] = "UTC" if kind.tz else "naive"
        instants: NDArray[np.datetime64] = column.to_numpy().astype("datetime64[s]")
        return list(np.datetime_as_string(instants, timezone=zone).tolist())
    if pa.types.is_dictionary(kind) or pa.types.is_date(kind):
        return list(column.cast(pa.string()).to_pylist())
    return list(column.to_numpy().tolist())
