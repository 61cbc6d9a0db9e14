"""One question to Yahoo at a time, asked by the real yfinance; every way it can fail told from the others."""

from __future__ import annotations

import json
import logging
import os
import re
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import pandas as pd
from loguru import logger

from orb_core import durable
from orb_core.errors import (
    BeyondReachError,
    BrokenAnswerError,
    ClockError,
    ConfigError,
    NetworkError,
    RateLimitError,
    UnknownSymbolError,
)

if TYPE_CHECKING:
    from orb_core.data.yahoo_session import YahooSession

MIRROR_VARIABLE: Final = "ORB_YAHOO_URL"
# yfinance is one session, one cookie and one set of switches per process.
_ONE_AT_A_TIME: Final = threading.Lock()
_FIRST_PAUSE: Final = timedelta(minutes=5)
_LONGEST_PAUSE: Final = timedelta(hours=2)
_WRONG_CLOCK_NS: Final = 3_600 * 10**9
_TOO_MANY: Final = (429, 999)
_OUT_OF_REACH: Final = re.compile(r"must be within the last|days? worth of|data not available for startTime")
_NOTHING_THERE: Final = re.compile(r"Data doesn't exist for startDate")
# What yfinance stumbles over when an answer is not what it expects.
_MALFORMED: Final = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


def utc_now() -> datetime:
    """Return the time by this computer's clock."""
    return datetime.now(UTC)


class Answer(NamedTuple):
    """What Yahoo had.

    Attributes
    ----------
    history : DataFrame
        As `yfinance.Ticker.history` returns it; without rows where Yahoo has nothing.
    asked_ns : int
        When it was asked, nanoseconds since 1970: by this computer's clock or Yahoo's, whichever is behind, so that
        no running session is taken for finished.
    """

    history: pd.DataFrame
    asked_ns: int


@dataclass(frozen=True)
class Patience:
    """When to give up on a question: after this many attempts, or that many seconds."""

    attempts: int = 3
    seconds: float = 15.0
    pauses_s: tuple[float, ...] = (0.5, 1.5)
    spacing_s: float = 0.2


