"""YAML as its writer means it: safe_load without the traps of YAML 1.1, and without keys given twice.

`15:00` is the text "15:00" (YAML 1.1 reads the number 900), `2024-01-31` is text too, `010` is not the number 8,
1e-5 is a number, and every key is text (the symbol ON is not `true`).
"""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Final

import yaml

from orb_core.errors import ConfigError

LARGEST_BYTES: Final = 1_000_000

_MERGE = "tag:yaml.org,2002:merge"
_INT, _FLOAT, _DATE = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp")


class SettingsLoader(yaml.SafeLoader):
    """PyYAML's safe loader with plain numbers, times and keys."""

    yaml_implicit_resolvers = {  # noqa: RUF012 a mapping of the class is how PyYAML wants it
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in {_INT, _FLOAT, _DATE}]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Return the mapping as written, if its keys are plain and each is there once."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key must be a plain word", problem_mark=key.start_mark)
            if key.value in seen and key.tag != _MERGE:
                raise yaml.MarkedYAMLError(problem=f"`{key.value}` is there twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        """Return the mapping with its keys as text, whatever else YAML would make of them."""
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}


SettingsLoader.add_implicit_resolver(_INT, re.compile(r"^[-+]?(0|[1-9][0-9_]*)$"), list("-+0123456789"))
SettingsLoader.add_implicit_resolver(
    _FLOAT,
    re.compile(
        r"^([-+]?((0|[1-9][0-9_]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$"
    ),
    list("-+.0123456789"),
)


def parse_yaml(text: str, origin: str) -> Any:
    """Value of a YAML text.

    Raises
    ------
    ConfigError
        If it is not YAML, has a key twice, or is more than one document; with line and column.
    """
    try:
        return yaml.load(text, SettingsLoader)  # noqa: S506 a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ConfigError(f"{origin}: not valid YAML: {where}{error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a number of thousands of digits
        raise ConfigError(f"{origin}: not valid YAML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{origin}: not a configuration: it is nested too deeply") from None


def read_settings(path: Path) -> dict[str, Any]:
    """Mapping in a YAML file.

    Raises
    ------
    ConfigError
        If the file is missing, unreadable, or not as `settings_in` wants it.
    """
    try:
        _check_size(path.stat().st_size, str(path))
        content = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file (looked in {path.absolute().parent})") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a folder; name a YAML file") from None
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL character
        raise ConfigError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return settings_in(content, str(path))


def settings_in(content: bytes, origin: str) -> dict[str, Any]:
    """Mapping in the bytes of a YAML file.

    Raises
    ------
    ConfigError
        If they are too many, not UTF-8, not YAML, empty or not a mapping.
    """
    _check_size(len(content), origin)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{origin}: is not UTF-8 text (byte {error.start + 1}); save it as UTF-8") from None
    settings = parse_yaml(text, origin)
    if settings is None:
        raise ConfigError(f"{origin}: holds no settings; write at least one, such as `orb: {{base_minutes: 30}}`")
    if not isinstance(settings, dict):
        kind = "a list" if isinstance(settings, list) else f"one value, {str(settings)[:40]!r}"
        raise ConfigError(f"{origin}: holds {kind}; a configuration is a mapping such as `orb: {{base_minutes: 30}}`")
    return settings


def _check_size(size: int, origin: str) -> None:
    if size > LARGEST_BYTES:
        raise ConfigError(f"{origin}: has {size:,} bytes; a configuration is a small YAML file")
