"""A stand-in for Yahoo on this machine: the real yfinance asks it, and sees what Yahoo would show.

    with FakeYahoo(now=clock) as yahoo:
        yahoo.bars["SPY"] = market_bars("SPY", date(2026, 3, 2), date(2026, 3, 20))
        monkeypatch.setenv("ORB_YAHOO_URL", yahoo.url)

Limits, wordings and forms of its answers are those described in yfinance's issues; prices go through float32, as
Yahoo's do.
"""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pandas as pd

from orb_core import load_config
from orb_core.data.sessions import session_table
from orb_core.data.synthetic import SyntheticSource

CHART = "/v8/finance/chart/"
DAYS_KEPT = {"1m": 30, "2m": 60, "5m": 60, "15m": 60, "30m": 60}
PRICES = ["open", "high", "low", "close"]


def market_bars(symbol: str, start: date, end: date, calendar: str = "XNYS") -> pd.DataFrame:
    """Minute bars of the calendar's sessions: a frame of bar columns."""
    session = load_config(overrides=[f"session.calendar={calendar}"]).session
    bars = SyntheticSource(session).fetch(symbol, start, end, "1m")
    return bars.astype(dict.fromkeys(PRICES, "float32")).astype(dict.fromkeys(PRICES, "float64"))


class Answer(NamedTuple):
    """An answer forced on one request, after `delay_s`; `missing_bytes` of its body never come."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = {}  # noqa: RUF012 — a NamedTuple's default
    delay_s: float = 0.0
    missing_bytes: int = 0


def error(status: int, code: str, description: str) -> Answer:
    """An answer as Yahoo words its refusals."""
    return Answer(status, json.dumps({"chart": {"result": None, "error": {"code": code, "description": description}}}))


UNKNOWN = error(404, "Not Found", "No data found, symbol may be delisted")
TOO_MANY = Answer(429, "Too Many Requests\r\n")
BAD_GATEWAY = Answer(502, "<html>Bad gateway</html>")
BE_RIGHT_BACK = Answer(200, "<html>Will be right back</html>")


class Request(NamedTuple):
    """A request that came: the host it was meant for, and when it came (seconds, monotonic)."""

    host: str
    path: str
    query: dict[str, str]
    at_s: float

    @property
    def symbol(self) -> str:
        """Of a request for bars."""
        return unquote(self.path.removeprefix(CHART))

    def span(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """What a request for bars asks for."""
        begin, end = (pd.Timestamp(int(self.query[name]), unit="s", tz="UTC") for name in ("period1", "period2"))
        return begin, end


@dataclass
class FakeYahoo:
    """The server. What it has, and what it is made to answer, may be changed at any time.

    Attributes
    ----------
    bars
        Symbol → its minute bars; a symbol without is unknown.
    scripts
        Symbol → answers to its next requests for bars, in order; a callable makes one of what would be answered.
    now
        Its clock.
    keeps_seconds_back
        Its limit is nearer by this much.
    """

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    calendar: str = "XNYS"
    bars: dict[str, pd.DataFrame] = field(default_factory=dict)
    scripts: dict[str, list[Answer | Callable[[Answer], Answer]]] = field(default_factory=lambda: defaultdict(list))
    requests: list[Request] = field(default_factory=list)
    keeps_seconds_back: int = 0

    RANGES: ClassVar = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"]

    def __enter__(self) -> Self:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake._handle(self)

            def do_POST(self) -> None:
                fake._handle(self)

            def log_message(self, *args: object) -> None:
                pass

        self._stopping = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def charts(self, symbol: str | None = None) -> list[Request]:
        """The requests for bars that came, in order."""
        asked = [request for request in list(self.requests) if request.path.startswith(CHART)]
        return [request for request in asked if symbol in {None, request.symbol}]

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        url = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        host = handler.headers.get("X-Orig-Host") or handler.headers["Host"]
        self.requests.append(Request(host, url.path, query, time.monotonic()))
        answer = self._answer(url.path, query)
        self._stopping.wait(answer.delay_s)
        body = answer.body.encode()
        try:
            handler.send_response_only(answer.status)
            handler.send_header("Date", format_datetime(self.now().astimezone(UTC), usegmt=True))
            handler.send_header("Content-Length", str(len(body)))
            for name, value in answer.headers.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body[: len(body) - answer.missing_bytes])
        except OSError:  # who asked did not wait
            pass

    def _answer(self, path: str, query: dict[str, str]) -> Answer:
        if path == "/v1/test/getcrumb":
            return Answer(200, "crumb")
        if not path.startswith(CHART):
            return Answer(404, "not found")
        symbol = unquote(path.removeprefix(CHART))
        scripted = self.scripts[symbol].pop(0) if self.scripts[symbol] else None
        if isinstance(scripted, Answer):
            return scripted
        usual = self._chart(symbol, query)
        return scripted(usual) if scripted else usual

    def _chart(self, symbol: str, query: dict[str, str]) -> Answer:
        if symbol not in self.bars:
            return UNKNOWN
        interval, now = query["interval"], int(self.now().timestamp())
        begin, end = (int(query.get(name, now)) for name in ("period1", "period2"))
        refusal = f"{interval} data not available for startTime={begin} and endTime={end}. "
        if interval == "1m" and end - begin > 8 * 86_400:
            return error(
                422,
                "Unprocessable Entity",
                refusal + "Only 8 days worth of 1m granularity data are allowed to be fetched per request.",
            )
        kept = DAYS_KEPT.get(interval, 36_500)
        if begin < now - kept * 86_400 + self.keeps_seconds_back:
            return error(
                422, "Unprocessable Entity", refusal + f"The requested range must be within the last {kept} days."
            )
        bars = _resampled(self.bars[symbol], interval)
        stamps = bars["timestamp_utc"].dt.as_unit("s").astype("int64")
        return self._chart_of(symbol, bars[(stamps >= begin) & (stamps < min(end, now))], interval)

    def _chart_of(self, symbol: str, bars: pd.DataFrame, interval: str) -> Answer:
        meta = {
            "currency": "USD",
            "symbol": symbol,
            "instrumentType": "ETF",
            "exchangeTimezoneName": "UTC" if self.calendar == "24/7" else "America/New_York",
            "priceHint": 2,
            "regularMarketTime": int(self.now().timestamp()),
            "dataGranularity": interval,
            "range": "",
            "validRanges": self.RANGES,
            "tradingPeriods": self._trading_periods(bars),
        }
        result: dict[str, Any] = {"meta": meta, "indicators": {"quote": [{}]}}
        if len(bars):
            result["timestamp"] = bars["timestamp_utc"].dt.as_unit("s").astype("int64").tolist()
            result["indicators"]["quote"] = [
                {name: [None if np.isnan(x) else x for x in bars[name].tolist()] for name in [*PRICES, "volume"]}
            ]
        return Answer(200, json.dumps({"chart": {"result": [result], "error": None}}))

    def _trading_periods(self, bars: pd.DataFrame) -> list[list[dict[str, Any]]]:
        begin, end = self.now().date(), self.now().date()
        if len(bars):
            begin, end = bars["timestamp_utc"].iloc[0].date(), bars["timestamp_utc"].iloc[-1].date()
        session = load_config(overrides=[f"session.calendar={self.calendar}"]).session
        table = session_table(session, begin, end)
        return [
            [{"timezone": "EST", "start": opens // 10**9, "end": closes // 10**9, "gmtoffset": -18_000}]
            for opens, closes in zip(table.open_ns.tolist(), table.close_ns.tolist(), strict=True)
        ]


def _resampled(bars: pd.DataFrame, interval: str) -> pd.DataFrame:
    if interval == "1m" or not interval.endswith("m"):
        return bars
    by = bars.resample(f"{interval.removesuffix('m')}min", on="timestamp_utc")
    longer = by.agg({"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"})
    return longer.dropna(subset=["close"]).reset_index()