class YahooClient:
    """Asks Yahoo for bars, or the server named by ORB_YAHOO_URL.

    Parameters
    ----------
    cache_dir : Path
        Where yfinance and this client keep what they remember.
    now : callable
        Says what time it is, tz-aware.
    sleep : callable
        Waits that many seconds.
    patience : Patience
    """

    def __init__(
        self,
        cache_dir: Path,
        *,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        patience: Patience | None = None,
    ) -> None:
        self.now = now
        self._cache_dir = cache_dir
        self._sleep = sleep
        self._patience = patience or Patience()
        self._session: YahooSession | None = None
        self._limit: _Limit | None = None

    def history(self, symbol: str, from_ns: int, until_ns: int, interval: str) -> Answer:
        """Return the bars Yahoo has that start in [from_ns, until_ns), regular hours only, prices unadjusted.

        Parameters
        ----------
        symbol : str
            As Yahoo writes it.
        from_ns, until_ns : int
            Nanoseconds since 1970.
        interval : str

        Raises
        ------
        RateLimitError
            Yahoo has had enough for now; until when is remembered, also by other processes.
        BeyondReachError
            Yahoo keeps no bars of that time, or not that many in one answer.
        UnknownSymbolError, NetworkError, BrokenAnswerError
            As they say; the last two after several attempts.
        ClockError
            There was nothing, and this computer's clock is to blame.
        ConfigError
            ORB_YAHOO_URL is not a web address.
        """
        with _ONE_AT_A_TIME:
            session = self._current_session()
            began_s = time.monotonic()
            session.deadline_s = began_s + self._patience.seconds
            for attempt in range(1, self._patience.attempts + 1):
                self._refuse_while_limited(session)
                try:
                    return self._ask(session, symbol, from_ns, until_ns, interval)
                except (NetworkError, BrokenAnswerError) as error:
                    pause_s = self._patience.pauses_s[min(attempt, len(self._patience.pauses_s)) - 1]
                    is_last = attempt == self._patience.attempts or time.monotonic() + pause_s >= session.deadline_s
                    if is_last:
                        spent = f"{attempt} attempt{'s' if attempt > 1 else ''} in {time.monotonic() - began_s:.0f} s"
                        raise type(error)(f"{error} (given up after {spent})") from error
                    logger.info("{}: asking again in {} s: {}", symbol, pause_s, error)
                    self._sleep(pause_s)
            raise AssertionError("the last attempt returns or raises")

    def _ask(self, session: YahooSession, symbol: str, from_ns: int, until_ns: int, interval: str) -> Answer:
        import yfinance  # 0.5 s, which only a fetch must pay
        from curl_cffi.requests.exceptions import RequestException

        self._prepare(yfinance)
        session.chart_answer = None
        now_ns = ns_of(self.now())
        try:
            ticker = yfinance.Ticker(symbol, session=session)
            # The dates below name their zone. Left alone, yfinance asks for the exchange's first: one request more,
            # 23 for an unknown symbol, and any failure of it reads "possibly delisted".
            ticker._tz = "UTC"  # noqa: SLF001
            history = ticker.history(
                start=pd.Timestamp(from_ns, tz="UTC"),
                end=pd.Timestamp(until_ns, tz="UTC"),
                interval=interval,
                prepost=False,
                actions=False,
                auto_adjust=False,
                repair=False,
                keepna=False,
            )
        except (RequestException, yfinance.exceptions.YFException, *_MALFORMED) as error:
            history = self._nothing_or_refusal(session, symbol, error)
        server_s = session.server_time_s()
        if history.empty:
            _refuse_wrong_clock(now_ns, server_s)
        self._limit = None
        with suppress(OSError):
            self._limit_file().unlink(missing_ok=True)
        return Answer(history, now_ns if server_s is None else min(now_ns, int(server_s * 1e9)))

    def _nothing_or_refusal(self, session: YahooSession, symbol: str, error: Exception) -> pd.DataFrame:
        """Return a table without rows if Yahoo plainly has none, else raise what its answer amounts to."""
        answer = session.chart_answer
        if answer is None:
            raise NetworkError(_unreachable(session, error)) from error
        if answer.status_code in _TOO_MANY:
            raise self._limited(session, answer.headers.get("Retry-After")) from error
        reply = _Reply.read(answer.text)
        if _OUT_OF_REACH.search(reply.reason):
            _refuse_wrong_clock(ns_of(self.now()), session.server_time_s())
            raise BeyondReachError(f"Yahoo does not give these bars: {reply.reason}") from error
        if answer.status_code == HTTPStatus.NOT_FOUND and reply.reason:
            raise UnknownSymbolError(
                f"Yahoo knows no symbol {symbol} ({reply.reason}). Check the spelling at finance.yahoo.com: shares of "
                "another exchange end in its suffix (VOD.L), futures in =F (ES=F), indices begin with ^ (^GSPC), "
                "coins end in -USD"
            ) from error
        if reply.is_empty or _NOTHING_THERE.search(reply.reason):
            return pd.DataFrame()
        # yfinance calls a symbol delisted whenever it finds no bars, whatever it finds instead.
        is_telling = not isinstance(error, json.JSONDecodeError) and "delisted" not in str(error)
        start_of_text = " ".join(answer.text.split())[:120] or "nothing"
        what = reply.reason or (f"{type(error).__name__}: {error}" if is_telling else start_of_text)
        raise BrokenAnswerError(
            f"{session.server} answered with something that is no bars (HTTP {answer.status_code}; "
            f"{what}). Try again in a few minutes; sessions already archived can be run on meanwhile"
        ) from error

    def _prepare(self, yfinance: Any) -> None:
        # The warnings of pandas about yfinance's code are its own matter; importing it has switched some on.
        warnings.filterwarnings("ignore", module=r"yfinance\b")
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # all that it says is raised as well
        yfinance.config.debug.hide_exceptions = False
        yfinance.set_tz_cache_location(str(self._cache_dir / "yfinance"))
        yfinance.cache._CookieCacheManager._Cookie_cache = _COOKIES  # noqa: SLF001
        # It also remembers every answer about the past until the process ends, failures included.
        yfinance.data.YfData.cache_get.cache_clear()

    def _current_session(self) -> YahooSession:
        from orb_core.data.yahoo_session import YahooSession

        mirror_url = os.environ.get(MIRROR_VARIABLE, "")
        if mirror_url and not (urlsplit(mirror_url).hostname and urlsplit(mirror_url).scheme in {"http", "https"}):
            raise ConfigError(
                f"{MIRROR_VARIABLE} is {mirror_url!r}; it must be a web address such as http://127.0.0.1:8080, or unset"
            )
        if self._session is None or self._session.mirror_url != mirror_url:
            self._session = YahooSession(mirror_url, self._patience.spacing_s, self._sleep)
        return self._session

    def _refuse_while_limited(self, session: YahooSession) -> None:
        limit = self._remembered_limit(session)
        now = self.now()
        # A time farther off than any pause was written by another clock.
        if limit is not None and now < limit.until <= now + _LONGEST_PAUSE:
            raise RateLimitError(_limited_sentence(limit.until, now))

    def _limited(self, session: YahooSession, retry_after: str | None) -> RateLimitError:
        """Return the error of a rate limit just met, having remembered it."""
        before = self._remembered_limit(session)
        if retry_after is not None and retry_after.isdecimal():
            pause = min(timedelta(seconds=int(retry_after)), _LONGEST_PAUSE)
        else:
            pause = _FIRST_PAUSE if before is None else min(2 * before.pause, _LONGEST_PAUSE)
        now = self.now()
        self._limit = _Limit(session.mirror_url, now + pause, pause)
        try:
            self._limit_file().parent.mkdir(parents=True, exist_ok=True)
            durable.replace(self._limit_file(), self._limit.to_json().encode())
        except OSError as error:
            logger.warning("the rate limit is remembered by this process only: {}", error)
        return RateLimitError(_limited_sentence(self._limit.until, now))

    def _remembered_limit(self, session: YahooSession) -> _Limit | None:
        limit: _Limit | None
        try:
            limit = _Limit.from_json(self._limit_file().read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError, KeyError):  # none, or not written by us: asking will tell
            limit = self._limit
        return limit if limit is not None and limit.mirror_url == session.mirror_url else None

    def _limit_file(self) -> Path:
        return self._cache_dir / "yfinance" / "rate_limit.json"


