import pytest

from orb_core.config import config_from_mapping, load_config
from orb_core.errors import ConfigError


def test_an_alias_finds_the_instrument_in_any_case():
    config = load_config()
    assert config.instrument("ES") == config.instrument("es=f") == config.instrument("ES=F")
    assert config.instrument("ES").symbol == "ES=F"
    assert config.instrument("ES").point_value == 50


def test_an_unknown_symbol_has_cents_whole_units_and_the_costs_of_the_run():
    config = load_config(overrides=["costs.commission_pct=0.001", "costs.slippage_ticks=2"])
    spy = config.instrument("SPY")
    assert (spy.symbol, spy.tick_size, spy.point_value, spy.quantity_step) == ("SPY", 0.01, 1, 1)
    assert (spy.commission_per_unit, spy.commission_pct, spy.slippage_ticks) == (0.005, 0.001, 2)


def test_costs_an_instrument_does_not_name_are_those_of_the_run():
    es = load_config(overrides=["costs.commission_pct=0.001"]).instrument("ES")
    assert (es.commission_per_unit, es.commission_pct, es.slippage_ticks) == (2.25, 0.001, 1)


def test_a_cost_of_zero_is_a_cost_and_not_the_one_of_the_run():
    assert load_config().instrument("BTC").commission_per_unit == 0


def test_an_entry_under_an_alias_is_laid_over_the_instrument():
    config = config_from_mapping({"instruments": {"es": {"costs": {"slippage_ticks": 3}}}})
    es = config.instrument("ES=F")
    assert (es.tick_size, es.commission_per_unit, es.slippage_ticks) == (0.25, 2.25, 3)
    assert "ES" not in config.instruments


def test_an_alias_of_a_lower_layer_names_its_instrument_in_a_higher_one(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("instruments: {FDAX.EX: {aliases: [DAX], tick_size: 0.5, point_value: 25}}")
    config = load_config(path, overrides=["instruments.DAX.point_value=5"])
    assert (config.instrument("DAX").symbol, config.instrument("DAX").point_value) == ("FDAX.EX", 5)
    assert config.instrument("FDAX.EX").tick_size == 0.5


def test_an_entry_that_says_nothing_new_is_no_entry():
    assert config_from_mapping({"instruments": {"SPY": {"tick_size": 0.01}, "QQQ": {}}}) == load_config()


@pytest.mark.parametrize(
    ("instruments", "sentence"),
    [
        ({"ES": {}, "ES=F": {}}, "ES is an alias of ES=F and an entry of its own"),
        ({"spy": {}, "SPY": {}}, "spy and SPY are one symbol"),
        ({"X": {"aliases": ["ES"]}}, "ES is an alias of both ES=F and X"),
        ({"X": {"aliases": ["X"]}}, "X names itself as an alias"),
        ({"X": {"aliases": ["ES=F"]}}, "ES=F is an alias of X and an entry of its own"),
    ],
)
def test_a_name_that_could_mean_two_instruments_is_refused(instruments, sentence):
    with pytest.raises(ConfigError, match=sentence):
        config_from_mapping({"instruments": instruments})


def test_a_name_that_cannot_be_a_symbol_is_refused():
    with pytest.raises(ConfigError, match=r"'\.\./X' cannot be a symbol"):
        config_from_mapping({"instruments": {"../x": {}}})


def test_symbols_that_yaml_takes_for_something_else_are_symbols(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text(
        "instruments: {ON: {tick_size: 0.02}, NO: {tick_size: 0.03}, 0700.HK: {tick_size: 0.2}, 600: {tick_size: 1}}"
    )
    config = load_config(path)
    assert [config.instrument(s).tick_size for s in ("ON", "NO", "0700.HK", "600")] == [0.02, 0.03, 0.2, 1]
