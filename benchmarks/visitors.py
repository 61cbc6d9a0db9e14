"""Sessions of the app without a browser: they speak Streamlit's own protocol, look at pages, and press Run."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

THINK_SECONDS: Final = 3.0
RUN_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 60.0
OR_MINUTES: Final = range(22, 30)
"""Of the opening range, other ones at each Run."""


@dataclass
class Drawn:
    """What one run of a page's script sent.

    Attributes
    ----------
    elements : list of Element
    n_bytes : int
    problems : list of str
        What the page said went wrong.
    """

    elements: list[Element] = field(default_factory=list)
    n_bytes: int = 0
    problems: list[str] = field(default_factory=list)

    def widget(self, key: str) -> str:
        """Return Streamlit's id of the widget of a key."""
        for element in self.elements:
            widget = getattr(element, element.WhichOneof("type"))
            if getattr(widget, "id", "").endswith(f"-{key}"):
                return str(widget.id)
        raise LookupError(f"the page has no widget {key!r}")


class Session:
    """One session of the app, on an open connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._pages: dict[str, str] = {}

    async def look(
        self, page: str, query: Mapping[str, str] | None = None, widgets: Sequence[WidgetState] = ()
    ) -> Drawn:
        """Run the script of a page, and return what it drew in the end."""
        ask = BackMsg()
        state = ask.rerun_script
        state.query_string = urlencode(query or {})
        state.page_script_hash = self._pages.get(page, "")
        state.page_name = "" if state.page_script_hash else page
        state.widget_states.widgets.extend(widgets)
        await self._socket.send(ask.SerializeToString())
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self._drawn()

    async def _drawn(self) -> Drawn:
        drawn = Drawn()
        async for data in self._socket:
            assert isinstance(data, bytes)
            message = ForwardMsg.FromString(data)
            drawn.n_bytes += len(data)
            match message.WhichOneof("type"):
                case "new_session":
                    drawn = Drawn(n_bytes=len(data))
                case "navigation":
                    self._pages = {each.url_pathname: each.page_script_hash for each in message.navigation.app_pages}
                case "delta" if message.delta.HasField("new_element"):
                    element = message.delta.new_element
                    drawn.elements.append(element)
                    if element.HasField("exception"):
                        drawn.problems.append(element.exception.message)
                case "page_not_found":
                    drawn.problems.append("page not found")
                case "session_event":
                    drawn.problems.append(str(message.session_event))
                case "script_finished" if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                    return drawn
                case "script_finished" if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                    drawn.problems.append("compile error")
                    return drawn
        raise ConnectionError("the server closed the connection")


@asynccontextmanager
async def session(url: str) -> AsyncIterator[Session]:
    """Give a new session of the app at an address."""
    address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
    async with connect(address, subprotocols=["streamlit"], max_size=None, ping_interval=None) as socket:
        yield Session(socket)


class Crowd:
    """Nine sessions that look at one page after the other, and one of them that presses Run as well.

    Parameters
    ----------
    url : str
        Of the app.
    days : sequence of tuple
        Run, symbol and date of sessions to look at.
    run_like : str
        The run whose settings, changed a little, are run.
    """

    SIZE: Final = 9

    def __init__(self, url: str, days: Sequence[tuple[str, str, str]], run_like: str) -> None:
        self._url, self._days, self._run_like = url, days, run_like
        self._over = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.errors: list[str] = []
        self.n_looked = 0

    async def visit(self) -> None:
        """Stay until told to leave."""
        self._loop = asyncio.get_running_loop()
        guests = [self._looking(number) for number in range(self.SIZE)]
        for outcome in await asyncio.gather(*guests, self._running(), return_exceptions=True):
            if outcome is not None:
                self.errors.append(repr(outcome))

    def leave(self) -> None:
        """End the visit; called from another thread."""
        assert self._loop, "nobody came"
        self._loop.call_soon_threadsafe(self._over.set)

    async def _looking(self, number: int) -> None:
        async with session(self._url) as own:
            await self._think(number * THINK_SECONDS / self.SIZE)
            for page, query in self._pages(number):
                if self._over.is_set():
                    return
                self._count(await own.look(page, query))
                self.n_looked += 1
                await self._think(THINK_SECONDS)

    async def _running(self) -> None:
        async with session(self._url) as own:
            for minutes in itertools.cycle(OR_MINUTES):
                if self._over.is_set():
                    return
                query = {"run": self._run_like}
                page = await own.look("", query)
                change = WidgetState(id=page.widget("set.orb.base_minutes"), double_value=minutes)
                press = WidgetState(id=page.widget("launch.run_button"), trigger_value=True)
                self._count(await own.look("", query, [change, press]))
                await self._think(RUN_SECONDS)

    def _pages(self, number: int) -> Iterator[tuple[str, dict[str, str]]]:
        """Give pages for ever, each guest beginning elsewhere."""
        for turn in itertools.count(number):
            run, symbol, day = self._days[17 * turn % len(self._days)]
            pages = [
                ("", {"run": run}),
                ("runs", {}),
                *(("run", {"run": run, "tab": tab}) for tab in ("Overview", "Trades", "Days", "Patterns", "Setup")),
                ("session", {"run": run, "symbol": symbol, "date": day}),
                ("compare", {"runs": f"{self._run_like},{run}"}),
                ("data", {}),
            ]
            yield pages[turn % len(pages)]

    def _count(self, drawn: Drawn) -> None:
        self.errors += drawn.problems

    async def _think(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._over.wait(), seconds)
        except TimeoutError:
            return
