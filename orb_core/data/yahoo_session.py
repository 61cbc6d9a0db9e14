"""The HTTP session yfinance talks through: paced, within a time limit, and to another server where one is named."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urljoin, urlsplit, urlunsplit

from curl_cffi import requests

_CHART_PATH: Final = "/v8/finance/chart/"
_CHART_TIMEOUT_S: Final = 8.0
# Cookie, crumb and consent: charts come without them, so a host that firewalls drop may not eat up the time.
_COURTESY_TIMEOUT_S: Final = 2.0
_MOST_REDIRECTS: Final = 5


class YahooSession(requests.Session[requests.Response]):
    """A browser-like session whose requests keep their distance and end at `deadline_s`.

    Attributes
    ----------
    mirror_url : str
    deadline_s : float
        On the clock of `time.monotonic`; a request after it times out at once.
    chart_answer : Response or None
        The latest answer that came to a request for bars; whoever asks sets it back first.

    Parameters
    ----------
    mirror_url : str
        Where every request goes instead of its own host, which is then named in the header X-Orig-Host; "" for none.
    spacing_s : float
        Least time from the start of one request to that of the next.
    sleep : callable
        Waits that many seconds.
    """

    def __init__(self, mirror_url: str, spacing_s: float, sleep: Callable[[float], None]) -> None:
        super().__init__(impersonate="chrome")
        self.deadline_s = 0.0
        self.chart_answer: requests.Response | None = None
        self.mirror_url = mirror_url
        self._spacing_s = spacing_s
        self._sleep = sleep
        self._next_s = 0.0

    def request(self, method: Any, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        """Send one request; see `curl_cffi.requests.Session.request`."""
        is_chart = _CHART_PATH in url
        kwargs["timeout"] = self._timeout_s(_CHART_TIMEOUT_S if is_chart else _COURTESY_TIMEOUT_S)
        if self.mirror_url:
            answer = self._redirected(method, url, *args, **kwargs)
        else:
            answer = super().request(method, url, *args, **kwargs)
        if is_chart:
            self.chart_answer = answer
        return answer

    @property
    def server(self) -> str:
        """Return the name of who is asked, for a message."""
        return f"Yahoo at {self.mirror_url}" if self.mirror_url else "Yahoo"

    def server_time_s(self) -> float | None:
        """Return when the latest chart answer was sent by its server's clock (seconds since 1970), if it says."""
        stamp = self.chart_answer.headers.get("Date") if self.chart_answer is not None else None
        try:
            return parsedate_to_datetime(stamp).timestamp() if stamp else None
        except ValueError:
            return None

    def _timeout_s(self, most_s: float) -> float:
        self._sleep(max(0.0, self._next_s - time.monotonic()))
        now_s = time.monotonic()
        self._next_s = now_s + self._spacing_s
        left_s = self.deadline_s - now_s
        if left_s <= 0:
            raise requests.exceptions.Timeout("no answer in time")
        return min(most_s, left_s)

    def _redirected(self, method: Any, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        """Send the request to the mirror. Redirects are followed here: curl would follow them to the real host."""
        headers = dict(kwargs.pop("headers", None) or {})
        for _ in range(_MOST_REDIRECTS):
            there = urlsplit(url)
            headers["X-Orig-Host"] = there.netloc
            answer = super().request(
                method,
                self.mirror_url.rstrip("/") + urlunsplit(("", "", there.path or "/", there.query, "")),
                *args,
                **{**kwargs, "headers": headers, "allow_redirects": False},
            )
            location = answer.headers.get("Location")
            if location is None or answer.status_code not in {301, 302, 303, 307, 308}:
                return answer
            url = urljoin(url, location)
            kwargs.pop("params", None)  # the new address has its own
            if answer.status_code == 303 or (method == "POST" and answer.status_code in {301, 302}):
                method = "GET"
                kwargs.pop("data", None)
        raise requests.exceptions.TooManyRedirects(f"more than {_MOST_REDIRECTS} redirects from {url}")
