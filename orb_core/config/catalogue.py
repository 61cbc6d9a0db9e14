"""Every setting with what it says about itself, by dotted path: for forms, messages and the documentation."""

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from orb_core.config.merge import Path
from orb_core.config.models import RunConfig


def fields_at(keys: Path) -> Mapping[str, FieldInfo]:
    """Return the settings below these keys, in order; empty where there is no group of settings."""
    annotation: Any = RunConfig
    for key in keys:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = annotation.model_fields.get(key)
            annotation = field.annotation if field else None
        else:  # a mapping: any key, and its values' type
            annotation = next(reversed(get_args(annotation)), None)
    is_group = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation.model_fields if is_group else {}


@cache
def all_settings() -> dict[str, FieldInfo]:
    """Return every setting that holds a value, by dotted path, in the order of defaults.yaml; not the instruments'."""
    return {".".join(keys): field for keys, field in _below(())}


def _below(above: Path) -> list[tuple[Path, FieldInfo]]:
    found: list[tuple[Path, FieldInfo]] = []
    for name, field in fields_at(above).items():
        keys = (*above, name)
        if fields_at(keys):
            found += _below(keys)
        elif keys != ("instruments",):
            found.append((keys, field))
    return found
