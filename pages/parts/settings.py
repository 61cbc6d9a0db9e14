"""The settings as a form sees them: read from the models' own schema, so that a new setting needs no code here."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from orb_core.config.load import config_from_json
from orb_core.config.models import RunConfig
from orb_core.errors import ConfigError

Kind = Literal["switch", "choice", "whole", "number", "text", "choices", "dates"]
SINGULARS = {
    "bars": "bar",
    "bars or sessions": "bar or session",
    "losses": "loss",
    "minutes": "minute",
    "points": "point",
    "sessions": "session",
    "ticks": "tick",
    "trades": "trade",
    "units": "unit",
}
"""Unit of a setting → the same unit after a 1."""
LARGEST_WHOLE = 2**53 - 1
"""A browser counts no further."""


@dataclass(frozen=True)
class Setting:
    """One value of the configuration, and what a form must know of it.

    Attributes
    ----------
    path : str
        Dotted, as in YAML.
    section : str
        Title of the top-level section it belongs to.
    kind : str
        `switch`, `choice` (one of `labels`), `whole`, `number`, `text`, `choices` (some of `labels`) or `dates`.
    optional : bool
        None is allowed.
    when : list of conditions
        The setting counts if any of them holds: dotted path → the values asked for. Empty: always.
    """

    path: str
    section: str
    title: str
    description: str
    kind: Kind
    optional: bool
    unit: str
    labels: Mapping[str, str]
    step: float | None
    basic: bool
    when: tuple[Mapping[str, list[Any]], ...]

    def counts(self, values: Mapping[str, Any]) -> bool:
        """Say whether the setting makes a difference, given the others."""
        return not self.when or any(
            all(values[path] in allowed for path, allowed in condition.items()) for condition in self.when
        )

    def matches(self, words: str) -> bool:
        """Say whether every word is found in the label, the key or the help."""
        text = f"{self.section} {self.title} {self.path} {self.description} {' '.join(self.labels.values())}".lower()
        return all(word in text for word in words.lower().split())

    def can_show(self, value: Any) -> bool:
        """Say whether its field can hold a value, be it right or wrong."""
        match self.kind:
            case _ if value is None:
                fits = self.optional
            case "switch":
                fits = isinstance(value, bool)
            case "choice":
                fits = isinstance(value, str) and value in self.labels
            case "text":
                fits = isinstance(value, str)
            case "choices" | "dates":
                words = isinstance(value, list) and all(isinstance(item, str) for item in value)
                fits = words and len({*value}) == len(value) and (not self.labels or {*value} <= self.labels.keys())
            case "number" if isinstance(value, float):
                fits = math.isfinite(value)
            case "whole" | "number":
                fits = type(value) is int and abs(value) <= LARGEST_WHOLE
        return fits

    def say(self, value: Any, *, with_unit: bool = True) -> str:
        """Write a value as the form shows it."""
        if value is None:
            return "none"
        if self.kind == "switch":
            return "on" if value else "off"
        if isinstance(value, tuple | list):
            return ", ".join(self.labels.get(str(item), str(item)) for item in value) or "none"
        shown = self.labels.get(str(value), f"{value:g}" if isinstance(value, float) else str(value))
        unit = SINGULARS.get(self.unit, self.unit) if value == 1 else self.unit
        return f"{shown} {unit}".strip() if with_unit else shown


@cache
def all_settings() -> tuple[Setting, ...]:
    """Return every setting in the models' order; instruments, a table of their own, are not among them."""
    schema = RunConfig.model_json_schema()
    return tuple(_settings(schema, schema["$defs"], "", ""))


@cache
def by_path() -> Mapping[str, Setting]:
    """Return the settings by their dotted path."""
    return {setting.path: setting for setting in all_settings()}


def _settings(schema: Mapping[str, Any], defs: Mapping[str, Any], prefix: str, section: str) -> Iterator[Setting]:
    for name, facts in schema["properties"].items():
        path = f"{prefix}{name}"
        if "$ref" in facts:
            part = defs[facts["$ref"].rsplit("/", 1)[-1]]
            yield from _settings(part, defs, f"{path}.", section or part["title"])
        elif facts.get("type") != "object":
            yield _setting(path, section, facts)


def _setting(path: str, section: str, facts: Mapping[str, Any]) -> Setting:
    variants = facts.get("anyOf", [facts])
    shape = next(variant for variant in variants if variant["type"] != "null")
    items = shape.get("items", {})
    options = shape.get("enum", items.get("enum", ()))
    return Setting(
        path=path,
        section=section,
        title=facts["title"],
        description=facts["description"],
        kind=_kind(shape),
        optional=len(variants) > 1,
        unit=facts.get("unit", ""),
        labels=facts.get("labels", {option: option.capitalize() for option in options}),
        step=facts.get("step"),
        basic=facts.get("basic", False),
        when=tuple(facts.get("when", ())),
    )


def _kind(shape: Mapping[str, Any]) -> Kind:
    if "enum" in shape:
        return "choice"
    if shape["type"] == "array":
        return "choices" if "enum" in shape["items"] else "dates"
    kinds: dict[str, Kind] = {"boolean": "switch", "integer": "whole", "number": "number", "string": "text"}
    return kinds[shape["type"]]


def flatten(config: RunConfig) -> dict[str, Any]:
    """Return the value of every setting by its dotted path, as YAML would hold it."""
    tree = config.model_dump(mode="json")
    return {setting.path: _value_at(tree, setting.path) for setting in all_settings()}


def _value_at(tree: Mapping[str, Any], path: str) -> Any:
    value: Any = tree
    for name in path.split("."):
        value = value[name]
    return value


def nest(values: Mapping[str, Any], instruments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tree the models take."""
    tree: dict[str, Any] = {"instruments": dict(instruments)}
    for path, value in values.items():
        *parents, name = path.split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[name] = value
    return tree


def check(tree: Mapping[str, Any]) -> tuple[RunConfig | None, dict[str, str]]:
    """Return the configuration, or for each setting that does not fit, by its path, one sentence on why."""
    try:
        return config_from_json(json.dumps(tree)), {}
    except ConfigError as error:
        return None, {path: _sentence(message) for path, message in reversed(error.problems)}


def in_titles(sentence: str) -> str:
    """Return a sentence with the titles of settings for their dotted paths."""
    return re.sub(r"\b[a-z]\w*(?:\.\w+)+\b", lambda key: _title(key.group()), sentence)


def _sentence(message: str) -> str:
    """Say a validation message in the form's words: titles for keys, words for signs."""
    text = in_titles(message)
    for sign, words in (("<=", "at most"), (">=", "at least"), ("<", "below"), (">", "above"), ("be false", "be off")):
        text = re.sub(rf"(?<=\s){sign}(?!\S)", words, text)
    return text[:1].upper() + text[1:]


def _title(path: str) -> str:
    setting = by_path().get(path)
    return f"“{setting.title}”" if setting else path
