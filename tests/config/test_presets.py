import pytest

from orb_core.config import config_from_mapping, differences, load_config, preset_names, preset_settings
from orb_core.config.merge import leaves
from orb_core.config.presets import PRESETS_PATH, own_presets_path, published_names
from orb_core.errors import ConfigError


def test_there_are_presets_and_their_names_are_those_of_the_files():
    assert preset_names() == sorted(path.stem for path in PRESETS_PATH.iterdir())
    assert len(preset_names()) >= 4


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_loads_and_holds_differences_only(name):
    changed = {".".join(path) for path, _ in leaves(preset_settings(name))}
    assert changed == set(differences(load_config(preset=name)))


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_names_its_source_and_what_was_published(name):
    text = (PRESETS_PATH / f"{name}.yaml").read_text(encoding="utf-8")
    assert "# Source: " in text
    assert "# Published" in text


def test_a_file_wins_over_the_preset_and_an_override_over_both(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("trade: {primary_r: 4.0}\norb: {base_minutes: 10}")
    config = load_config(path, preset="zarattini_2023_qqq", overrides=["orb.base_minutes=15"])
    assert (config.trade.primary_r, config.orb.base_minutes, config.entry.mode) == (4.0, 15, "or_end")


def test_a_misspelt_preset_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match=r"no preset 'first_hour_brekout'; did you mean first_hour_breakout\?"):
        load_config(preset="first_hour_brekout")


@pytest.mark.parametrize("name", ["../defaults", "", "/etc/passwd", "first_hour_breakout.yaml\0"])
def test_a_preset_is_a_name_and_no_path(name):
    with pytest.raises(ConfigError, match="there is no preset"):
        preset_settings(name)


def test_a_problem_of_a_preset_made_worse_by_a_file_is_told_of_the_file(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("orb: {adaptive: true}")
    with pytest.raises(ConfigError) as caught:
        load_config(path, preset="zarattini_2023_qqq")
    assert str(caught.value).startswith(f"{path}: orb.short_or_minutes = 10: must be <= orb.base_minutes (5)")


def test_a_preset_is_a_mapping_of_settings():
    assert config_from_mapping(preset_settings("defining_range_60")).data.bar_minutes == 5


def test_a_mapping_is_laid_over_a_preset_as_a_file_is(tmp_path):
    (tmp_path / "own.yaml").write_text("orb: {base_minutes: 10}\n")
    from_file = load_config(tmp_path / "own.yaml", preset="zarattini_2023_qqq")

    assert config_from_mapping({"orb": {"base_minutes": 10}}, preset="zarattini_2023_qqq") == from_file


def test_an_unknown_preset_under_a_mapping_is_named():
    with pytest.raises(ConfigError, match="no preset 'nowhere'"):
        config_from_mapping({}, preset="nowhere")


def own_file(name, text="orb: {base_minutes: 20}"):
    own_presets_path().mkdir(exist_ok=True)
    (own_presets_path() / f"{name}.yaml").write_text(text)


def test_a_file_in_the_folder_of_ones_own_is_a_preset_beside_the_published_ones():
    own_file("My gaps")
    assert preset_names() == [*published_names(), "My gaps"]
    assert load_config(preset="My gaps").orb.base_minutes == 20


def test_the_folder_of_ones_own_presets_lies_in_the_project_unless_the_environment_names_another(monkeypatch):
    monkeypatch.delenv("ORB_PRESETS_DIR")
    assert own_presets_path() == PRESETS_PATH.parent / "my_presets"


def test_a_preset_of_ones_own_never_stands_for_a_published_one():
    own_file("first_hour_breakout")
    own_file("First_Hour_Breakout")
    assert preset_names() == published_names()
    assert load_config(preset="first_hour_breakout").orb.base_minutes == 60


def test_a_preset_of_ones_own_that_is_no_settings_is_told_with_its_file():
    own_file("broken", "orb: [")
    with pytest.raises(ConfigError, match=r"broken\.yaml: not valid YAML: line 1"):
        load_config(preset="broken")
