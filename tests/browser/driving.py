"""The app in a real browser: a server of its own, Chromium, and what both complained of."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
GRID = "canvas[data-testid='data-grid-canvas']"
HEADER_PX, ROW_PX = 35, 31


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running app; `log` is all it said so far."""

    def __init__(self, url, log_path, process):
        self.url, self._log_path, self.process = url, log_path, process

    @property
    def log(self):
        return self._log_path.read_text()


@contextmanager
def serving(folder, runs, port=None):
    port, log_path = port or free_port(), folder / "server.log"
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port", str(port)]
    environment = {**os.environ, "ORB_RUNS_DIR": str(runs), "ORB_CACHE_DIR": str(folder / "cache")}
    with log_path.open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_it_answers(port, process, log_path)
        yield Server(url, log_path, process)
    finally:
        process.terminate()
        process.wait(20)


def wait_until_it_answers(port, process, log_path):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, log_path.read_text()
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(log_path.read_text())


@contextmanager
def browsing(*, width=1280, height=800, dark=False):
    """Give a page of a fresh browser, and the list of what its console and scripts complain of."""
    from playwright.sync_api import sync_playwright

    complaints = []

    def note(message):
        probing = "/_stcore/" in (message.location or {}).get(
            "url", ""
        )  # Streamlit looks for itself below a page's path
        if message.type == "error" and not probing:
            complaints.append(message.text)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
        page.set_default_timeout(30_000)
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        try:
            yield page, complaints
        finally:
            browser.close()


def settled(page):
    """Wait until the app has nothing more to draw."""
    page.wait_for_selector("[data-testid='stApp'][data-test-script-state='notRunning']")
    page.wait_for_function("() => !document.querySelector('[data-testid=stSkeleton]')")
    page.wait_for_timeout(250)


def over_a_slow_line(page, delay_ms):
    """Let each message of the server reach the page late, as over a poor line."""

    def connect(to_page):
        to_server = to_page.connect_to_server()

        def pass_on(message):
            page.wait_for_timeout(delay_ms)
            to_page.send(message)

        to_server.on_message(pass_on)

    page.route_web_socket(re.compile("_stcore/stream"), connect)


def click_row(page, row):
    """Tick a row of the first table."""
    box = page.locator(GRID).first.bounding_box()
    page.mouse.click(box["x"] + 18, box["y"] + HEADER_PX + ROW_PX * row + ROW_PX / 2)
