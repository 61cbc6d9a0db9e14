"""The whole app under test: its pages, driven without a browser."""

import time
from datetime import date
from pathlib import Path

from streamlit.testing.v1 import AppTest

from orb_core.config.load import load_config
from orb_core.service import RunRequest, SourceSpec, default_store, run_and_save

ENTRY = Path(__file__).resolve().parents[2] / "streamlit_app.py"


def open_app(page=None, **query):
    app = AppTest.from_file(str(ENTRY), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    if page:
        app.run()  # the first run names the pages
        app.switch_page(f"pages/{page}.py")
        for name, value in query.items():
            app.query_params[name] = value
    return rerun(app)


def rerun(app):
    app.run()
    assert not app.exception, [e.message for e in app.exception]
    return app


def wait_for_the_run(app):
    until = time.monotonic() + 60
    while "job" in app.session_state and time.monotonic() < until:
        time.sleep(0.1)
        rerun(app)
    assert "job" not in app.session_state
    return app


def a_run(*overrides, symbols=("SPY",), start=date(2024, 1, 2), end=date(2024, 3, 28)):
    """Save a run as another front end would, and return it."""
    request = RunRequest(
        config=load_config(overrides=overrides),
        symbols=symbols,
        start=start,
        end=end,
        source=SourceSpec(kind="synthetic"),
        origin="cli",
    )
    return default_store().load(run_and_save(request, default_store()).run_id)


def texts(app):
    raw = " ".join(element.value for element in (*app.markdown, *app.caption, *app.error, *app.info))
    return raw.replace("\\", "")