class _Cookies:
    """Takes the place of yfinance's cookie file, a pickle: none is loaded from a folder that others may write."""

    def __init__(self) -> None:
        self._kept: dict[str, object] = {}

    def lookup(self, strategy: str) -> dict[str, object] | None:
        return {"cookie": self._kept[strategy]} if self._kept.get(strategy) else None

    def store(self, strategy: str, cookie: object) -> None:
        self._kept[strategy] = cookie


_COOKIES: Final = _Cookies()


class _Limit(NamedTuple):
    """A rate limit met: where, until when nothing is asked, and for how long that is."""

    mirror_url: str
    until: datetime
    pause: timedelta

    def to_json(self) -> str:
        return json.dumps({"url": self.mirror_url, "until": self.until.isoformat(), "s": self.pause.total_seconds()})

    @classmethod
    def from_json(cls, text: str) -> _Limit:
        content = json.loads(text)
        until = datetime.fromisoformat(content["until"])
        return cls(content["url"], until.astimezone(UTC), timedelta(seconds=content["s"]))


class _Reply(NamedTuple):
    """What the text of an answer says: the reason for having no bars, or that there are none."""

    reason: str
    is_empty: bool

    @classmethod
    def read(cls, text: str) -> _Reply:
        try:
            chart = json.loads(text)["chart"]
            if chart.get("error"):
                return cls(str(chart["error"]["description"]), is_empty=False)
            result = chart["result"][0]
            return cls("", is_empty=not result.get("timestamp") and not any(result["indicators"]["quote"]))
        except _MALFORMED:
            return cls("", is_empty=False)


def ns_of(moment: datetime) -> int:
    """Return nanoseconds since 1970."""
    return pd.Timestamp(moment).as_unit("ns").value


def _refuse_wrong_clock(now_ns: int, server_s: float | None) -> None:
    """Blame the clock, once there is nothing to be had, if it differs much from the server's."""
    if server_s is None or abs(server_s * 1e9 - now_ns) < _WRONG_CLOCK_NS:
        return
    here, there = (pd.Timestamp(int(ns), tz="UTC").floor("s") for ns in (now_ns, server_s * 1e9))
    raise ClockError(
        f"Yahoo has nothing, and this computer's clock says {here:%Y-%m-%d %H:%M} UTC where Yahoo's says "
        f"{there:%Y-%m-%d %H:%M}. Set the clock and ask again; nothing was archived"
    )


def _unreachable(session: YahooSession, error: Exception) -> str:
    reason = str(error).removeprefix("Failed to perform, ").split(" See https://curl.se")[0].rstrip(".")
    return (
        f"{session.server} could not be reached ({reason}). Check the network, its proxy and firewall, then "
        "ask again; sessions already archived, files (--data) and made-up prices (--synthetic) need no network"
    )


def _limited_sentence(until: datetime, now: datetime) -> str:
    minutes = max(1, round((until - now).total_seconds() / 60))
    return (
        f"Yahoo limits how often it may be asked, and is not asked again before "
        f"{until.astimezone():%H:%M %Z} ({minutes} min). Wait, or use sessions already archived "
        "(`python -m orb_core.data list`)"
    )
