import pytest

from orb_core.config.load import load_config
from orb_core.config.presets import preset_names
from pages.parts.markup import plain
from pages.parts.settings import all_settings, by_path, check, flatten, nest

CONFIG = load_config()
INSTRUMENTS = CONFIG.model_dump(mode="json")["instruments"]


def checked(**changes):
    values = {**flatten(CONFIG), **{path.replace("__", "."): value for path, value in changes.items()}}
    return check(nest(values, INSTRUMENTS))


def test_every_leaf_of_the_configuration_but_instruments_is_a_setting():
    def leaves(tree, prefix=""):
        for name, value in tree.items():
            if isinstance(value, dict):
                yield from leaves(value, f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}"

    tree = CONFIG.model_dump(mode="json", exclude={"instruments"})
    assert {s.path for s in all_settings()} == set(leaves(tree))


@pytest.mark.parametrize("preset", [None, *preset_names()])
def test_a_configuration_comes_back_from_the_form_as_it_went_in(preset):
    config = load_config(preset=preset)
    instruments = config.model_dump(mode="json")["instruments"]
    assert check(nest(flatten(config), instruments)) == (config, {})


def test_settings_carry_their_words_unit_and_choices():
    minutes, stop = by_path()["orb.base_minutes"], by_path()["trade.stop_mode"]
    assert (minutes.title, minutes.unit, minutes.kind, minutes.basic) == ("Opening range", "minutes", "whole", True)
    assert stop.say("or_opposite") == "Other side of the range"
    assert by_path()["costs.commission_per_unit"].say(0.005) == "0.005 $"
    assert by_path()["trade.runner_r"].say(None) == "none"


def test_a_setting_counts_only_where_it_makes_a_difference():
    values = flatten(CONFIG)
    target = by_path()["trade.primary_r"]
    assert not target.counts(values)
    assert target.counts({**values, "trade.partials": False})


def test_a_setting_is_found_by_label_key_or_help():
    found = {s.path for s in all_settings() if s.matches("midpoint") or s.matches("middle of the range")}
    assert found == {"trade.stop_mode"}
    assert by_path()["orb.adaptive"].matches("ORB.ADAPTIVE")


def test_a_contradiction_is_told_at_its_field_in_the_forms_words():
    config, problems = checked(orb__base_minutes=45)
    assert config is None
    assert problems == {"orb.long_or_minutes": "Must be at least “Opening range” (45), or “Adapt to volatility” be off"}


def test_several_problems_are_told_at_once():
    _, problems = checked(orb__base_minutes=0, trade__t1_pct=0.9, governance__time_cutoff="25:00")
    assert problems["orb.base_minutes"] == "Must be at least 1"
    assert "between" in problems["governance.time_cutoff"]
    assert "trade.t2_pct" in problems


def test_a_whole_number_that_is_missing_is_a_problem_of_its_field():
    _, problems = checked(orb__base_minutes=None)
    assert set(problems) == {"orb.base_minutes"}


@pytest.mark.parametrize(
    "text",
    ["**bold**", "<script>alert(1)</script>", ":red[x]", "[a](http://b)", "`code`", "$x$", "# a", ":material/home:"],
)
def test_text_from_people_cannot_become_markup(text):
    escaped = plain(text)
    assert escaped.replace("\\", "") == text
    for at, character in enumerate(escaped):
        if character in "*<>[]()`$#:":
            assert escaped[at - 1] == "\\"
