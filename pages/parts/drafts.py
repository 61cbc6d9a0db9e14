"""Drafts: what Launch's sidebar holds and no run was made of yet, kept by the browser's tab over a reload.

A reload begins a new session, whose sidebar is filled as the run that is shown was set up; drafts.js then hands back
what the tab has kept, and the sidebar is drawn once more. Anyone can write into a tab's store: what comes from there is
taken as a whole or not at all, and what is taken is checked as if it had just been typed.
"""

import json
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final
from uuid import uuid4

import streamlit as st
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from orb_core.config.load import config_from_json
from orb_core.errors import ConfigError
from orb_core.service import RunRequest, SourceSpec
from pages.parts import ask, forms
from pages.parts.settings import by_path

KEY: Final = "launch.draft"
SESSION, LOST = "draft.session", "draft.lost"
LARGEST: Final = 100_000
"""Characters; ten times what three hundred symbols and every setting take."""
_component = st.components.v2.component("orb_draft", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"))


def _fit(changed: dict[str, JsonValue]) -> dict[str, JsonValue]:
    for path, value in changed.items():
        if path not in by_path() or not by_path()[path].can_show(value):
            raise ValueError(path)
    return changed


def _known(source: str) -> str:
    if source not in ask.sources():
        raise ValueError(source)
    return source


def _in_reach(dates: tuple[date, ...]) -> tuple[date, ...]:
    if any(later < day for day, later in pairwise((ask.EARLIEST, *dates, datetime.now(tz=UTC).date()))):
        raise ValueError(dates)
    return dates


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Asked(_Strict):
    """The fields of `ask`, by the names they have in the session."""

    symbols: list[Annotated[str, Field(min_length=1)]]
    source: Annotated[str, AfterValidator(_known)]
    dates: Annotated[tuple[date, ...], Field(max_length=2), AfterValidator(_in_reach)]
    path: str
    taken_over: SourceSpec | None


class Draft(_Strict):
    """The whole sidebar: the configuration it began with, what was changed since, right or wrong, and the rest."""

    preset: str
    base: dict[str, JsonValue]
    changed: Annotated[dict[str, JsonValue], AfterValidator(_fit)]
    view: forms.View
    asked: Asked


def expect() -> None:
    """Have the tab hand back, once, what it has kept; called by who fills the sidebar of a new session."""
    st.session_state[SESSION] = uuid4().hex


def keep(filled_as: RunRequest) -> None:
    """Let the tab keep what the sidebar holds, as long as that is not what a new session is filled with.

    Parameters
    ----------
    filled_as : RunRequest
        What that is.
    """
    text = None if _is_as(filled_as) else _text()
    _component(
        key=KEY,
        data={"session": st.session_state.get(SESSION), "run": st.query_params.get("run"), "draft": text},
        on_found_change=_take,
    )
    if st.session_state.pop(LOST, False):
        st.toast("What was changed before could not be read any more.", icon=":material/info:")


def _is_as(asked: RunRequest) -> bool:
    config, _ = forms.current()
    if config is None or ask.problems() or st.session_state["form.view"] != forms.VIEWS[0]:
        return False
    return _content(ask.request(config)) == _content(asked)


def _content(asked: RunRequest) -> tuple[object, ...]:
    return asked.config, asked.symbols, asked.start, asked.end, asked.source


def _text() -> str | None:
    base = forms.base_values()
    draft = Draft.model_construct(
        preset=st.session_state["form.preset"],
        base=st.session_state["form.base"],
        changed={path: value for path, value in forms.values().items() if value != base[path]},
        view=st.session_state["form.view"],
        asked=Asked.model_construct(**{name: st.session_state[f"ask.{name}"] for name in Asked.model_fields}),
    )
    text = draft.model_dump_json()
    return text if len(text) <= LARGEST else None


def _take() -> None:
    """Fill the sidebar with what the tab has kept; a callback, thus before anything is drawn."""
    st.session_state[SESSION] = None
    text = st.session_state[KEY].found
    try:
        if not isinstance(text, str) or len(text) > LARGEST:
            raise ValueError(text)
        draft = Draft.model_validate_json(text)
        base = config_from_json(json.dumps(draft.base))
    except (ValueError, ConfigError):
        st.session_state[LOST] = True
        return
    forms.use(base, draft.preset)
    forms.change(draft.changed)
    st.session_state["form.view"] = draft.view
    for name, value in draft.asked:
        st.session_state[f"ask.{name}"] = value
