import json
import pickle
import sqlite3
from datetime import timedelta

import pytest

from orb_core.data.source import is_final, notes_of
from orb_core.data.yahoo_client import Patience
from orb_core.errors import (
    BrokenAnswerError,
    ClockError,
    ConfigError,
    NetworkError,
    NoBarsError,
    RateLimitError,
    UnknownSymbolError,
)
from tests.fakes.yahoo import BAD_GATEWAY, BE_RIGHT_BACK, TOO_MANY, Answer, error

from .conftest import FRIDAY_DATE, WEEK

# yfinance repeats a refused request at once, with another kind of cookie.
REFUSED_TWICE = 2


def without(key):
    """The usual answer, its `meta` lacking a key."""

    def change(usual):
        content = json.loads(usual.body)
        del content["chart"]["result"][0]["meta"][key]
        return usual._replace(body=json.dumps(content))

    return change


def test_an_unknown_symbol_is_told_from_all_else_at_the_first_answer(source, yahoo, clock):
    with pytest.raises(UnknownSymbolError, match=r"no symbol NOPE .*Check the spelling.*futures in =F"):
        source.fetch("NOPE", *WEEK)
    assert len(yahoo.charts()) == REFUSED_TWICE
    assert len(yahoo.requests) < 10
    assert clock.slept == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (BAD_GATEWAY, "HTTP 502"),
        (BE_RIGHT_BACK, "HTTP 200.*CURRENTLY DOWN"),
        (Answer(200, ""), "HTTP 200"),
        (Answer(200, '{"chart": {"result": null, "error": null}}'), "HTTP 200"),
        (Answer(200, '{"chart": {"result": [{"meta": {}, "timestamp": [1], "indicators": {"quote": [{}]}}]}}'), "200"),
        (Answer(404, "<html>404</html>"), "HTTP 404"),
        (Answer(403, "Forbidden"), "HTTP 403"),
        (Answer(401, '{"finance": {"result": null, "error": {"code": "Unauthorized"}}}'), "HTTP 401"),
        (error(500, "Internal Server Error", "Something went wrong"), "HTTP 500; Something went wrong"),
        (error(422, "Unprocessable Entity", "Invalid input - interval=1m is not supported."), "not supported"),
        (without("tradingPeriods"), "tradingPeriods"),
        (without("instrumentType"), "instrumentType"),
        (lambda usual: usual._replace(body=usual.body[:-200]), "HTTP 200"),
    ],
)
def test_an_answer_that_is_no_bars_is_asked_for_again_with_growing_pauses_then_given_up(
    source, yahoo, clock, answer, told
):
    yahoo.scripts["SPY"] = [answer] * 20
    with pytest.raises(BrokenAnswerError, match=rf"(?s){told}.*given up after 3 attempts") as raised:
        source.fetch("SPY", *WEEK)
    assert "delisted" not in str(raised.value)
    assert clock.slept == [0.5, 1.5]
    assert source.archive.entries() == []


@pytest.mark.parametrize("answer", [BAD_GATEWAY, BE_RIGHT_BACK, Answer(200, "{}", missing_bytes=2)])
def test_a_passing_failure_leaves_no_trace(source, yahoo, answer):
    yahoo.scripts["SPY"] = [answer] * (REFUSED_TWICE if answer is BAD_GATEWAY else 1)
    assert len(source.fetch("SPY", *WEEK)) == 5 * 390


def test_a_failure_is_not_remembered_by_the_process(source, yahoo):
    yahoo.scripts["SPY"] = [BAD_GATEWAY] * 6
    with pytest.raises(BrokenAnswerError):
        source.fetch("SPY", *WEEK)
    assert len(source.fetch("SPY", *WEEK)) == 5 * 390


@pytest.mark.parametrize(
    "nothing",
    [
        lambda usual: usual,
        error(400, "Bad Request", "Data doesn't exist for startDate = 1774013400, endDate = 1774036800"),
    ],
)
def test_a_symbol_without_bars_in_the_range_is_neither_unknown_nor_delisted(source, yahoo, nothing):
    yahoo.bars["SPY"] = yahoo.bars["SPY"][:390]
    yahoo.scripts["SPY"] = [nothing] * REFUSED_TWICE
    with pytest.raises(NoBarsError, match="no 1m bars of SPY for 2026-03-20: Yahoo has none") as raised:
        source.fetch("SPY", FRIDAY_DATE, FRIDAY_DATE, "1m")
    assert "delisted" not in str(raised.value)


