import io
import json
import zipfile

import pytest

from orb_core.errors import RunExistsError, StoreError
from orb_core.store import run_zip
from orb_core.store.run_zip import pack, unpack
from orb_core.store.runs import RunStore
from tests.store.made_runs import new_run


@pytest.fixture
def other(tmp_path):
    return RunStore(tmp_path / "elsewhere")


@pytest.fixture
def packed(store):
    run_id = store.save(new_run("SPY", "ES=F"))
    store.annotate(run_id, title="to be sent", tags=["x"])
    return pack(store.load(run_id))


def changed(content, **files):
    """The zip with files added or replaced, or left out where they are None; `__` stands for a slash."""
    files = {name.replace("__", "/"): value for name, value in files.items()}
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            if name not in files:
                new.writestr(name, old.read(name))
        for name, value in files.items():
            if value is not None:
                new.writestr(name, value)
    return result.getvalue()


def nothing_left(store):
    return not store.path.exists() or not [path for path in store.path.iterdir() if path.name != ".bars"]


def test_a_packed_run_is_the_same_in_another_store(store, other, packed):
    run_id = unpack(other, packed, "run.zip")
    here, there = store.load(run_id), other.load(run_id)
    assert there.manifest == here.manifest
    assert there.notes == here.notes
    for path in here.folder.iterdir():
        assert (there.folder / path.name).read_bytes() == path.read_bytes(), path.name
    assert len(list(there.folder.iterdir())) == len(list(here.folder.iterdir()))
    for symbol in here.symbols:
        assert there.bars(symbol).equals(here.bars(symbol))


def test_a_run_that_is_there_is_not_imported_over_it(store, packed):
    with pytest.raises(RunExistsError, match=r"run\.zip was not imported"):
        unpack(store, packed, "run.zip")


@pytest.mark.parametrize(
    "name", ["../evil.json", "/etc/passwd", "..\\evil", "bars/../../x.parquet", "notes.py", "a/b/"]
)
def test_a_name_that_leads_elsewhere_is_refused_and_nothing_is_written(other, packed, name, tmp_path):
    before = set(tmp_path.rglob("*"))
    with pytest.raises(StoreError, match="no file of a run"):
        unpack(other, changed(packed, **{name: b"x"}), "run.zip")
    assert nothing_left(other)
    assert {path for path in set(tmp_path.rglob("*")) - before if path.is_file()} == set()


@pytest.mark.parametrize("run_id", ["../../x", "", "a/b", ".bars", "x" * 65, None, 3.5])
def test_a_run_id_that_is_none_is_refused(other, packed, run_id):
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        manifest = json.loads(archive.read("run.json"))
    evil = changed(packed, **{"run.json": json.dumps({**manifest, "run_id": run_id})})
    if run_id is None:
        evil = changed(packed, **{"run.json": "[]"})
    with pytest.raises(StoreError, match=r"run\.zip was not imported"):
        unpack(other, evil, "run.zip")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("run.json", None, "no run.json"),
        ("run.json", b"{", "no run.json"),
        ("config.json", None, "has no config.json"),
        ("config.json", b"{}", "holds no configuration"),
        ("SPY_trades.parquet", None, "has no SPY_trades.parquet"),
        ("SPY_trades.parquet", b"PAR1", "SPY_trades.parquet"),
        ("SPY_metrics.json", b"nonsense", "SPY_metrics.json"),
        ("notes.json", b'{"tags": 3}', "notes"),
    ],
)
def test_a_part_that_is_missing_or_damaged_is_named(other, packed, file, content, said):
    with pytest.raises(StoreError, match=said):
        unpack(other, changed(packed, **{file: content}), "run.zip")
    assert nothing_left(other)


def test_compressed_content_that_is_damaged_is_said(other, packed):
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        entry = archive.getinfo("run.json")
    begin = entry.header_offset + 30 + len("run.json")
    with pytest.raises(StoreError, match="not a zip file that can be read"):
        unpack(other, packed[:begin] + b"\xff" * 20 + packed[begin + 20 :], "run.zip")


def test_a_newer_schema_is_refused_with_what_to_do(other, packed):
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        manifest = json.loads(archive.read("run.json"))
    newer = json.dumps({**manifest, "schema_version": 99})
    with pytest.raises(StoreError, match="open the run with the version that saved it"):
        unpack(other, changed(packed, **{"run.json": newer}), "run.zip")


def test_bars_other_than_those_of_the_run_are_refused(other, packed):
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        one, two = [name for name in archive.namelist() if name.startswith("bars/")][:2]
        swapped = changed(packed, **{one: archive.read(two)})
    with pytest.raises(StoreError, match="not those the run used"):
        unpack(other, swapped, "run.zip")


def test_what_unpacks_to_too_much_is_not_unpacked(other, packed, monkeypatch):
    monkeypatch.setattr(run_zip, "MAX_BYTES", 10_000)
    with pytest.raises(StoreError, match="at most"):
        unpack(other, packed, "run.zip")
    assert not other.path.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip at all"])
def test_what_is_no_zip_is_said_to_be_none(other, content):
    with pytest.raises(StoreError, match="not a zip file"):
        unpack(other, content, "run.zip")


def test_a_report_of_somebody_else_is_left_out(other, packed):
    run_id = unpack(other, changed(packed, **{"SPY_report.html": b"<script>"}), "run.zip")
    assert not (other.path / run_id / "SPY_report.html").exists()
