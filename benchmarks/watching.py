"""A browser in the app, and how long it waits: from a click until all it asked for is drawn."""

from collections.abc import Callable
from typing import Final

from playwright.sync_api import Page

FRAMES: Final = 3
"""For so many pictures on end must the page be finished: charts and tables are drawn a moment after they arrive."""

PATIENCE_MS: Final = 60_000
LISTEN: Final = """() => {
    window.asked = null;
    window.frames = 0;
    for (const event of ["pointerdown", "keydown", "popstate"])
        addEventListener(event, () => { window.asked ??= performance.now(); }, {capture: true, once: true});
}"""
GO: Final = """address => {
    history.pushState({}, "", address);
    dispatchEvent(new PopStateEvent("popstate", {state: {}}));
}"""
SHOWN: Final = """([texts, frames]) => {
    const all = (selector) => [...document.querySelectorAll(selector)];
    const said = all("[data-testid=stMain] :is([data-testid=stMarkdownContainer], [data-testid=stCaptionContainer])");
    const finished =
        document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "notRunning"
        && !document.querySelector("[data-stale=true], [data-testid=stSkeleton], [data-testid=stAppSkeleton]")
        && all("[data-testid=stPlotlyChart]").every((chart) => chart.querySelector(".main-svg"))
        && all("[data-testid=stDataFrame]").every((table) => table.querySelector("canvas"))
        && texts.every((text) => said.some((each) => each.textContent.includes(text) && each.checkVisibility()));
    window.frames = finished ? (window.frames ?? 0) + 1 : 0;
    return window.frames >= frames ? performance.now() - (window.asked ?? 0) : null;
}"""


class Watch:
    """One page of a browser.

    Parameters
    ----------
    page : Page
    url : str
        Of the app.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self._url = url

    def opened(self, address: str, *texts: str) -> float:
        """Open an address as a link does, and return the seconds until the texts are shown and all else is drawn."""
        self.page.goto(f"{self._url}/{address}", wait_until="commit")
        return self._shown(texts)

    def after(self, act: Callable[[], object], *texts: str) -> float:
        """Return the seconds from what `act` presses until the texts are shown and all else is drawn.

        At least one of the texts must be new, or what was shown before would be taken for the answer.
        """
        self.page.evaluate(LISTEN)
        act()
        return self._shown(texts)

    def gone_to(self, address: str, *texts: str) -> float:
        """Go to an address inside the app, as the browser's back and forward do; see `after`."""
        return self.after(lambda: self.page.evaluate(GO, f"/{address}"), *texts)

    def _shown(self, texts: tuple[str, ...]) -> float:
        handle = self.page.wait_for_function(SHOWN, arg=[texts, FRAMES], polling="raf", timeout=PATIENCE_MS)
        return float(handle.json_value()) / 1_000