def test_a_dead_network_never_reads_as_delisted(source, yahoo, monkeypatch):
    monkeypatch.setenv("ORB_YAHOO_URL", "http://127.0.0.1:9")
    with pytest.raises(NetworkError, match=r"127.0.0.1:9 could not be reached.*Check the network") as raised:
        source.fetch("SPY", *WEEK)
    assert "delisted" not in str(raised.value)
    assert "curl.se" not in str(raised.value)


def test_without_a_mirror_the_real_hosts_are_asked(source, monkeypatch):
    monkeypatch.delenv("ORB_YAHOO_URL")  # the tests' proxy lets nothing through
    with pytest.raises(NetworkError, match=r"Yahoo could not be reached.*127.0.0.1"):
        source.fetch("SPY", *WEEK)


def test_a_silent_server_is_given_up_in_time(make_source, yahoo):
    yahoo.scripts["SPY"] = [Answer(delay_s=30)] * 9
    source = make_source(patience=Patience(attempts=3, seconds=0.6, pauses_s=(0.05,), spacing_s=0))
    with pytest.raises(
        NetworkError, match=r"could not be reached.*(timed out|in time).*given up after \d attempts? in [01] s"
    ):
        source.fetch("SPY", *WEEK)


def test_a_symbol_is_given_up_after_three_attempts_or_fifteen_seconds():
    assert (Patience().attempts, Patience().seconds) == (3, 15)


def test_a_connection_that_breaks_off_is_the_networks_fault(source, yahoo):
    yahoo.scripts["SPY"] = [lambda usual: usual._replace(missing_bytes=5_000)] * 3
    with pytest.raises(NetworkError, match="bytes"):
        source.fetch("SPY", *WEEK)


def test_a_rate_limit_stops_at_once_and_is_remembered_by_every_process(make_source, yahoo, clock):
    yahoo.scripts["SPY"] = [TOO_MANY] * REFUSED_TWICE
    with pytest.raises(RateLimitError, match=r"not asked again before 21:05 UTC \(5 min\)"):
        make_source().fetch("SPY", *WEEK)
    asked = len(yahoo.requests)
    clock.time += timedelta(minutes=4)
    with pytest.raises(RateLimitError, match=r"before 21:05 UTC \(1 min\)"):
        make_source().fetch("SPY", *WEEK)
    assert len(yahoo.requests) == asked
    assert clock.slept == []
    clock.time += timedelta(minutes=2)
    assert len(make_source().fetch("SPY", *WEEK)) == 5 * 390


def test_the_pause_grows_with_every_further_rate_limit_until_an_answer_comes(make_source, yahoo, clock):
    pauses = []
    for _ in range(7):
        yahoo.scripts["SPY"] = [TOO_MANY] * REFUSED_TWICE
        with pytest.raises(RateLimitError) as raised:
            make_source().fetch("SPY", *WEEK)
        pauses.append(int(str(raised.value).split("(")[1].split(" min")[0]))
        clock.time += timedelta(minutes=pauses[-1])
    assert pauses == [5, 10, 20, 40, 80, 120, 120]


def test_a_rate_limit_says_itself_how_long_it_lasts(make_source, yahoo, clock):
    yahoo.scripts["SPY"] = [TOO_MANY._replace(headers={"Retry-After": "90"})] * REFUSED_TWICE
    with pytest.raises(RateLimitError, match="before 21:01 UTC"):
        make_source().fetch("SPY", *WEEK)
    clock.time += timedelta(seconds=91)
    assert len(make_source().fetch("SPY", *WEEK)) == 5 * 390


@pytest.mark.parametrize("content", ["", "null", "[]", '{"until": 5}', '{"url": "", "until": "x", "s": 1}', "\x00"])
def test_a_damaged_note_of_a_rate_limit_is_no_limit(make_source, yahoo, tmp_path, content):
    note = tmp_path / "cache" / "yfinance" / "rate_limit.json"
    note.parent.mkdir(parents=True)
    note.write_text(content)
    assert len(make_source().fetch("SPY", *WEEK)) == 5 * 390


def test_what_is_archived_serves_during_a_rate_limit_and_the_rest_is_named(make_source, yahoo):
    make_source().fetch("SPY", *WEEK)
    yahoo.scripts["SPY"] = [TOO_MANY] * REFUSED_TWICE
    source = make_source()
    bars = source.fetch("SPY", FRIDAY_DATE - timedelta(days=7), FRIDAY_DATE, "1m")
    assert len(bars) == 5 * 390
    (note,) = notes_of(bars)
    assert note.startswith("no bars of 2026-03-13: Yahoo limits how often it may be asked")
    assert not is_final(bars)


