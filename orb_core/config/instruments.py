"""What is traded: tick, point value, quantity step and costs per symbol, found by symbol or alias."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator

from orb_core.config.fields import Number, Settings, as_tuple, setting, sorted_once
from orb_core.config.symbols import normalize_symbol
from orb_core.errors import SymbolError

UNKNOWN_INSTRUMENT: Final[Mapping[str, Any]] = {
    "aliases": [],
    "tick_size": 0.01,
    "point_value": 1.0,
    "quantity_step": 1.0,
    "costs": {"commission_per_unit": None, "commission_pct": None, "slippage_ticks": None},
}


def _symbol(value: str) -> str:
    try:
        return normalize_symbol(value)
    except SymbolError as error:
        raise ValueError(str(error)) from None


Symbol = Annotated[str, AfterValidator(_symbol)]
Aliases = Annotated[tuple[Symbol, ...], BeforeValidator(as_tuple), AfterValidator(sorted_once)]


class InstrumentCosts(Settings):
    """Costs of one instrument, where they differ from the run's."""

    commission_per_unit: Number | None = setting(
        "Commission per unit", "Commission per share or contract and side; null = the run's.", ge=0, le=1e6, unit="$"
    )
    commission_pct: Number | None = setting(
        "Commission share", "Commission as a fraction of the notional of each side; null = the run's.", ge=0, le=1
    )
    slippage_ticks: Number | None = setting(
        "Slippage", "Slippage of every market and stop fill; null = the run's.", ge=0, le=1e6, unit="ticks"
    )


class InstrumentSettings(Settings):
    """What one symbol is: its price grid, what a point is worth, how it is counted."""

    aliases: Aliases = setting("Aliases", "Other names that find this instrument, such as ES for ES=F.")
    tick_size: Number = setting("Tick", "Smallest price step; 0 = prices lie on no grid.", ge=0, le=1e6, unit="points")
    point_value: Number = setting("Point value", "Worth of one point of one share or contract.", gt=0, le=1e9, unit="$")
    quantity_step: Number = setting(
        "Quantity step", "Smallest step of a position, such as 1 contract or 0.00000001 coin.", gt=0, le=1e9
    )
    costs: InstrumentCosts = setting("Costs", "Costs of this instrument where they differ from the run's.")


PLAIN_INSTRUMENT: Final = InstrumentSettings.model_validate(UNKNOWN_INSTRUMENT)


@dataclass(frozen=True)
class Instrument:
    """One symbol of a run with everything the simulation needs to know of it, costs included.

    `tick_size` in points, `point_value` and `commission_per_unit` in $, `commission_pct` a fraction of the notional,
    `slippage_ticks` in ticks. `symbol` is the instrument's own where an alias was asked for.
    """

    symbol: str
    tick_size: float
    point_value: float
    quantity_step: float
    commission_per_unit: float
    commission_pct: float
    slippage_ticks: float


def _unambiguous(instruments: dict[str, InstrumentSettings]) -> dict[str, InstrumentSettings]:
    """Return the instruments in order of symbol, without those that say nothing, if every name means one of them."""
    owner: dict[str, str] = {}
    for symbol, entry in instruments.items():
        for alias in entry.aliases:
            if alias == symbol:
                raise ValueError(f"{symbol} names itself as an alias; take it out of its aliases")
            if alias in instruments:
                raise ValueError(f"{alias} is an alias of {symbol} and an entry of its own; keep one of them")
            if alias in owner:
                raise ValueError(f"{alias} is an alias of both {owner[alias]} and {symbol}; keep one of them")
            owner[alias] = symbol
    return {symbol: entry for symbol, entry in sorted(instruments.items()) if entry != PLAIN_INSTRUMENT}


def _named_once(instruments: Any) -> Any:
    if isinstance(instruments, Mapping):
        seen: dict[str, str] = {}
        for name in (name for name in instruments if isinstance(name, str)):
            if name.upper() in seen:
                raise ValueError(f"{seen[name.upper()]} and {name} are one symbol; keep one of them")
            seen[name.upper()] = name
    return instruments


Instruments = Annotated[dict[Symbol, InstrumentSettings], BeforeValidator(_named_once), AfterValidator(_unambiguous)]
