"""The menu beside the preset: keep the settings under a name, as a file, or take those of a file or a run."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from orb_core.config.load import config_from_mapping, to_yaml
from orb_core.config.models import RunConfig
from orb_core.config.presets import own_preset_names
from orb_core.config.strict_yaml import settings_in
from orb_core.errors import OrbError
from orb_core.store.own_presets import delete_preset, name_of, save_preset
from orb_core.store.stored_run import StoredRun
from pages.parts import cached, forms
from pages.parts.markup import complain, plain
from pages.parts.run_words import title_text

SAID = "menu.said"
LARGEST_MB = 1
MENU_PX = 340
PROBLEMS_SHOWN = 3
RUNS_OFFERED = 50


def preset_menu(config: RunConfig | None, take: Callable[[StoredRun], None]) -> None:
    """Draw the menu.

    Parameters
    ----------
    config : RunConfig or None
        What the form holds; None while something in it is wrong, and then it cannot be kept.
    take : callable
        Fills the sidebar from a run; called in a callback.
    """
    label = "Save, delete, download or load settings; take those of a run"
    with st.popover("Menu", help=label, width="stretch"), st.container(width=MENU_PX, gap="small"):
        if config is None:
            st.caption("Settings that need mending cannot be saved or downloaded.")
        _save(config)
        _runs(take)
        st.file_uploader(
            "Load a YAML file", type=["yaml", "yml"], max_upload_size=LARGEST_MB, key="menu.yaml", on_change=_load_yaml
        )
        _say("yaml")
        st.download_button(
            "Download as YAML",
            data=to_yaml(config) if config else "",
            file_name="orb_config.yaml",
            mime="application/yaml",
            icon=":material/download:",
            on_click="ignore",
            disabled=config is None,
            help="What differs from the defaults; give it to `--config`, or load it here.",
            width="stretch",
        )


def _save(config: RunConfig | None) -> None:
    own = own_preset_names()
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        st.text_input("Save these settings as", key="menu.name", placeholder="Name of the preset", max_chars=60)
        st.button(
            "Replace" if name_of(st.session_state["menu.name"]) in own else "Save",
            key="menu.save",
            icon=":material/save:",
            disabled=config is None,
            on_click=_keep,
        )
    if (chosen := st.session_state["form.preset"]) in own:
        st.button(
            f"Delete the preset {plain(chosen)}",
            key="menu.delete",
            icon=":material/delete:",
            type="tertiary",
            on_click=_delete,
            help="The settings stay in the sidebar.",
        )
    _say("name")


def _keep() -> None:
    name, (config, _) = name_of(st.session_state["menu.name"]), forms.current()
    if not name or config is None:
        _remember("name", problem="Give it a name first." if config else "Mend the settings first.")
        return
    try:
        save_preset(name, config)
    except OrbError as error:
        _remember("name", problem=str(error))
        return
    forms.use(config, name)
    _remember("name", done=f"Saved as “{name}”.")


def _delete() -> None:
    name = st.session_state["form.preset"]
    try:
        delete_preset(name)
    except OrbError as error:
        _remember("name", problem=str(error))
        return
    _remember("name", done=f"“{name}” is deleted; its settings are still here, and Save brings it back.")
    st.session_state["menu.name"] = name


def _load_yaml() -> None:
    file = st.session_state["menu.yaml"]
    if file is None:
        st.session_state.pop(SAID, None)
        return
    try:
        forms.use(config_from_mapping(settings_in(file.getvalue(), file.name), file.name), file.name)
    except OrbError as error:
        _remember("yaml", problem=f"{error}\nThe settings are as they were.")
    else:
        _remember("yaml", done=f"The settings are those of {file.name}.")


def _runs(take: Callable[[StoredRun], None]) -> None:
    newest = (line for line in cached.runs()[:RUNS_OFFERED] if line.manifest is not None)
    titles = {line.run_id: title_text(line.manifest, line.notes) for line in newest}
    st.selectbox(
        "Take over from a run",
        list(titles),
        index=None,
        key="menu.run",
        format_func=lambda run_id: f"{titles[run_id]} · {run_id}",
        placeholder="Choose a run" if titles else "There is no run yet",
        disabled=not titles,
        on_change=partial(_take_run, take),
        help="Takes its settings, symbols, source and dates.",
    )
    _say("run")


def _take_run(take: Callable[[StoredRun], None]) -> None:
    run_id = st.session_state["menu.run"]
    if run_id is None:
        return
    try:
        take(cached.run(run_id))
    except OrbError as error:
        _remember("run", problem=str(error))
    else:
        _remember("run", done=f"The sidebar is as {run_id} was set up.")


def _remember(place: str, *, done: str = "", problem: str = "") -> None:
    st.session_state[SAID] = (place, done, problem)


def _say(place: str) -> None:
    """Tell, below the part of the menu it belongs to, how the last thing done here went."""
    where, done, problem = st.session_state.get(SAID, ("", "", ""))
    if where != place:
        return
    if done:
        st.caption(plain(done))
    *lines, last = problem.split("\n")
    for line in lines[:PROBLEMS_SHOWN]:
        complain(line)
    if len(lines) > PROBLEMS_SHOWN:
        complain(f"… and {len(lines) - PROBLEMS_SHOWN} more like these")
    if last:
        complain(last)
