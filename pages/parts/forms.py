"""The settings form: models → widgets → a new configuration, checked as a whole.

Every setting's value lives in the session under its own key, shown or not, so that no view loses what another holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Literal, get_args

import streamlit as st

from orb_core.config.load import differences, load_config
from orb_core.config.models import RunConfig
from orb_core.config.presets import own_preset_names, preset_names, published_names
from orb_core.errors import OrbError
from pages.parts.markup import complain, plain
from pages.parts.run_words import difference_text
from pages.parts.settings import Setting, all_settings, by_path, check, flatten, nest

DEFAULTS = "Defaults"
View = Literal["Basic", "All", "Changed"]
VIEWS: tuple[View, ...] = get_args(View)
FACTORS = tuple(s for s in all_settings() if s.path.startswith("factors.") and s.path.endswith(".enabled"))
ELSEWHERE = ("data.interval",)
"""Drawn beside the source by `ask`, so not again among the settings."""
FORM = tuple(s for s in all_settings() if s.path not in ELSEWHERE)
COLUMNS = 2
WIDE_CHOICE, WIDE_LABEL = 14, 20
"""A choice of longer words, or a longer label, needs the form's full width."""
SHORT_UNITS = {"minutes": "min", "× position": "share"}


def key(path: str) -> str:
    """Return the session key of a setting."""
    return f"set.{path}"


def is_new() -> bool:
    """Say whether this session has not filled the form yet."""
    return "form.preset" not in st.session_state


def use(config: RunConfig, preset: str) -> None:
    """Fill the form with a configuration; only before its widgets are drawn, or in a callback."""
    change(flatten(config))
    st.session_state["form.instruments"] = config.model_dump(mode="json")["instruments"]
    st.session_state["form.preset"] = st.session_state["form.preset_choice"] = preset
    st.session_state["form.base"] = config.model_dump(mode="json")


def change(changed: Mapping[str, object]) -> None:
    """Set these settings, by dotted path; as with `use`, before their widgets are drawn."""
    for path, value in changed.items():
        st.session_state[key(path)] = _for_widget(by_path()[path], value)


def _for_widget(setting: Setting, value: object) -> object:
    if setting.kind == "text":
        return value or ""
    if setting.kind == "number" and value is not None:
        return float(value)
    return value


def _from_widget(setting: Setting, value: object) -> object:
    if setting.kind == "choices":
        return [option for option in setting.labels if option in value]
    return None if setting.kind == "text" and setting.optional and value == "" else value


def values() -> dict[str, object]:
    """Return what the form holds, by dotted path, checked or not."""
    return {s.path: _from_widget(s, st.session_state[key(s.path)]) for s in all_settings()}


def current() -> tuple[RunConfig | None, dict[str, str]]:
    """Return the form's configuration, or what is wrong with it by dotted path."""
    return check(nest(values(), st.session_state["form.instruments"]))


def base_values() -> dict[str, object]:
    """Return the values of the preset the form began with."""
    return flatten(RunConfig.model_validate(st.session_state["form.base"]))


def changed() -> list[Setting]:
    """Return the settings that differ from the preset's."""
    base, now = base_values(), values()
    return [s for s in FORM if now[s.path] != base[s.path]]


def automatic_title(config: RunConfig) -> str | None:
    """Return how a configuration differs from the run, file or preset it was made of; None where that says nothing."""
    base, name = RunConfig.model_validate(st.session_state["form.base"]), st.session_state["form.preset"]
    return difference_text(differences(config, base)) or (preset_title(name) if name in preset_names() else None)


def preset_title(name: str) -> str:
    """Return a preset's name as people read it; one's own stands as it was given."""
    return name[:1].upper() + name[1:].replace("_", " ") if name in published_names() else name


def preset_picker() -> None:
    """Choose the configuration to begin with; what was changed before is replaced."""
    names = list(dict.fromkeys([st.session_state["form.preset"], DEFAULTS, *own_preset_names(), *published_names()]))
    st.selectbox(
        "Preset",
        names,
        format_func=preset_title,
        key="form.preset_choice",
        persist_state="session",
        on_change=_take_preset,
        help="The configuration to begin with. Choosing one replaces every setting below.",
    )


def _take_preset() -> None:
    name = st.session_state["form.preset_choice"]
    if name == st.session_state["form.preset"]:  # a run or a file is in the list only while it is the one chosen
        return
    try:
        use(load_config(preset=None if name == DEFAULTS else name), name)
    except OrbError as error:  # deleted or broken since the list was drawn
        st.session_state["form.preset_choice"] = st.session_state["form.preset"]
        st.session_state["form.preset_problem"] = str(error)


def say_preset_problem() -> None:
    """Tell, once, why the preset that was chosen could not be taken."""
    if "form.preset_problem" in st.session_state:
        complain(st.session_state.pop("form.preset_problem"))


def settings_form(problems: dict[str, str]) -> None:
    """Draw the settings in the chosen view; those with problems are in every view."""
    different = changed()
    names = {"Changed": f"Changed ({len(different)})"}
    st.session_state.setdefault("form.view", VIEWS[0])
    view = st.segmented_control(
        "Settings shown",
        VIEWS,
        key="form.view",
        required=True,
        format_func=lambda name: names.get(name, name),
        label_visibility="collapsed",
        width="stretch",
        persist_state="session",
    )
    words = st.text_input(
        "Find a setting",
        key="form.find",
        placeholder="Find a setting",
        label_visibility="collapsed",
        icon=":material/search:",
        persist_state="session",
    )
    now = values()
    if words.strip():
        _found([s for s in FORM if s.matches(words)], problems)
        return
    shown = {"Basic": _basic, "All": _all, "Changed": _changed}[view](now, different, problems)
    hidden = [s for s in different if s.path not in shown]
    if hidden:
        are = "setting is" if len(hidden) == 1 else "settings are"
        st.caption(f"{len(hidden)} changed {are} not shown in this view.")


