"""What a server loads before anyone asks: a browser takes a second to begin, and the packages as long to load."""

import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pkgutil import iter_modules
from threading import Thread

import streamlit as st

import pages.parts
from orb_core.errors import OrbError

FIRST = ("frame", "runs_table", "compare_runs", "downloads")
"""What a list of runs is made of: it does without the engine, which the other parts bring."""
PAUSE_SECONDS = 3
"""A first page that is asked for at once is drawn by then, and is not held up by the rest."""


@asynccontextmanager
async def loading(_: st.App) -> AsyncIterator[None]:
    """Let a server begin to answer while a thread of its own loads."""
    Thread(target=load, name="loading", daemon=True).start()
    yield


def load() -> None:
    """Import what a list of runs is made of, read that list, and a little later import every part of the pages."""
    for name in FIRST:
        import_module(f"pages.parts.{name}")
    with suppress(OrbError):  # the pages say so themselves
        import_module("pages.parts.cached").runs()
    time.sleep(PAUSE_SECONDS)
    for module in iter_modules(pages.parts.__path__):
        import_module(f"pages.parts.{module.name}")
    gc.freeze()  # what is there by now stays: looking through it for dead objects takes a tenth of a second each time
