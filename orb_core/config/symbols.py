"""Symbols: what may be one, how a list of them is read, and how one is written into a file name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from orb_core.errors import SymbolError

MAX_LENGTH: Final = 32
NAMED: Final = 3
"""Of many symbols in a line, so many are named and the others counted."""
SYMBOL_PATTERN: Final = rf"^[A-Z0-9^][A-Z0-9._=^/-]{{0,{MAX_LENGTH - 1}}}$"

_DEVICES: Final = frozenset(
    {"CON", "PRN", "AUX", "NUL"} | {f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10)}
)


@dataclass(frozen=True)
class SymbolList:
    """Symbols in the order given, and what was mended to get them, one sentence each."""

    symbols: tuple[str, ...]
    notes: tuple[str, ...]


def normalize_symbol(raw: str) -> str:
    """Return the symbol in upper case.

    Raises
    ------
    SymbolError
        If no market could have a symbol like this, or no file system a file of that name.
    """
    symbol = raw.strip().upper() if raw.isascii() else raw
    if symbol in _DEVICES:
        raise SymbolError(f"{raw!r} cannot be a symbol: Windows keeps this name for a device, no file may bear it")
    if not re.fullmatch(SYMBOL_PATTERN, symbol):
        shown = repr(raw if len(raw) <= MAX_LENGTH else raw[:MAX_LENGTH] + "…")
        raise SymbolError(
            f"{shown} cannot be a symbol: it takes 1 to {MAX_LENGTH} characters of A-Z, 0-9 and . _ = ^ / -, "
            "the first a letter, a digit or ^"
        )
    return symbol


def normalize_symbols(raw: Sequence[str]) -> SymbolList:
    """Symbols of a list as people type it: split on commas and white space, upper-cased, repeats dropped.

    Raises
    ------
    SymbolError
        If there is none, or for all that cannot be symbols at once.
    """
    symbols: list[str] = []
    notes: list[str] = []
    repeated: list[str] = []
    refusals: list[str] = []
    for word in (word for text in raw for word in re.split(r"[,\s]+", text) if word):
        try:
            symbol = normalize_symbol(word)
        except SymbolError as error:
            refusals.append(str(error))
            continue
        if symbol != word:
            notes.append(f"{word} is read as {symbol}")
        if symbol in symbols:
            repeated.append(symbol)
        else:
            symbols.append(symbol)
    if refusals:
        raise SymbolError("\n".join(dict.fromkeys(refusals)))
    if not symbols:
        raise SymbolError("no symbol was given; name at least one, such as SPY")
    return SymbolList(tuple(symbols), (*dict.fromkeys(notes), *_once(list(dict.fromkeys(repeated)))))


def first_of(names: Sequence[str], named: int = NAMED) -> str:
    """Name the first of some symbols or the like where room is scarce, and how many more there are.

    >>> first_of(("SPY", "QQQ", "IWM", "DIA"))
    'SPY, QQQ, IWM +1'
    """
    more = len(names) - named
    return ", ".join(names[:named]) + (f" +{more}" if more > 0 else "")


def some_of(names: Sequence[str], named: int = NAMED, *, between: str = ", ") -> str:
    """Name the first of some symbols or the like in a sentence, and how many more there are.

    >>> some_of(("SPY", "QQQ", "IWM", "DIA"))
    'SPY, QQQ, IWM and 1 more'
    """
    more = len(names) - named
    return between.join(names[:named]) + (f" and {more} more" if more > 0 else "")


def _once(repeated: Sequence[str]) -> list[str]:
    if not repeated:
        return []
    several = len(repeated) > 1
    verb, each = ("were", "each") if several else ("was", "it")
    return [f"{first_of(repeated)} {verb} given more than once; {each} runs once"]


def encode_symbol(symbol: str) -> str:
    """Return the symbol for a file name: all but A-Z a-z 0-9 . _ = ^ - percent-encoded, so that ES=F stays readable."""
    return quote(symbol, safe="=^")


def decode_symbol(text: str) -> str:
    """Return the symbol `encode_symbol` made this of."""
    return unquote(text)
