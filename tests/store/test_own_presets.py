import errno
import os

import pytest

from orb_core import durable
from orb_core.config.load import load_config
from orb_core.config.presets import own_preset_names, own_presets_path
from orb_core.errors import ConfigError, StoreError
from orb_core.store.own_presets import delete_preset, save_preset

THIRTY = load_config(overrides=["orb.base_minutes=30"])
TWENTY = load_config(overrides=["orb.base_minutes=20"])


def test_settings_saved_under_a_name_are_the_same_when_loaded_by_it():
    save_preset("My gaps", THIRTY)
    assert load_config(preset="My gaps") == THIRTY
    save_preset("nothing changed", load_config())
    assert load_config(preset="nothing changed") == load_config()


def test_saving_under_a_name_that_is_there_replaces_it_whatever_its_capitals():
    save_preset("Gap", THIRTY)
    save_preset(" gap ", TWENTY)
    assert own_preset_names() == ["Gap"]
    assert load_config(preset="Gap") == TWENTY


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "..",
        "../defaults",
        "a/b",
        "a\\b",
        "/etc/passwd",
        ".hidden",
        "a\0",
        "a\nb",
        "ä",
        "<b>",
        "x" * 61,
        "Defaults",
        "first_hour_breakout",
        "FIRST_HOUR_BREAKOUT",
    ],
)
def test_a_name_that_cannot_be_one_is_refused_and_writes_nothing(name, tmp_path):
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match=r"cannot be the name of a preset|choose another name"):
        save_preset(name, THIRTY)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_deleted_preset_is_gone_and_deleting_it_twice_is_no_error():
    save_preset("Gap", THIRTY)
    delete_preset("Gap")
    delete_preset("Gap")
    assert own_preset_names() == []


@pytest.mark.parametrize("name", ["first_hour_breakout", "../x"])
def test_nothing_but_presets_of_ones_own_can_be_deleted(name):
    with pytest.raises(ConfigError):
        delete_preset(name)


def test_a_full_disk_leaves_the_preset_that_was_there(monkeypatch):
    save_preset("Gap", THIRTY)

    def full(path, content):
        path.write_bytes(content[:5])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(durable, "write", full)
    with pytest.raises(StoreError, match=r"'Gap' cannot be saved: No space left on device\. Free space in"):
        save_preset("Gap", TWENTY)
    assert load_config(preset="Gap") == THIRTY
    assert [path.name for path in own_presets_path().iterdir()] == ["Gap.yaml"]


def test_a_folder_that_cannot_be_made_is_told_with_what_to_do(monkeypatch, tmp_path):
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("ORB_PRESETS_DIR", str(tmp_path / "a file"))
    with pytest.raises(StoreError, match="or name another folder"):
        save_preset("Gap", THIRTY)
