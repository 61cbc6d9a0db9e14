"""A run made again: whether it came out as before, and if not, what differs and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from orb_core.analytics.compare import RunRecord, changed_bars
from orb_core.analytics.matching import match_trades
from orb_core.analytics.words import counted, number
from orb_core.config.load import differences
from orb_core.config.symbols import some_of


@dataclass(frozen=True, eq=False)
class Verification:
    """A stored run beside the same run made again.

    Attributes
    ----------
    is_identical : bool
        Every table is, to the last bit.
    sentence : str
        The finding and its causes.
    causes : tuple of str
        What changed that may explain a difference: bars, configuration, engine version.
    tables : tuple of str
        Kinds of the tables that differ.
    trades : DataFrame
        Those that differ, as `match_trades` returns them: A as stored, B as made again.
    """

    is_identical: bool
    sentence: str
    causes: tuple[str, ...]
    tables: tuple[str, ...]
    trades: pd.DataFrame


def verify(stored: RunRecord, again: RunRecord) -> Verification:
    """Compare every table of a stored run with that of the same run made again.

    Parameters
    ----------
    stored, again : RunRecord
        With the same kinds of tables, in the same order of symbols.
    """
    tables = tuple(kind for kind in stored.tables if not _is_same(stored.tables[kind], again.tables[kind]))
    matched = match_trades(stored.tables["trades"], again.tables["trades"])
    trades = matched[(matched["status"] != "same").to_numpy()].reset_index(drop=True)
    causes = _causes(stored, again)
    return Verification(not tables, _sentence(tables, len(matched), len(trades), causes), causes, tables, trades)


def _sentence(tables: Sequence[str], trades: int, differing: int, causes: Sequence[str]) -> str:
    all_trades = counted(trades, "trade")
    if not tables:
        return f"Identical: {all_trades}, and every table to the last bit."
    if differing:
        finding = f"{number(differing, 0)} of {all_trades} {'differs' if differing == 1 else 'differ'}"
    else:
        finding = f"The trades came out the same, but not every table ({', '.join(tables)})"
    return f"{finding}: {'; '.join(causes) or 'neither bars, configuration nor engine version changed'}."


def _causes(stored: RunRecord, again: RunRecord) -> tuple[str, ...]:
    bars = [
        f"the bars of {symbol} changed in {some_of(months)}" for symbol, months in changed_bars(stored, again).items()
    ]
    symbols = [f"{symbol} is in one of the two only" for symbol in sorted(stored.bars.keys() ^ again.bars.keys())]
    settings = list(differences(again.config, stored.config))
    configuration = [f"the configuration changed ({some_of(settings)})"] if settings else []
    engine = []
    if stored.engine_version != again.engine_version:
        engine = [f"the engine is version {again.engine_version}, the run was made by {stored.engine_version}"]
    return tuple(bars + symbols + configuration + engine)


def _is_same(stored: pd.DataFrame, again: pd.DataFrame) -> bool:
    """Equal columns and values, bit by bit; text by what it says, and a missing number equal to another."""
    return (
        list(stored) == list(again)
        and len(stored) == len(again)
        and all(_is_same_column(stored[name], again[name]) for name in stored)
    )


def _is_same_column(stored: "pd.Series[Any]", again: "pd.Series[Any]") -> bool:
    stored, again = (column.reset_index(drop=True) for column in (stored, again))
    if isinstance(stored.dtype, pd.CategoricalDtype):  # the order of its categories is no difference
        stored, again = stored.astype("str"), again.astype("str")
    return bool(stored.equals(again))
