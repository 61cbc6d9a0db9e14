"""What is wrong with a configuration, all of it at once, in sentences: file, dotted path, value, what is allowed."""

import json
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, Final, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orb_core.config.catalogue import all_settings, fields_at
from orb_core.config.fields import nearest
from orb_core.config.merge import Path, reaches
from orb_core.config.models import UncheckedConfig
from orb_core.config.rules import Contradiction, contradictions
from orb_core.errors import ConfigError

LONGEST_SHOWN: Final = 60

_SENTENCES: Final = {
    "int": "must be a whole number",
    "float": "must be a number",
    "finite_number": "must be a finite number",
    "bool": "must be true or false",
    "string": "must be text",
    "tuple": 'must be a list, such as ["a", "b"]',
    "model": "must be a mapping of settings",
    "dict": "must be a mapping of settings",
    "date": 'must be a date "YYYY-MM-DD"',
    "missing": "is missing",
    "too_short": "must not be empty",
    "greater_than_equal": "must be >= {ge:g}",
    "greater_than": "must be > {gt:g}",
    "less_than_equal": "must be <= {le:g}",
    "less_than": "must be < {lt:g}",
    "literal_error": "must be one of {expected}",
}


@dataclass(frozen=True)
class Layer:
    """Settings of one source, such as a file; the origin is what a message calls it."""

    origin: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: keys down to the setting, its dotted path, the sentence, and what else it depends on."""

    keys: Path
    path: str
    message: str
    others: tuple[Path, ...] = ()


def config_error(
    error: ValidationError, merged: Mapping[str, Any], layers: Sequence[Layer], defaults: Mapping[str, Any]
) -> ConfigError:
    """Return the error that names everything that is wrong, each with the source that said it.

    Parameters
    ----------
    error : ValidationError
        What the models found.
    merged : mapping
        What they were given.
    layers : sequence of Layer
        What that was merged from, lowest first; a problem is told of the highest that speaks of the setting.
    defaults : mapping
        Valid values, by which unusable ones are replaced to see what else is wrong.
    """
    problems = [problem for details in error.errors(include_url=False) for problem in _problems(details)]
    problems += _contradictions_elsewhere(merged, defaults, [problem.keys for problem in problems])
    lines = []
    for problem in problems:
        value = _shown(_at(merged, problem.keys)) if reaches(merged, problem.keys) else ""
        lines.append(f"{_origin(problem, layers)}: {problem.path}{value}: {problem.message}")
    return ConfigError("\n".join(lines), [(problem.path, problem.message) for problem in problems])


def _problems(details: ErrorDetails) -> Iterator[Problem]:
    if details["type"] == "contradiction":
        yield from (_problem_of(found) for found in details["ctx"]["found"])
        return
    if details["type"] == "invalid_key":
        keys = tuple(map(str, details["loc"]))
        yield Problem(keys, ".".join(keys), "a key must be text; put it in quotes")
        return
    *above, last = details["loc"]
    marks_key = last == "[key]" and details["type"] != "extra_forbidden"  # how pydantic says that the key itself is bad
    keys = tuple(key for key in (above if marks_key else details["loc"]) if isinstance(key, str))
    path = ".".join(keys)
    path += "".join(f"[{index}]" for index in details["loc"] if isinstance(index, int))
    yield Problem(keys, path, _sentence(details, keys))


def _problem_of(found: Contradiction) -> Problem:
    return Problem(
        tuple(found.path.split(".")), found.path, found.message, tuple(tuple(p.split(".")) for p in found.others)
    )


def _sentence(details: ErrorDetails, keys: Path) -> str:
    kind, value = details["type"], details["input"]
    if kind == "extra_forbidden":
        return _unknown(keys)
    if kind == "value_error":
        return str(details["ctx"]["error"])
    for name in (kind, kind.removesuffix("_type"), kind.split("_")[0]):
        if name in _SENTENCES:
            sentence = _SENTENCES[name].format(**details.get("ctx", {}))
            break
    else:
        sentence = details["msg"][0].lower() + details["msg"][1:]
    field = fields_at(keys[:-1]).get(keys[-1]) if keys else None
    if field is not None and NoneType in get_args(field.annotation):
        sentence += ", or null"
    if name in {"int", "float"} and isinstance(value, str) and _is_number(value):
        sentence += "; write it without quotes"
    return sentence


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _unknown(keys: Path) -> str:
    *above, word = keys
    siblings = fields_at(tuple(above))
    elsewhere = {path.rpartition(".")[2]: path for path in reversed(all_settings())}
    if word in elsewhere:
        return f"there is no such setting here; did you mean {elsewhere[word]}?"
    near = nearest(word, siblings)
    if near:
        return f"there is no such setting; did you mean {'.'.join((*above, near))}?"
    near = nearest(word, elsewhere, cutoff=0.8)
    if near:
        return f"there is no such setting; did you mean {elsewhere[near]}?"
    return f"there is no such setting; {'.'.join(above) or 'a configuration'} takes {', '.join(siblings)}"


def _contradictions_elsewhere(
    merged: Mapping[str, Any], defaults: Mapping[str, Any], bad: Sequence[Path]
) -> list[Problem]:
    """Return the rules broken among the settings that are valid by themselves."""
    if not bad:
        return []
    mended = merged
    for keys in bad:
        mended = _replaced(mended, keys, defaults)
    try:
        config = UncheckedConfig.model_validate(mended)
    except ValidationError:  # two entries of one instrument, each fine alone
        return []
    found = [_problem_of(contradiction) for contradiction in contradictions(config)]
    return [
        problem
        for problem in found
        if not any(_related(keys, path) for keys in bad for path in (problem.keys, *problem.others))
    ]


def _related(one: Path, other: Path) -> bool:
    return all(a == b for a, b in zip(one, other, strict=False))


def _replaced(settings: Mapping[str, Any], keys: Path, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with the default in place of what is at these keys, or without it where there is none."""
    key, *rest = keys
    changed = dict(settings)
    below = changed.get(key)
    if rest and isinstance(below, Mapping) and isinstance(defaults.get(key), Mapping):
        changed[key] = _replaced(below, tuple(rest), defaults[key])
    elif key in defaults:
        changed[key] = defaults[key]
    else:
        changed.pop(key, None)
    return changed


def _at(settings: Mapping[str, Any], keys: Path) -> Any:
    found: Any = settings
    for key in keys:
        if not isinstance(found, Mapping) or key not in found:
            return found
        found = found[key]
    return found


def _shown(value: Any) -> str:
    """Return ` = value` as YAML has it, nothing for a group of settings."""
    if isinstance(value, Mapping):
        return ""
    plain = value is None or isinstance(value, bool | int | float | str)
    text = json.dumps(value, ensure_ascii=False) if plain else reprlib.repr(value)
    return f" = {text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + '…'}"


def _origin(problem: Problem, layers: Sequence[Layer]) -> str:
    said = [problem.keys, *problem.others]
    return next(
        (layer.origin for layer in reversed(layers) if any(reaches(layer.settings, keys) for keys in said)),
        layers[0].origin,
    )
