import doctest
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orb_core.config import decode_symbol, encode_symbol, normalize_symbols, symbols
from orb_core.config.symbols import SYMBOL_PATTERN
from orb_core.errors import SymbolError


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(symbols).failed == 0


def test_as_many_as_may_be_named_are_named_without_a_count():
    assert symbols.first_of(("SPY", "QQQ", "IWM")) == symbols.some_of(("SPY", "QQQ", "IWM")) == "SPY, QQQ, IWM"
    assert symbols.some_of(("SPY", "QQQ", "IWM"), 1, between=" · ") == "SPY and 2 more"


def test_symbols_are_split_on_commas_and_white_space_in_the_order_given():
    assert normalize_symbols(["SPY, QQQ", "IWM\nES=F\t^GSPC", ""]).symbols == ("SPY", "QQQ", "IWM", "ES=F", "^GSPC")


def test_nothing_is_said_when_nothing_is_mended():
    assert normalize_symbols(["SPY", "BRK.B", "BTC-USD", "EUR/USD", "0700.HK", "ES_201312"]).notes == ()


def test_lower_case_and_repeats_are_mended_and_said():
    found = normalize_symbols(["spy", "QQQ", "SPY", "Spy"])
    assert found.symbols == ("SPY", "QQQ")
    assert found.notes == (
        "spy is read as SPY",
        "Spy is read as SPY",
        "SPY was given more than once; it runs once",
    )


def test_all_repeats_are_said_in_one_sentence_that_names_a_few():
    two, many = (normalize_symbols([*names, *names]).notes for names in (["SPY", "QQQ"], [f"S{i}" for i in range(300)]))
    assert two == ("SPY, QQQ were given more than once; each runs once",)
    assert many == ("S0, S1, S2 +297 were given more than once; each runs once",)


@pytest.mark.parametrize(
    "word",
    [
        "../x",
        "..",
        ".SPY",
        "-X",
        "=F",
        "_A",
        "/ES",
        "A" * 33,
        "S\\PY",
        "SP*",
        "DÄX",
        "ßpy",
        "SPY;",
        "C:",
        "%2F",
        "A\0B",
        "<b>",
    ],
)
def test_what_cannot_be_a_symbol_is_refused_with_the_rule(word):
    with pytest.raises(SymbolError, match=r"cannot be a symbol: it takes 1 to 32 characters of A-Z, 0-9"):
        normalize_symbols([word])


@pytest.mark.parametrize("word", ["CON", "nul", "Aux", "PRN", "COM1", "lpt9"])
def test_names_of_windows_devices_are_refused(word):
    with pytest.raises(SymbolError, match="Windows keeps this name for a device"):
        normalize_symbols([word])


def test_symbols_that_only_begin_like_a_device_are_symbols():
    assert normalize_symbols(["CON.DE", "COM", "NULL", "COM10"]).symbols == ("CON.DE", "COM", "NULL", "COM10")


def test_all_that_cannot_be_symbols_are_named_at_once():
    with pytest.raises(SymbolError) as caught:
        normalize_symbols(["SPY", "../x", "CON"])
    assert [line[:6] for line in str(caught.value).splitlines()] == ["'../x'", "'CON' "]


@pytest.mark.parametrize("raw", [[], [""], [" , \n"]])
def test_no_symbol_at_all_is_refused(raw):
    with pytest.raises(SymbolError, match="no symbol was given"):
        normalize_symbols(raw)


def test_a_long_text_is_not_repeated_in_full():
    with pytest.raises(SymbolError) as caught:
        normalize_symbols(["X" * 10_000])
    assert len(str(caught.value)) < 300


@given(st.from_regex(SYMBOL_PATTERN, fullmatch=True))
def test_a_symbol_survives_its_file_name_which_is_one_plain_name(symbol):
    name = encode_symbol(symbol)
    assert decode_symbol(name) == symbol
    assert re.fullmatch(r"[A-Za-z0-9._=^%-]+", name)
    assert name not in {".", ".."}


def test_common_symbols_stay_readable_as_file_names():
    assert [encode_symbol(s) for s in ("ES=F", "^GSPC", "BRK.B", "BTC-USD", "EUR/USD")] == [
        "ES=F",
        "^GSPC",
        "BRK.B",
        "BTC-USD",
        "EUR%2FUSD",
    ]


@given(st.lists(st.text(max_size=40)))
def test_any_text_gives_symbols_or_a_symbol_error(raw):
    try:
        found = normalize_symbols(raw)
    except SymbolError:
        return
    assert all(re.fullmatch(SYMBOL_PATTERN, symbol) for symbol in found.symbols)
    assert normalize_symbols(found.symbols) == type(found)(found.symbols, ())
