import os

import pytest

from tests.browser.driving import CHROMIUM, browsing, serving


@pytest.fixture(autouse=True)
def browser_is_there():
    """Without a browser these tests are skipped here, and fail where the project is checked for good."""
    if CHROMIUM is None:
        why = "no chromium, chromium-browser or google-chrome on the PATH"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)


@pytest.fixture
def server(tmp_path, runs_dir):
    with serving(tmp_path, runs_dir) as running:
        yield running
        assert "Traceback" not in running.log, running.log


@pytest.fixture
def browser():
    """A page of a fresh browser; nothing may have gone wrong in it."""
    with browsing() as (page, complaints):
        yield page
        assert complaints == []
