"""`python -m orb_core.data`, at the time it is."""

import pytest
from loguru import logger

from orb_core.data.__main__ import main
from orb_core.data.day_archive import DayArchive
from tests.fakes.yahoo import TOO_MANY


@pytest.fixture(autouse=True)
def no_log_left_open():
    yield
    logger.remove()


@pytest.fixture
def archive(tmp_path, monkeypatch):
    monkeypatch.setenv("ORB_CACHE_DIR", str(tmp_path / "kept"))
    return DayArchive(tmp_path / "kept" / "archive")


@pytest.fixture
def week(live_yahoo, archive, over, capsys):
    """The last five sessions of SPY, archived."""
    assert main(["update", "SPY", "--start", str(over[-5]), "--end", str(over[-1])]) == 0
    capsys.readouterr()
    return over[-5:]


def damage(archive, day):
    archive._do("written", lambda cache: cache.set(f"yahoo/SPY/1m/{day}", b"damage"))


def test_update_fetches_all_there_is_of_the_symbols_named(live_yahoo, archive, over, capsys):
    live_yahoo.bars["BRK-B"] = live_yahoo.bars["SPY"]
    assert main(["update", "spy,brk.b", "--interval", "5m"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in shown] == ["SPY 5m", "BRK.B 5m"]
    assert {key.symbol for key in archive.entries()} == {"SPY", "BRK-B"}
    assert {key.session_date for key in archive.entries()} >= set(over)


def test_update_without_symbols_goes_on_with_what_is_archived(live_yahoo, archive, week, over, capsys):
    assert main(["update", "--start", str(over[-6]), "--end", str(over[-1])]) == 0
    assert capsys.readouterr().out == "SPY 1m: 1 session fetched\n"
    assert main(["update", "--start", str(over[-6]), "--end", str(over[-1])]) == 0
    assert capsys.readouterr().out == "SPY 1m: nothing new to fetch\n"
    assert main(["update", "--end", str(over[-1])]) == 0
    assert "SPY 1m: " in capsys.readouterr().out
    assert len(archive.entries()) > 15


def test_an_empty_archive_has_nothing_to_go_on_with(archive, capsys):
    assert main(["update"]) == 1
    assert "is empty; name symbols to begin with" in capsys.readouterr().err


def test_a_failure_is_told_and_the_other_symbols_are_fetched(live_yahoo, archive, over, capsys):
    assert main(["update", "NOPE", "SPY", "--start", str(over[-1]), "--end", str(over[-1])]) == 1
    shown = capsys.readouterr()
    assert "ERROR: NOPE 1m: Yahoo knows no symbol NOPE" in shown.err
    assert "SPY 1m: 1 session fetched" in shown.out


def test_a_rate_limit_ends_an_update(live_yahoo, archive, over, capsys):
    live_yahoo.scripts["SPY"] = [TOO_MANY] * 2
    live_yahoo.bars["QQQ"] = live_yahoo.bars["SPY"]
    assert main(["update", "SPY", "QQQ", "--start", str(over[-1]), "--end", str(over[-1])]) == 1
    assert capsys.readouterr().err.count("limits how often") == 1
    assert live_yahoo.charts("QQQ") == []


def test_list_shows_what_is_archived(archive, week, live_yahoo, capsys):
    assert main(["list"]) == 0
    bars = (live_yahoo.bars["SPY"]["timestamp_utc"].dt.date >= week[0]).sum()
    assert f"SPY 1m {week[0]} {week[-1]} 5 5 0 {bars:,}" in " ".join(capsys.readouterr().out.split())
    assert main(["list", "QQQ"]) == 0
    assert "Nothing" in capsys.readouterr().out


def test_verify_finds_nothing_where_nothing_is_wrong(archive, week, capsys):
    assert main(["verify"]) == 0
    assert capsys.readouterr().out == "Sound: 5 sessions; damaged: 0\n"


def test_verify_sets_damage_aside_and_update_fetches_it_again(archive, week, capsys):
    damage(archive, week[2])
    assert main(["verify"]) == 1
    shown = capsys.readouterr().out
    assert f"SPY 1m {week[2]}: damaged, and set aside in {archive.folder / 'damaged'}" in shown
    assert "Sound: 4 sessions; damaged: 1" in shown
    assert main(["update", "SPY", "--start", str(week[0]), "--end", str(week[-1])]) == 0
    assert capsys.readouterr().out == "SPY 1m: 1 session fetched\n"


def test_verify_finds_a_damaged_database(archive, capsys):
    archive.folder.mkdir(parents=True)
    (archive.folder / "cache.db").write_bytes(b"no database" * 400)
    assert main(["verify"]) == 1
    assert "is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "left"), [("y", 3), ("n", 5), ("", 5), (None, 5)])
def test_remove_asks_first(archive, week, monkeypatch, capsys, answer, left):
    def answered(question):
        assert question == "Remove 2 sessions of SPY 1m? Yahoo may no longer have them. [y/N] "
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr("builtins.input", answered)
    assert main(["remove", "SPY", "--start", str(week[3])]) == (left == 5)
    assert len(archive.entries()) == left


def test_remove_of_something_that_is_not_there_is_an_error(archive, week, capsys):
    assert main(["remove", "SPY", "--interval", "5m", "--yes"]) == 1
    assert "nothing like that is archived" in capsys.readouterr().err
    assert main(["remove", "SPY", "--yes"]) == 0
    assert archive.entries() == []


@pytest.mark.parametrize(
    "arguments", [[], ["remove"], ["update", "--start", "soon"], ["update", "--interval", "7m"], ["grow"]]
)
def test_wrong_usage_is_exit_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2


def test_a_symbol_that_cannot_be_one_is_an_error(archive, capsys):
    assert main(["update", "../x"]) == 1
    assert "cannot be a symbol" in capsys.readouterr().err
