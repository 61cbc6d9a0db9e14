import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orb_core.config import all_settings, config_from_json, config_from_mapping, load_config
from orb_core.config.merge import nested
from orb_core.errors import ConfigError


def refusal(settings, origin="my_config.yaml"):
    with pytest.raises(ConfigError) as caught:
        config_from_mapping(settings, origin)
    return str(caught.value)


def refused_file(tmp_path, content):
    path = tmp_path / "my_config.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_an_error_names_file_path_value_and_what_is_allowed():
    assert refusal({"orb": {"base_minutes": -5}}) == "my_config.yaml: orb.base_minutes = -5: must be >= 1"


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("orb.base_minutes", True, "= true: must be a whole number"),
        ("orb.base_minutes", "15", '= "15": must be a whole number; write it without quotes'),
        ("orb.base_minutes", 15.0, "= 15.0: must be a whole number"),
        ("orb.base_minutes", None, "= null: must be a whole number"),
        ("orb.base_minutes", [15], "= [15]: must be a whole number"),
        ("orb.base_minutes", {"value": 15}, ": must be a whole number"),
        ("orb.base_minutes", 10**30, f"= {10**30}: must be <= 1440"),
        ("orb.adaptive", 1, "= 1: must be true or false"),
        ("orb.adaptive", "yes", '= "yes": must be true or false'),
        ("trade.t1_r", "1.0", '= "1.0": must be a number; write it without quotes'),
        ("trade.t1_r", False, "= false: must be a number"),
        ("trade.t1_r", 0, "= 0: must be > 0"),
        ("trade.t1_r", float("nan"), "= NaN: must be a finite number"),
        ("trade.t1_r", float("inf"), "= Infinity: must be a finite number"),
        ("trade.t1_r", 10**400, "…: must be a"),
        ("trade.runner_r", "none", '= "none": must be a number, or null'),
        ("trade.t1_pct", 50, "= 50: must be <= 1"),
        ("factors.adx.period", 1, "= 1: must be >= 2"),
        ("governance.max_signals_per_day", 0, "= 0: must be >= 1"),
        ("entry.mode", "tuch", "= \"tuch\": must be one of 'touch', 'close' or 'or_end'"),
        ("trade.trail.mode", False, "= false: must be one of 'none', 'r', 'atr' or 'swing'"),
        ("session.weekdays", [], "= []: must not be empty"),
        ("session.weekdays", "mon", '= "mon": must be a list, such as ["a", "b"]'),
        ("session.open", "9:30", '= "9:30": must be a time "HH:MM" between "00:00" and "23:59"'),
        ("session.open", "24:00", 'must be a time "HH:MM" between "00:00" and "23:59"'),
        ("session.calendar", "NISE", '= "NISE": must be an exchange_calendars name, did you mean NYSE?'),
        ("session.calendar", "xnys", '= "xnys": must be an exchange_calendars name, did you mean XNYS?'),
        ("session.calendar", 24, "= 24: must be text"),
        ("session.timezone", "America/NewYork", "must be an IANA time zone, did you mean America/New_York?"),
        ("session.timezone", "America", "must be an IANA time zone"),
        ("session.timezone", "../../etc/passwd", "must be an IANA time zone"),
        ("data.interval", "3m", "must be one of '1m', '2m', '5m', '15m' or '30m'"),
        ("orb", None, "= null: must be a mapping of settings"),
        ("orb", 15, "= 15: must be a mapping of settings"),
        ("instruments", [], "= []: must be a mapping of settings"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_can(path, value, sentence):
    message = refusal(nested(tuple(path.split(".")), value))
    assert message.startswith(f"my_config.yaml: {path}")
    assert sentence in message
    assert "\n" not in message


@pytest.mark.parametrize("day", ["2024-02-30", "2024-13-01", "20240131", "31.01.2024", 20240131, None])
def test_a_day_that_is_no_date_is_named_by_its_place_in_the_list(day):
    message = refusal({"session": {"exclude_dates": ["2024-01-31", day]}})
    assert message.startswith("my_config.yaml: session.exclude_dates[1]")
    assert "must be a date" in message


def test_nan_and_infinity_of_yaml_are_refused(tmp_path):
    message = refused_file(tmp_path, "costs: {commission_per_unit: .nan}\nbuffers: {fixed: .inf}")
    assert message.count("must be a finite number") == 2


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"orb": {"base_minuets": 30}},
            "orb.base_minuets = 30: there is no such setting; did you mean orb.base_minutes?",
        ),
        ({"factor": {"adx": {}}}, "factor: there is no such setting; did you mean factors?"),
        ({"stop_mode": "atr"}, 'stop_mode = "atr": there is no such setting here; did you mean trade.stop_mode?'),
        ({"trade": {"start_r": 1}}, "did you mean trade.trail.start_r?"),
        ({"orb": {"max_daily_los_r": 1}}, "did you mean governance.max_daily_loss_r?"),
        (
            {"buffers": {"zzz": 1}},
            "buffers.zzz = 1: there is no such setting; buffers takes fixed, ticks, use_atr, atr_mult",
        ),
        (
            {"instruments": {"SPY": {"tick": 1}}},
            "instruments.SPY.tick = 1: there is no such setting; did you mean instruments.SPY.tick_size?",
        ),
        (
            {"instruments": {"SPY": {"costs": {"slipage_ticks": 1}}}},
            "did you mean instruments.SPY.costs.slippage_ticks?",
        ),
        ({"[key]": 1}, "[key] = 1: there is no such setting"),
        ({5: 1}, "5: a key must be text; put it in quotes"),
        ({"orb": {True: 1}}, "a key must be text; put it in quotes"),
    ],
)
def test_a_misspelt_or_misplaced_key_is_answered_with_the_nearest(settings, sentence):
    assert sentence in refusal(settings)