def test_sessions_that_could_not_be_asked_for_again_are_served_as_they_were_and_it_is_said(make_source, yahoo, clock):
    clock.time -= timedelta(hours=3)
    make_source().fetch("SPY", FRIDAY_DATE, FRIDAY_DATE, "1m")
    clock.time += timedelta(hours=3)
    yahoo.scripts["SPY"] = [TOO_MANY] * REFUSED_TWICE
    bars = make_source().fetch("SPY", FRIDAY_DATE, FRIDAY_DATE, "1m")
    assert len(bars) == 270
    (note,) = notes_of(bars)
    assert note.startswith("Yahoo was not asked for all that may be new: Yahoo limits")
    assert not is_final(bars)


def test_a_rate_limit_of_the_crumb_alone_does_not_matter(source, yahoo, monkeypatch):
    monkeypatch.setattr(type(yahoo), "_answer", limited_crumb(type(yahoo)._answer))
    assert len(source.fetch("SPY", *WEEK)) == 5 * 390


def limited_crumb(usual):
    return lambda fake, path, query: TOO_MANY if path == "/v1/test/getcrumb" else usual(fake, path, query)


def test_redirects_stay_with_the_mirror(source, yahoo):
    elsewhere = "https://query1.finance.yahoo.com/v8/finance/chart/SPY?moved=1"
    yahoo.scripts["SPY"] = [Answer(302, headers={"Location": elsewhere}), Answer(404, "seen")] * 6
    with pytest.raises(BrokenAnswerError, match="HTTP 404"):
        source.fetch("SPY", FRIDAY_DATE, FRIDAY_DATE, "1m")
    first, second = yahoo.charts()[:2]
    assert (first.host, second.host) == ("query2.finance.yahoo.com", "query1.finance.yahoo.com")
    assert second.query == {"moved": "1"}


@pytest.mark.parametrize("url", ["127.0.0.1:80", "ftp://127.0.0.1", "nonsense", "http://"])
def test_a_mirror_that_is_no_web_address_is_refused(source, monkeypatch, url):
    monkeypatch.setenv("ORB_YAHOO_URL", url)
    with pytest.raises(ConfigError, match=r"ORB_YAHOO_URL is .* must be a web address"):
        source.fetch("SPY", *WEEK)


@pytest.mark.parametrize("off", [timedelta(days=-40), timedelta(days=40)])
def test_a_wrong_clock_is_blamed_once_nothing_can_be_had(source, yahoo, clock, off):
    right = clock.time
    yahoo.now = lambda: right
    clock.time += off
    day = clock.time.date()
    with pytest.raises(ClockError, match=r"this computer's clock says .* where Yahoo's says 2026-03-20 21:00"):
        source.fetch("SPY", day - timedelta(days=7), day, "1m")
    assert source.archive.entries() == []


def test_a_clock_that_is_ahead_takes_no_running_session_for_finished(source, yahoo, clock):
    right = clock.time - timedelta(hours=3)
    yahoo.now = lambda: right
    assert len(source.fetch("SPY", FRIDAY_DATE, FRIDAY_DATE, "1m")) == 270
    yahoo.now = clock
    clock.time += timedelta(hours=1)
    assert len(source.fetch("SPY", FRIDAY_DATE, FRIDAY_DATE, "1m")) == 390


class Planted:
    def __reduce__(self):
        return (exec, ("raise SystemExit('a planted pickle was loaded')",))


def test_a_pickle_planted_as_yfinances_cookie_is_not_loaded(source, yahoo, tmp_path):
    folder = tmp_path / "cache" / "yfinance"
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "cookies.db") as database:
        database.execute("CREATE TABLE _cookieschema (strategy, fetch_date, cookie_bytes)")
        values = ("curlCffi", "2026-03-20T12:00:00", pickle.dumps(Planted()))
        database.execute("INSERT INTO _cookieschema VALUES (?, ?, ?)", values)
    assert len(source.fetch("SPY", *WEEK)) == 5 * 390


def test_nothing_is_written_outside_the_cache_folder(source, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    source.fetch("SPY", *WEEK)
    assert not (tmp_path / "home").exists()