def _found(found: Sequence[Setting], problems: dict[str, str]) -> None:
    if not found:
        st.caption("No setting has these words in its name, key or help.")
    for section, group in groupby(found, lambda s: s.section):
        _heading(section)
        _fields(list(group), problems)


def _basic(now: dict[str, object], _different: list[Setting], problems: dict[str, str]) -> set[str]:
    fields = [s for s in FORM if s.basic and s not in FACTORS]
    shown = [s for s in fields if s.counts(now) or s.path in problems]
    hurt = [s for s in FORM if s.path in problems and s not in shown]
    for section, group in groupby([*hurt, *shown], lambda s: s.section):
        _heading(section)
        _fields(list(group), problems)
    _heading("Factors")
    _factor_pills(now)
    return {s.path for s in (*hurt, *shown, *FACTORS)}


def _factor_pills(now: dict[str, object]) -> None:
    on = [s.path for s in FACTORS if now[s.path]]
    if set(st.session_state.get("form.factors", ())) != set(on):  # else it would undo what is clicked meanwhile
        st.session_state["form.factors"] = on
    st.pills(
        "Factors",
        [s.path for s in FACTORS],
        selection_mode="multi",
        format_func=lambda path: by_path()[path].title,
        key="form.factors",
        on_change=_take_factors,
        label_visibility="collapsed",
    )


def _take_factors() -> None:
    for setting in FACTORS:
        st.session_state[key(setting.path)] = setting.path in st.session_state["form.factors"]


def _all(now: dict[str, object], different: list[Setting], problems: dict[str, str]) -> set[str]:
    shown = set()
    for section, group in groupby(FORM, lambda s: s.section):
        fields = [s for s in group if s.counts(now) or s.path in problems]
        n_changed = sum(s in fields for s in different)
        title = f"{section} · {len(fields)}" + (f", {n_changed} changed" if n_changed else "")
        hurt = any(s.path in problems for s in fields)
        part = st.expander(title, expanded=hurt, key=f"form.section.{section}.{hurt}", on_change="rerun")
        if part.open:
            with part:
                _fields(fields, problems)
        shown |= {s.path for s in fields}
    return shown


def _changed(_now: dict[str, object], different: list[Setting], problems: dict[str, str]) -> set[str]:
    base = base_values()
    if not different:
        st.caption(f"Nothing differs from the preset “{plain(st.session_state['form.preset'])}”.")
    for setting in different:
        _field(setting, problems)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Preset: {plain(setting.say(base[setting.path]))}")
            st.space("stretch")
            st.button("Reset", key=f"form.reset.{setting.path}", type="tertiary", on_click=_reset, args=(setting,))
    return {s.path for s in different}


def _reset(setting: Setting) -> None:
    st.session_state[key(setting.path)] = _for_widget(setting, base_values()[setting.path])


def _heading(text: str) -> None:
    st.markdown(f"**{plain(text)}**")


def _fields(settings: Iterable[Setting], problems: dict[str, str]) -> None:
    """Draw settings in pairs; one with long words takes a row of its own."""
    waiting: list[Setting] = []

    def flush() -> None:
        if waiting:
            columns = st.columns(COLUMNS, gap="small", vertical_alignment="bottom")
            for column, setting in zip(columns, waiting, strict=False):
                with column:
                    _field(setting, problems)
            waiting.clear()

    for setting in settings:
        if _is_wide(setting) or setting.path in problems:
            flush()
            _field(setting, problems)
        else:
            waiting.append(setting)
            if len(waiting) == COLUMNS:
                flush()
    flush()


def _is_wide(setting: Setting) -> bool:
    words = max((len(label) for label in setting.labels.values()), default=0)
    wordy = words > WIDE_CHOICE or len(_label(setting)) > WIDE_LABEL
    return wordy or setting.kind in {"switch", "choices", "dates"}


def _label(setting: Setting) -> str:
    unit = SHORT_UNITS.get(setting.unit, setting.unit)
    said = not unit or unit in setting.title.lower()
    return setting.title if said else f"{setting.title} ({unit})"


def _field(setting: Setting, problems: dict[str, str]) -> None:
    label = _label(setting)
    common = {
        "key": key(setting.path),
        "help": f"{setting.description} `{setting.path}`",
        "persist_state": "session",
    }
    if setting.kind == "switch":
        st.toggle(label, **common)
    elif setting.kind == "choice":
        st.selectbox(label, list(setting.labels), format_func=setting.labels.__getitem__, **common)
    elif setting.kind == "choices":
        st.pills(label, list(setting.labels), selection_mode="multi", format_func=setting.labels.__getitem__, **common)
    elif setting.kind == "dates":
        kept = st.session_state[key(setting.path)]
        st.multiselect(label, kept, accept_new_options=True, placeholder="2024-01-31", **common)
    elif setting.kind == "text":
        st.text_input(label, placeholder="none" if setting.optional else None, **common)
    else:
        _number(setting, label, common)
    if setting.path in problems:
        complain(problems[setting.path])


def _number(setting: Setting, label: str, common: dict[str, object]) -> None:
    """Draw a number without bounds: the browser would keep a value beyond them to itself, and Run use the last one."""
    number = int if setting.kind == "whole" else float
    step = number(setting.step or 1)
    form = "%d" if setting.kind == "whole" else "%g"
    empty = {"value": None, "placeholder": "none"} if setting.optional else {}
    st.number_input(label, step=step, format=form, **empty, **common)