def test_everything_wrong_is_said_at_once():
    message = refusal(
        {
            "orb": {"base_minutes": -5, "bas_minutes": 5, "low_norm_vol": 0.5},
            "trade": {"stop_mode": "none", "t1_r": 3},
            "governance": {"time_cutoff": "08:00"},
            "scoring": {"base_required": 10},
        }
    )
    assert re.findall(r"my_config.yaml: ([a-z0-9_.]+)", message) == [
        "orb.base_minutes",
        "orb.bas_minutes",
        "trade.stop_mode",
        "orb.low_norm_vol",
        "scoring.base_required",
        "trade.t2_r",
        "governance.time_cutoff",
    ]


def test_a_rule_is_silent_while_a_setting_it_depends_on_is_unusable():
    assert refusal({"orb": {"base_minutes": "45"}, "data": {"interval": "1m"}}).count("\n") == 0


def test_each_problem_is_told_of_the_source_that_said_it(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("orb: {base_minutes: 0}\ntrade: {t1_r: -1}")
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides=["trade.t1_r=-2", "data.interval=15m"])
    assert str(caught.value).splitlines() == [
        f"{path}: orb.base_minutes = 0: must be >= 1",
        "--set: trade.t1_r = -2: must be > 0",
    ]


def test_a_form_finds_the_problems_by_path():
    with pytest.raises(ConfigError) as caught:
        config_from_mapping({"orb": {"base_minutes": 0}, "trade": {"t1_r": 5}})
    assert caught.value.problems == (
        ("orb.base_minutes", "must be >= 1"),
        ("trade.t2_r", "must be > trade.t1_r (5); a part of fraction 0 is left out"),
    )


def test_a_missing_file_is_named(tmp_path):
    path = tmp_path / "gone.yaml"
    with pytest.raises(ConfigError, match=rf"gone.yaml: there is no such file \(looked in {tmp_path}\)"):
        load_config(path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ConfigError, match="is a folder"):
        load_config(tmp_path)


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    path = tmp_path / "mine.yaml"
    path.write_text("orb: {}")
    monkeypatch.setattr(Path, "read_bytes", refuse)  # root may read every file, so a mode would not do
    with pytest.raises(ConfigError, match=r"mine\.yaml: cannot be read: Permission denied"):
        load_config(path)


