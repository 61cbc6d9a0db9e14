"""Take the picture that README.md shows: make screenshots."""

import tempfile
from pathlib import Path

from tests.browser.driving import browsing, serving, settled

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Run the demo in a browser and photograph the page it ends on."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), Path(folder) / "runs") as server,
        browsing() as (page, _),
    ):
        page.goto(server.url)
        page.get_by_role("button", name="Run the demo").click()
        page.get_by_role("button", name="Show trades").wait_for()
        settled(page)
        page.screenshot(path=HERE / "launch.png")


if __name__ == "__main__":
    main()
