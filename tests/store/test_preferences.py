import errno
import os

import pytest

from orb_core import durable
from orb_core.config.presets import own_presets_path, preset_names, published_names
from orb_core.errors import StoreError
from orb_core.store.preferences import Preferences, load_preferences, save_preferences


def test_preferences_are_what_was_saved_last():
    assert load_preferences() == Preferences(green_red=False)
    save_preferences(Preferences(green_red=True))
    assert load_preferences() == Preferences(green_red=True)
    assert preset_names() == published_names()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"green_red": "perhaps"}', b"\xff"])
def test_a_file_that_cannot_be_read_is_as_none(content):
    save_preferences(Preferences(green_red=True))
    (own_presets_path() / "app.json").write_bytes(content)
    assert load_preferences() == Preferences()


def test_what_a_newer_version_keeps_beside_them_is_no_error():
    save_preferences(Preferences())
    (own_presets_path() / "app.json").write_text('{"green_red": true, "sound": "bell"}')
    assert load_preferences() == Preferences(green_red=True)


def test_a_full_disk_leaves_what_was_saved_before(monkeypatch):
    save_preferences(Preferences(green_red=True))

    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(durable, "write", full)
    with pytest.raises(StoreError, match=r"cannot be saved: No space left on device\. Free space in"):
        save_preferences(Preferences())
    assert load_preferences() == Preferences(green_red=True)
