import json

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orb_core.config import (
    all_settings,
    canonical_json,
    config_from_json,
    config_from_mapping,
    config_hash,
    differences,
    load_config,
    to_full_yaml,
    to_yaml,
)
from orb_core.config.merge import leaves, merge, nested

DEFAULTS = load_config()

VALUES = {
    "session.calendar": st.sampled_from(["XNYS", "NYSE", "CMES", "24/7"]),
    "session.weekdays": st.lists(st.sampled_from(["mon", "tue", "sat"]), min_size=1),
    "session.exclude_dates": st.lists(st.dates().map(str), max_size=3),
    "orb.base_minutes": st.integers(10, 30),
    "orb.adaptive": st.booleans(),
    "buffers.fixed": st.floats(0, 1) | st.just(-0.0) | st.integers(0, 3),
    "trade.stop_mode": st.sampled_from(["or_opposite", "swing", "atr"]),
    "trade.runner_r": st.none() | st.floats(2, 10) | st.integers(2, 10),
    "trade.be_buffer": st.floats(-1, 1),
    "governance.time_cutoff": st.none() | st.sampled_from(["11:00", "15:59"]),
    "costs.slippage_ticks": st.integers(0, 4) | st.floats(0, 4),
}
SYMBOLS = st.sampled_from(["ES", "ES=F", "es", "SPY", "BRK.B", "ON", "6E", "600"])
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "tick_size": st.sampled_from([0, 0.01, 1, 0.5]),
        "point_value": st.sampled_from([1, 1.0, 50]),
        "aliases": st.just([]) | st.just(["EXTRA", "MORE", "EXTRA"]),
        "costs": st.fixed_dictionaries({}, optional={"slippage_ticks": st.none() | st.sampled_from([1, 2.0])}),
    },
)


@st.composite
def mappings(draw):
    chosen = draw(st.lists(st.sampled_from(sorted(VALUES)), unique=True))
    mapping = {}
    for path in chosen:
        mapping = merge(mapping, nested(tuple(path.split(".")), draw(VALUES[path])))
    instruments = draw(st.dictionaries(SYMBOLS, ENTRIES, max_size=1))
    return {**mapping, "instruments": instruments} if instruments else mapping


configs = mappings().map(config_from_mapping)


@given(configs)
def test_canonical_json_gives_the_same_configuration_back(config):
    assert config_from_json(canonical_json(config)) == config


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(configs)
def test_the_yaml_of_a_configuration_loads_as_that_configuration(tmp_path, config):
    path = tmp_path / "written.yaml"
    path.write_text(to_yaml(config), encoding="utf-8")
    assert load_config(path) == config
    assert config_from_mapping(yaml.safe_load(to_yaml(config))) == config


@given(configs)
def test_the_yaml_of_all_settings_names_every_one_and_loads_as_that_configuration(config):
    written = yaml.safe_load(to_full_yaml(config))
    assert written == config.model_dump(mode="json")
    assert config_from_mapping(written) == config


@given(configs, configs)
def test_configurations_have_one_hash_exactly_when_they_are_equal(one, other):
    assert (config_hash(one) == config_hash(other)) == (one == other)
    assert (differences(one, other) == {}) == (one == other)


@given(configs, configs)
def test_differences_are_what_differs_with_both_values(config, base):
    changes = differences(config, base)
    assert {path: (old, new) for path, (new, old) in changes.items()} == differences(base, config)
    ours, theirs = values(config), values(base)
    for path in ours.keys() & theirs.keys():
        assert changes.get(".".join(path), (ours[path], ours[path])) == (ours[path], theirs[path])


@given(configs)
def test_overrides_of_the_differences_give_the_configuration(config):
    overrides = [f"{path}={json.dumps(value)}" for path, (value, _) in differences(config).items()]
    assert load_config(overrides=overrides) == config


def values(config):
    return dict(leaves(config.model_dump(mode="json")))


@given(mappings(), mappings())
def test_a_layer_wins_over_the_one_below_and_leaves_the_rest(below, above):
    below.pop("instruments", None)
    above.pop("instruments", None)
    named = {path for path, _ in leaves(above)}
    lower, upper = values(config_from_mapping(below)), values(config_from_mapping(above))
    expected = {path: upper[path] if path in named else lower[path] for path in lower}
    assert values(config_from_mapping(merge(below, above))) == expected


def test_a_whole_number_and_its_decimal_form_have_one_hash():
    one = load_config(overrides=["trade.runner_r=3", "buffers.fixed=0", "costs.slippage_ticks=1"])
    other = load_config(overrides=["trade.runner_r=3.0", "buffers.fixed=-0.0", "costs.slippage_ticks=1.0"])
    assert config_hash(one) == config_hash(other)


def test_the_hash_does_not_depend_on_the_order_of_keys_or_on_defaults_spelt_out():
    one = config_from_mapping({"trade": {"t1_r": 0.5}, "orb": {"base_minutes": 20, "adaptive": True}})
    other = config_from_mapping({"orb": {"adaptive": True, "base_minutes": 20}, "trade": {"t1_r": 0.5, "t2_r": 1.5}})
    assert config_hash(one) == config_hash(other)
    assert len(config_hash(one)) == 64


def test_an_instrument_under_its_alias_has_the_hash_of_the_instrument():
    one = config_from_mapping({"instruments": {"ES": {"tick_size": 0.5}}})
    other = config_from_mapping({"instruments": {"ES=F": {"tick_size": 0.5, "point_value": 50.0}}})
    assert config_hash(one) == config_hash(other)


def test_every_setting_is_in_the_canonical_json():
    document = json.loads(canonical_json(DEFAULTS))
    assert {".".join(path) for path, _ in leaves(document) if path[0] != "instruments"} == set(all_settings())


def test_differences_give_value_and_default_in_order():
    config = load_config(overrides=["trade.runner_r=null", "orb.base_minutes=20", "instruments.SPY.tick_size=0.05"])
    assert list(differences(config).items()) == [
        ("instruments.SPY.tick_size", (0.05, 0.01)),
        ("orb.base_minutes", (20, 15)),
        ("trade.runner_r", (None, 2.0)),
    ]
    assert differences(DEFAULTS) == {}


def test_yaml_holds_what_differs_and_no_more():
    config = load_config(overrides=["governance.time_cutoff=11:00", "orb.base_minutes=20"])
    assert to_yaml(config) == "orb:\n  base_minutes: 20\ngovernance:\n  time_cutoff: '11:00'\n"
    assert yaml.safe_load(to_yaml(DEFAULTS)) == {}


def test_json_of_an_older_version_gets_todays_default_for_a_setting_it_did_not_know():
    document = json.loads(canonical_json(load_config(overrides=["orb.base_minutes=20"])))
    del document["trade"]["max_hold_minutes"]
    del document["instruments"]["ETH-USD"]
    config = config_from_json(json.dumps(document))
    assert config.orb.base_minutes == 20
    assert config.trade.max_hold_minutes is None
    assert config.instrument("ETH-USD").tick_size == 0.01
    assert config.instrument("ETH-USD").quantity_step == 1