@pytest.mark.parametrize("name", ["a\0b.yaml", "x" * 300])
def test_a_name_no_file_can_have_is_refused(name):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(name)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "holds no settings"),
        ("# nothing yet\n", "holds no settings"),
        ("---\n...\n", "holds no settings"),
        ("- orb\n- trade\n", "holds a list; a configuration is a mapping"),
        ("just words", "holds one value, 'just words'"),
        ("15", "holds one value, '15'"),
        ("orb: {base_minutes: 30", "not valid YAML: line 1, column"),
        ("orb:\n\tbase_minutes: 30", "not valid YAML: line 2, column 1"),
        ("orb: {}\n---\ntrade: {}", "not valid YAML: line 2, column 1"),
        ("orb: {base_minutes: 30}\ntrade: {}\norb: {}", "not valid YAML: line 3, column 1: `orb` is there twice"),
        ("orb: {base_minutes: 30, base_minutes: 15}", "line 1, column 25: `base_minutes` is there twice"),
        ("? [a, b]\n: 1", "a key must be a plain word"),
        ("orb: !!python/object:os.system {}", "not valid YAML"),
        ("orb: *nowhere", "not valid YAML"),
        ("a: &a {b: *a}", "there is no such setting"),
        (b"orb: {}\x00", "not valid YAML"),
        ("orb: {base_minutes: " + "9" * 5000 + "}", "not valid YAML"),
        ("[" * 5000, "nested too deeply"),
        ("größe: 1".encode("latin-1"), "is not UTF-8 text"),
        ("orb: {}".encode("utf-16"), "is not UTF-8 text"),
        (b"PAR1\x15\x04\x15\xff\xfe", "is not UTF-8 text"),
        ("x" * 2_000_000, "has 2,000,000 bytes"),
    ],
    ids=range(22),
)
def test_a_file_that_is_no_configuration_says_why(tmp_path, content, sentence):
    assert sentence in refused_file(tmp_path, content)


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path):
    path = tmp_path / "notepad.yaml"
    path.write_bytes(b"\xef\xbb\xbforb:\r\n  base_minutes: 30\r\n")
    assert load_config(path).orb.base_minutes == 30


def test_an_anchor_merged_into_two_sections_is_no_key_given_twice(tmp_path):
    path = tmp_path / "anchors.yaml"
    path.write_text(
        "instruments:\n  A: &a {tick_size: 0.5, point_value: 2}\n  B: &b {<<: *a, tick_size: 1}\n  C: {<<: *b}"
    )
    config = load_config(path)
    assert (config.instrument("C").tick_size, config.instrument("C").point_value) == (1, 2)


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "null", '{"orb": {"base_minutes": NaN}}', "[" * 100_000])
def test_json_that_is_no_configuration_is_refused(text):
    with pytest.raises(ConfigError, match=r"^config JSON: "):
        config_from_json(text)


def test_settings_that_are_no_mapping_are_refused():
    with pytest.raises(ConfigError, match="must be a mapping of settings, not list"):
        config_from_mapping([])


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(
    st.dictionaries(st.sampled_from(sorted(all_settings())), junk, max_size=4),
    st.dictionaries(st.text(), junk, max_size=2),
)
def test_any_values_give_a_configuration_or_a_config_error(settings, extra):
    tree = dict(extra)
    for path, value in settings.items():
        section, _, rest = path.partition(".")
        if isinstance(tree.setdefault(section, {}), dict):
            tree[section] |= nested(tuple(rest.split(".")), value)
    with suppress(ConfigError):
        config_from_mapping(tree)


@given(st.text())
def test_any_text_of_an_override_gives_a_configuration_or_a_config_error(text):
    for override in (text, f"orb.base_minutes={text}", f"instruments.{text}=1"):
        with suppress(ConfigError):
            load_config(overrides=[override])


def test_importing_the_configuration_imports_nothing_heavy():
    code = (
        "import sys, orb_core.config; print([m for m in ('pandas', 'numpy', 'exchange_calendars') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
