from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from orb_core.config import config_from_mapping, load_config
from orb_core.config.load import DEFAULTS_PATH
from orb_core.errors import ConfigError

OWNERS_EXAMPLE = """
orb: {base_minutes: 30, adaptive: true}
trade: {stop_mode: atr_capped, partials: true, t1_r: 1.0, runner_r: 3.0}
governance: {max_signals_per_day: 2, lockout_after_losses: 1, max_daily_loss_r: 3.0}
"""


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="my_config.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def test_defaults_are_what_defaults_yaml_says():
    written = yaml.safe_load(DEFAULTS_PATH.read_text(encoding="utf-8"))
    loaded = load_config().model_dump(mode="json")
    for section, settings in written.items():
        if section != "instruments":
            assert loaded[section] == settings


def test_defaults_do_not_depend_on_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "defaults.yaml").write_text("orb: {base_minutes: 60}")
    assert load_config().orb.base_minutes == 15


def test_the_owners_example_loads_as_it_stands(write):
    config = load_config(write(OWNERS_EXAMPLE))
    assert (config.orb.base_minutes, config.orb.long_or_minutes) == (30, 30)
    assert config.trade.stop_mode == "atr_capped"
    assert config.trade.t2_r == 1.5
    assert config.governance.max_daily_loss_r == 3.0


def test_a_file_changes_what_it_names_and_nothing_else(write):
    config = load_config(write("factors: {adx: {enabled: true}}\nscoring: {weak_trend_required: 2}"))
    assert config.factors.adx.enabled
    assert config.factors.adx.period == 14
    assert config.factors.vwap.enabled


def test_defaults_yaml_itself_can_be_the_file():
    assert load_config(DEFAULTS_PATH) == load_config()


def test_an_override_wins_over_the_file(write):
    path = write("orb: {base_minutes: 20, atr_period: 10}")
    config = load_config(path, overrides=["orb.base_minutes=25"])
    assert (config.orb.base_minutes, config.orb.atr_period) == (25, 10)


def test_the_last_of_two_overrides_wins():
    assert load_config(overrides=["orb.base_minutes=20", "orb.base_minutes=25"]).orb.base_minutes == 25


def test_an_override_may_hold_a_mapping():
    assert load_config(overrides=["orb={base_minutes: 20, adaptive: false}"]).orb.base_minutes == 20


def test_an_override_of_null_switches_a_limit_off():
    assert load_config(overrides=["governance.time_cutoff=null"]).governance.time_cutoff is None


def test_an_override_reaches_a_symbol_with_an_equals_sign():
    config = load_config(overrides=["instruments.ES=F.costs.slippage_ticks=2"])
    assert config.instrument("ES").slippage_ticks == 2


def test_an_override_reaches_a_symbol_with_a_dot():
    config = load_config(overrides=["instruments.BRK.B.tick_size=0.05", "instruments.BF.B={tick_size: 0.1}"])
    assert config.instrument("BRK.B").tick_size == 0.05
    assert config.instrument("BF.B").tick_size == 0.1


@pytest.mark.parametrize("override", ["orb.base_minutes", "=5", " = 5", ""])
def test_an_override_without_path_or_value_is_refused(override):
    with pytest.raises(ConfigError, match=r'must be "dotted.path=value"'):
        load_config(overrides=[override])


def test_times_and_dates_need_no_quotes(write):
    config = load_config(
        write("governance: {time_cutoff: 15:30}\nsession: {exclude_dates: [2024-03-20, '2024-01-31', 2024-03-20]}")
    )
    assert config.governance.time_cutoff == "15:30"
    assert [str(day) for day in config.session.exclude_dates] == ["2024-01-31", "2024-03-20"]
    assert load_config(overrides=["governance.time_cutoff=15:30"]).governance.time_cutoff == "15:30"


def test_dates_and_times_of_another_yaml_reader_are_understood_or_explained():
    read = yaml.safe_load("session: {exclude_dates: [2024-01-31]}")
    assert str(config_from_mapping(read).session.exclude_dates[0]) == "2024-01-31"
    with pytest.raises(ConfigError, match=r"time_cutoff = 900: must be .* in quotes; .* reads 15:00 as the number 900"):
        config_from_mapping(yaml.safe_load("governance: {time_cutoff: 15:00}"))


def test_a_small_number_in_scientific_notation_is_a_number():
    assert load_config(overrides=["instruments.X.tick_size=1e-5"]).instrument("X").tick_size == 1e-5


def test_a_calendar_alias_is_its_calendar():
    assert load_config(overrides=["session.calendar=NYSE"]) == load_config()


@pytest.mark.parametrize("calendar", ["24/7", "24/5", "CMES", "us_futures", "XTKS", "XLON"])
def test_calendars_round_the_clock_and_abroad_are_known(calendar):
    assert load_config(overrides=[f"session.calendar={calendar}"]).session.calendar == calendar


def test_weekdays_and_dates_are_a_set():
    one = load_config(overrides=["session.weekdays=[fri, mon, mon]", "session.exclude_dates=[2024-02-01, 2024-01-01]"])
    other = load_config(overrides=["session.weekdays=[mon, fri]", "session.exclude_dates=[2024-01-01, 2024-02-01]"])
    assert one == other


def test_a_config_cannot_be_changed():
    with pytest.raises(ValidationError):
        load_config().orb.base_minutes = 5


def test_groups_of_settings_can_be_keys_of_a_cache():
    assert hash(load_config().session) == hash(load_config().session)


@pytest.mark.parametrize("interval", ["1m", "2m", "5m", "15m", "30m"])
def test_bar_minutes_is_the_number_of_the_interval(interval):
    config = load_config(overrides=[f"data.interval={interval}", "orb.adaptive=false", "orb.base_minutes=30"])
    assert config.data.bar_minutes == int(interval[:-1])


def test_paths_may_be_text(write):
    path = write("orb: {base_minutes: 20}")
    assert load_config(str(path)) == load_config(Path(path))
