import pytest

from orb_core.config import all_settings, config_from_mapping, load_config
from orb_core.config.hours import regular_hours
from orb_core.config.merge import merge, nested, split_path
from orb_core.config.models import UncheckedConfig
from orb_core.config.rules import contradictions
from orb_core.config.strict_yaml import parse_yaml
from orb_core.errors import ConfigError

# A rule each: settings that break it, the setting it is told at, its sentence, and the change that makes it silent.
RULES = [
    (
        ["orb.short_or_minutes=20"],
        "orb.short_or_minutes = 20: must be <= orb.base_minutes (15), or orb.adaptive be false",
        ["orb.adaptive=false"],
    ),
    (
        ["orb.base_minutes=45"],
        "orb.long_or_minutes = 30: must be >= orb.base_minutes (45), or orb.adaptive be false",
        ["orb.adaptive=false"],
    ),
    (
        ["orb.short_or_minutes=15", "orb.long_or_minutes=15"],
        "orb.short_or_minutes = 15: must be < orb.long_or_minutes (15), or orb.adaptive be false",
        ["orb.adaptive=false"],
    ),
    (
        ["orb.low_norm_vol=0.3"],
        "orb.low_norm_vol = 0.3: must be < orb.high_norm_vol (0.3)",
        ["orb.adaptive=false"],
    ),
    (
        ["orb.min_atr_mult=1.5"],
        "orb.min_atr_mult = 1.5: must be < orb.max_atr_mult (1.0)",
        ["orb.enable_validity_filter=false"],
    ),
    (
        ["factors.profile_proxy.val_pct=0.75"],
        "factors.profile_proxy.val_pct = 0.75: must be < factors.profile_proxy.vah_pct (0.75)",
        ["factors.profile_proxy.enabled=false"],
    ),
    (
        ["factors.price_action.enable_engulfing=false", "factors.price_action.enable_structure=false"],
        "factors.price_action.enabled = true: must be false while factors.price_action.enable_engulfing and factors.",
        ["factors.price_action.enabled=false"],
    ),
    (
        ["scoring.base_required=4.5"],
        "scoring.base_required = 4.5: must be <= 4, the sum of the weights of all enabled factors",
        ["scoring.enabled=false"],
    ),
    (
        ["factors.adx.enabled=true", "scoring.weak_trend_required=5.5"],
        "scoring.weak_trend_required = 5.5: must be <= 5, the sum of the weights of all enabled factors",
        ["factors.adx.enabled=false"],
    ),
    (
        ["factors.adx.enabled=true", "scoring.base_required=3.5"],
        "scoring.base_required = 3.5: must be <= scoring.weak_trend_required (3) while adx is enabled",
        ["factors.adx.enabled=false"],
    ),
    (
        ["trade.t1_pct=0.8"],
        "trade.t2_pct = 0.25: must be <= 1 - trade.t1_pct (0.2); the parts are fractions of one position",
        ["trade.partials=false"],
    ),
    (
        ["trade.t1_r=1.5"],
        "trade.t2_r = 1.5: must be > trade.t1_r (1.5)",
        ["trade.partials=false"],
    ),
    (
        ["trade.runner_r=1.5"],
        "trade.runner_r = 1.5: must be > trade.t2_r (1.5)",
        ["trade.runner_r=null"],
    ),
    (
        ["trade.t1_r=1.75", "trade.runner_r=1.5", "trade.t2_pct=0"],
        "trade.runner_r = 1.5: must be > trade.t1_r (1.75)",
        ["trade.t1_pct=0"],
    ),
    (
        ["data.interval=15m", "orb.base_minutes=20"],
        "orb.base_minutes = 20: must be a multiple of the bars' length, data.interval = 15m: set it to 15",
        ["data.interval=5m"],
    ),
    (
        ["data.interval=15m"],
        "orb.short_or_minutes = 10: must be a multiple of the bars' length, data.interval = 15m: set it to 15",
        ["orb.adaptive=false"],
    ),
    (
        ["orb.adaptive=false", "orb.base_minutes=390"],
        "orb.base_minutes = 390: must be shorter than the session of 390 minutes (XNYS, 09:30–16:00 America/New_York)",
        ["orb.base_minutes=389"],
    ),
    (
        ["orb.long_or_minutes=400"],
        "orb.long_or_minutes = 400: must be shorter than the session of 390 minutes",
        ["session.close='17:00'"],
    ),
    (
        ["governance.time_cutoff='16:01'"],
        'governance.time_cutoff = "16:01": must lie inside the session (XNYS, 09:30–16:00 America/New_York)',
        ["governance.time_cutoff=null"],
    ),
    (
        ["session.open='15:30'", "session.close='15:00'"],
        'session.close = "15:00": must leave a session of up to 24 hours; now it would be XNYS, 15:30–15:00',
        ["session.close='15:45'", "governance.time_cutoff='15:40'", "orb.adaptive=false", "orb.base_minutes=5"],
    ),
]


