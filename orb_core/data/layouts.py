"""Which program wrote a file of bars, told by its columns: one row of a table per layout.

What a layout says holds for every file of its vendor. What depends on the file is left to `--data-tz` and `--stamp`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import pyarrow as pa

from orb_core.data.bars import COLUMNS, PRICES
from orb_core.data.text_files import TextTable, shown
from orb_core.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orb_core.data.parquet_files import ParquetTable

Side = Literal["open", "close"]
STAMP, CLOCK, VOLUME, OTHER_VOLUME, SYMBOL = "stamp", "clock", "volume", "other_volume", "symbol"
_SYMBOL_COLUMNS: Final = ("symbol", "ticker")
_NEW_YORK: Final = "America/New_York"


class Layout(NamedTuple):
    """What the files of one vendor look like.

    Attributes
    ----------
    vendor : str
        Who writes them.
    stamp : tuple of str
        Lower-case names of the columns of a bar's time: one, or date and time of day. In a layout without a header,
        patterns of the first cells.
    prices, volumes : tuple of str
        Names of the columns, in the order of `PRICES`. A volume may be missing; of two, the second stands in for a
        first that is 0 throughout.
    marks : tuple of str
        Columns of which one must be there.
    side : "open", "close" or None
        Which end of its bar a stamp is; None if such files differ.
    usual_zone : str
        The clock the vendor writes stamps on that name none, to suggest.
    """

    vendor: str
    stamp: tuple[str, ...]
    prices: tuple[str, ...] = PRICES
    volumes: tuple[str, ...] = (VOLUME,)
    marks: tuple[str, ...] = ()
    side: Side | None = "open"
    usual_zone: str = ""


_LETTERS: Final = ("o", "h", "l", "c")
# An index that pandas saved without a name; it may be mere row numbers.
_NAMELESS: Final = (("",), ("__index_level_0__",))
_META: Final = ("<open>", "<high>", "<low>", "<close>")

HEADED: Final = (
    Layout("ORB Confluence", ("timestamp_utc",)),
    Layout("yfinance", ("datetime",), usual_zone=_NEW_YORK),
    Layout("Databento", ("ts_event",), usual_zone="UTC"),
    Layout("Polygon", ("window_start",)),
    Layout("Polygon", ("timestamp",), marks=("transactions",), usual_zone="UTC"),
    Layout("Polygon or Alpaca", ("t",), _LETTERS, ("v",)),
    Layout("Alpaca", ("timestamp",), marks=("trade_count",), usual_zone="UTC"),
    Layout("Interactive Brokers", ("date",), marks=("barcount",), usual_zone=_NEW_YORK),
    Layout("MetaTrader 5", ("<date>", "<time>"), _META, ("<vol>", "<tickvol>")),
    Layout("TradingView", ("time",)),
    *(
        Layout("an unknown program", stamp, side=None)
        for stamp in (("date", "time"), ("timestamp",), ("date",), ("date_time",), *_NAMELESS)
    ),
)
BARE: Final = (
    Layout("NinjaTrader", (r"\d{8} \d{6}",), side="close", usual_zone="UTC"),
    Layout("MetaTrader 4", (r"\d{4}\.\d\d\.\d\d", r"\d\d:\d\d")),
    Layout("Kibot", (r"\d\d/\d\d/\d{4}", r"\d\d:\d\d"), usual_zone=_NEW_YORK),
    Layout("FirstRate Data", (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?",), usual_zone=_NEW_YORK),
)
LEAN: Final = Layout("QuantConnect", (r"\d{1,8}",), usual_zone=_NEW_YORK)

_LEAN_MEMBER: Final = re.compile(
    r"(?P<date>\d{8})_(?P<symbol>.+?)_(?P<resolution>tick|second|minute|hour|daily)_(?P<kind>[a-z]+)(_.*)?\.csv",
    re.IGNORECASE,
)
# Columns of `yf.download`, as Parquet names them, and the name of its index.
_PAIR: Final = re.compile(r"\('([^']+)', '([^']+)'\)")
_DOWNLOAD_STAMPS: Final = {"datetime", "date"}
_LEAN_ASSETS: Final = {"equity", "crypto", "cryptofuture", "forex", "cfd", "future", "index"}
_LEAN_UNIT, _DATABENTO_UNIT = 10_000, 1_000_000_000
# Databento's whole numbers are billionths: below this they would be prices under a cent.
_LEAST_BILLIONTHS: Final = 10_000_000


@dataclass(frozen=True)
class Recognised:
    """A file's layout, and where in it things are.

    Attributes
    ----------
    layout : Layout
    columns : Mapping
        STAMP, CLOCK (a separate time of day), the prices, VOLUME, OTHER_VOLUME, SYMBOL → column, as far as there.
    wide : Mapping
        Symbol → columns, in a file with columns for each symbol.
    symbol : str
        The one symbol the file says it holds; empty if it says none.
    day : date or None
        Of stamps that are milliseconds since its midnight.
    price_unit : int
        Prices are divided by it.
    zone : str
        The clock of stamps that name none, where its place tells; empty otherwise.
    """

    layout: Layout
    columns: Mapping[str, int]
    wide: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    symbol: str = ""
    day: date | None = None
    price_unit: int = 1
    zone: str = ""


def recognise(table: TextTable | ParquetTable) -> Recognised:
    """Return the layout of a file.

    Raises
    ------
    FileFormatError
        It is in no known layout, or in more than one; the message shows its first rows and the layouts.
    """
    if isinstance(table, TextTable):
        if found := _LEAN_MEMBER.fullmatch(table.member.rpartition("/")[2] or table.file.name):
            return _lean(table, found)
        if not table.header:
            return _bare(table)
        *above, header = table.header
        if len(above) >= 2 and header[0].lower() in _DOWNLOAD_STAMPS and not any(header[1:]):
            levels = zip(*above[-2:], strict=True)
            return _wide(table, [(i, pair) for i, pair in enumerate(levels) if i and all(pair)], 0)
        return _headed(table, header)
    names = table.schema.names
    pairs = [_PAIR.fullmatch(name) for name in names]
    if any(pairs):
        stamp = next((i for i, name in enumerate(names) if name.lower() in _DOWNLOAD_STAMPS), len(names) - 1)
        return _wide(table, [(i, pair.groups()) for i, pair in enumerate(pairs) if pair], stamp)
    return _headed(table, names)


def options() -> str:
    """Return what a file may look like, for a message."""
    vendors = ", ".join(dict.fromkeys(x.vendor for x in (*HEADED[1:], *BARE, LEAN) if x.side))
    return f"Name the columns {', '.join(COLUMNS)}, all times with their offset, or give a file as {vendors} write it"


def _headed(table: TextTable | ParquetTable, header: Sequence[str]) -> Recognised:
    lower = [name.lower() for name in header]
    fitting = [
        layout
        for layout in HEADED
        if {*layout.stamp, *layout.prices} <= set(lower) and (not layout.marks or set(layout.marks) & set(lower))
    ]
    fitting = [x for x in fitting if not any(set(x.stamp) < set(other.stamp) for other in fitting)]
    fitting = [x for x in fitting if x.stamp not in _NAMELESS] or fitting
    if not fitting:
        lacking = [name for name in PRICES if name not in lower]
        what = "no known layout has these columns"
        if 0 < len(lacking) <= len(PRICES) // 2:
            what = f"no column is called {' or '.join(lacking)}"
        raise FileFormatError(f"{table.file}: {what}. {options()}\n{shown(table.rows)}")
    if len({layout.stamp for layout in fitting}) > 1:
        which = " or ".join(sorted({"+".join(layout.stamp) for layout in fitting}))
        raise FileFormatError(
            f"{table.file}: the columns fit more than one layout, with the time in {which}; leave one of them out\n"
            f"{shown(table.rows)}"
        )
    layout = fitting[0]
    names = dict(zip((STAMP, CLOCK), layout.stamp, strict=False))
    names |= dict(zip(PRICES, layout.prices, strict=True))
    names |= dict(zip((VOLUME, OTHER_VOLUME), [name for name in layout.volumes if name in lower], strict=False))
    symbol = next((name for name in _SYMBOL_COLUMNS if name in lower), None)
    if symbol:
        names[SYMBOL] = symbol
    twice = [name for name in names.values() if lower.count(name) > 1]
    if twice:
        raise FileFormatError(
            f"{table.file}: more than one column is called {', '.join(twice)}; leave one of them out\n"
            f"{shown(table.rows)}"
        )
    columns = {ours: lower.index(theirs) for ours, theirs in names.items()}
    unit = _DATABENTO_UNIT if layout.vendor == "Databento" and _is_billionths(table, columns["low"]) else 1
    return Recognised(layout, columns, price_unit=unit)


def _is_billionths(table: TextTable | ParquetTable, column: int) -> bool:
    if not isinstance(table, TextTable):
        return bool(pa.types.is_integer(table.schema.types[column]))
    lows = [row[column] for row in table.sample]
    return bool(lows) and all(low.isdecimal() and int(low) >= _LEAST_BILLIONTHS for low in lows)


def _wide(table: TextTable | ParquetTable, levels: Sequence[tuple[int, tuple[str, ...]]], stamp: int) -> Recognised:
    """Return the columns of `yf.download`, which has a row of fields and one of symbols, in either order."""
    of_symbol: dict[str, dict[str, int]] = {}
    for column, pair in levels:
        ours, symbol = pair if pair[0].lower() in {*PRICES, VOLUME, "adj close"} else pair[::-1]
        of_symbol.setdefault(symbol.upper(), {STAMP: stamp})[ours.lower()] = column
    wanted = (STAMP, *PRICES, VOLUME)
    wide = {
        symbol: {name: columns[name] for name in wanted if name in columns}
        for symbol, columns in of_symbol.items()
        if set(PRICES) <= set(columns)
    }
    if not wide:
        raise FileFormatError(
            f"{table.file}: its rows of headers name no symbol with open, high, low and close. {options()}\n"
            f"{shown(table.rows)}"
        )
    layout = next(layout for layout in HEADED if layout.vendor == "yfinance")
    return Recognised(layout, {}, wide)


def _bare(table: TextTable) -> Recognised:
    row = table.sample[0] if table.sample else ()
    for layout in BARE:
        stamps = len(layout.stamp)
        if all(re.fullmatch(p, cell) for p, cell in zip(layout.stamp, row, strict=False)) and (
            len(row) - stamps in {len(PRICES), len(PRICES) + 1}
        ):
            return Recognised(layout, _in_order(stamps, len(row)))
    raise FileFormatError(
        f"{table.file}: it has no header, and its {len(row)} cells a row fit no layout without one. Put a line above "
        f"that names the columns. {options()}\n{shown(table.rows)}"
    )


def _in_order(stamps: int, cells: int) -> dict[str, int]:
    names = [*(STAMP, CLOCK)[:stamps], *PRICES, VOLUME]
    return {name: column for column, name in enumerate(names) if column < cells}


def _lean(table: TextTable, found: re.Match[str]) -> Recognised:
    resolution, kind = found["resolution"].lower(), found["kind"].lower()
    if (resolution, kind) != ("minute", "trade"):
        raise FileFormatError(
            f"{table.file} holds {resolution} {kind} data of QuantConnect; bars are in the files ending in "
            "_minute_trade.csv"
        )
    row = table.sample[0] if table.sample else ()
    if table.header or len(row) != 6:
        raise FileFormatError(
            f"{table.file}: {table.member} does not have QuantConnect's 6 columns\n{shown(table.rows)}"
        )
    folders = [part.lower() for part in table.file.absolute().parts]
    assets = _LEAN_ASSETS.intersection(folders)
    is_whole = all(cell.isdecimal() for cells in table.sample for cell in cells[1:5])
    unit = _LEAN_UNIT if is_whole and (not assets or "equity" in assets) else 1
    is_american = "equity" in folders and folders[folders.index("equity") + 1 :][:1] == ["usa"]
    return Recognised(
        LEAN,
        _in_order(1, 6),
        symbol=found["symbol"].upper(),
        day=_day(table, found["date"]),
        price_unit=unit,
        zone=_NEW_YORK if is_american else "",
    )


def _day(table: TextTable, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise FileFormatError(f"{table.file}: {table.member} begins with {text}, which is no date") from error