@pytest.mark.parametrize(("overrides", "sentence", "_remedy"), RULES)
def test_settings_that_contradict_each_other_are_refused_with_a_sentence_of_their_own(overrides, sentence, _remedy):
    with pytest.raises(ConfigError) as caught:
        load_config(overrides=overrides)
    assert f"--set: {sentence}" in str(caught.value)


@pytest.mark.parametrize(("overrides", "_sentence", "remedy"), RULES)
def test_a_rule_is_silent_once_its_part_is_off_or_mended(overrides, _sentence, remedy):
    load_config(overrides=[*overrides, *remedy])


@pytest.mark.parametrize(("overrides", "_sentence", "_remedy"), RULES)
def test_a_rule_names_real_settings_it_depends_on(overrides, _sentence, _remedy):
    settings = load_config().model_dump(mode="json")
    for override in overrides:
        path, _, value = override.partition("=")
        settings = merge(settings, nested(split_path(path), parse_yaml(value, path)))
    found = list(contradictions(UncheckedConfig.model_validate(settings)))
    assert found
    groups = {"factors", "scoring.weights"}
    assert {contradiction.path for contradiction in found} <= set(all_settings())
    assert {path for contradiction in found for path in contradiction.others} <= {*all_settings(), *groups}


def test_fractions_that_make_one_but_for_rounding_are_fine():
    load_config(overrides=["trade.t1_pct=0.7", "trade.t2_pct=0.30000000000000004"])


def test_a_score_that_weights_just_reach_but_for_rounding_is_fine():
    weights = {"rel_volume": 0.1, "price_action": 0.1, "profile_proxy": 0.1, "vwap": 0.0}
    config_from_mapping({"scoring": {"base_required": 0.3, "weights": weights}})


def test_equal_lengths_are_fine_where_the_rules_allow_them():
    load_config(overrides=["orb.short_or_minutes=15"])
    load_config(overrides=["orb.long_or_minutes=15"])


def test_a_length_that_is_no_multiple_is_answered_with_settings_that_work():
    with pytest.raises(ConfigError, match=r"set it to 15, or data\.interval to 5m"):
        load_config(overrides=["data.interval=15m"])
    load_config(overrides=["data.interval=15m", "orb.short_or_minutes=15", "orb.base_minutes=15"])
    load_config(overrides=["data.interval=5m"])


@pytest.mark.parametrize(
    ("overrides", "cutoff", "inside"),
    [
        ([], "09:30", False),
        ([], "09:31", True),
        ([], "16:00", True),
        (["session.close='12:00'"], "15:00", False),
        (["session.open='08:00'"], "09:00", True),
        (["session.calendar=CMES"], "03:00", True),
        (["session.calendar=CMES"], "17:00", True),
        (["session.calendar=CMES", "session.open='08:30'", "session.close='15:00'"], "16:00", False),
        (["session.calendar=CMES", "session.open='08:30'", "session.close='15:00'"], "14:00", True),
        (["session.calendar=24/7"], "00:00", True),
        (["session.calendar=24/7", "session.open='13:30'", "session.close='20:00'"], "12:00", False),
        (
            [
                "session.calendar=24/7",
                "session.timezone=America/New_York",
                "session.open='09:30'",
                "session.close='16:00'",
            ],
            "15:00",
            True,
        ),
        (["session.timezone=Europe/Berlin"], "21:00", True),
        (["session.timezone=Europe/Berlin"], "15:00", False),
        (["session.calendar=XTKS"], "15:20", True),
        (["session.calendar=XLON"], "16:29", True),
    ],
)
def test_the_cutoff_lies_inside_the_session_as_the_settings_shape_it(overrides, cutoff, inside):
    overrides = [*overrides, f"governance.time_cutoff='{cutoff}'"]
    if inside:
        load_config(overrides=overrides)
    else:
        with pytest.raises(ConfigError, match="must lie inside the session"):
            load_config(overrides=overrides)


def test_an_open_that_leaves_no_room_for_the_range_is_refused():
    with pytest.raises(ConfigError, match="must be shorter than the session of 20 minutes"):
        load_config(overrides=["session.open='15:40'", "governance.time_cutoff=null"])


def test_a_calendar_that_the_library_cannot_build_is_refused_by_name(monkeypatch):
    import exchange_calendars

    def fail(*_, **__):
        raise NotImplementedError("implemented by subclasses")

    monkeypatch.setattr(exchange_calendars, "get_calendar", fail)
    regular_hours.cache_clear()
    try:
        with pytest.raises(ConfigError, match=r'session\.calendar = "ASEX": cannot be built by the installed'):
            load_config(overrides=["session.calendar=ASEX"])
    finally:
        regular_hours.cache_clear()
