"""YAML to RunConfig and back: defaults, preset, file and overrides over each other; canonical JSON and its hash."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from orb_core.config.catalogue import fields_at
from orb_core.config.merge import leaves, merge, nested, split_path, with_own_symbols, with_whole_instruments
from orb_core.config.models import RunConfig
from orb_core.config.presets import preset_settings
from orb_core.config.problems import Layer, config_error
from orb_core.config.strict_yaml import parse_yaml, read_settings
from orb_core.errors import ConfigError

DEFAULTS_PATH: Final = Path(__file__).resolve().parents[2] / "defaults.yaml"


def load_config(
    path: str | Path | None = None, *, preset: str | None = None, overrides: Sequence[str] = ()
) -> RunConfig:
    """Configuration of a run: the defaults, under a preset, under a file, under overrides.

    Parameters
    ----------
    path : str or Path, optional
        YAML file that holds what it changes.
    preset : str, optional
        Name of a file in presets/.
    overrides : sequence of str
        Each "dotted.path=value", the value in YAML, such as "orb.base_minutes=30".

    Raises
    ------
    ConfigError
        Naming everything that is wrong: source, dotted path, value and what is allowed.
    """
    layers = _preset_layers(preset)
    if path is not None:
        layers.append(Layer(str(path), read_settings(Path(path))))
    layers += [Layer("--set", _override(text)) for text in overrides]
    return _validated(layers)


def config_from_mapping(
    settings: Mapping[str, Any], origin: str = "settings", *, preset: str | None = None
) -> RunConfig:
    """Configuration of a mapping that holds what it changes, laid over a preset, if named, and the defaults.

    Raises
    ------
    ConfigError
        Naming everything that is wrong, told of `origin`.
    """
    if not isinstance(settings, Mapping):
        raise ConfigError(f"{origin}: must be a mapping of settings, not {type(settings).__name__}")
    return _validated([*_preset_layers(preset), Layer(origin, settings)])


def canonical_json(config: RunConfig) -> str:
    """Return every setting as JSON with sorted keys: equal for two configurations that mean the same."""
    return json.dumps(config.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), allow_nan=False)


def config_from_json(text: str) -> RunConfig:
    """Return the configuration `canonical_json` wrote; settings it did not know yet have their default.

    Raises
    ------
    ConfigError
        If it is not JSON, or not a configuration.
    """
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"config JSON: not valid JSON: {error}") from None
    if not isinstance(settings, dict):
        raise ConfigError(f"config JSON: must be a mapping of settings, not {type(settings).__name__}")
    instruments = {} if "instruments" in settings else _defaults()["instruments"]
    return _validated([Layer("config JSON", settings)], {**_defaults(), "instruments": instruments})


def config_hash(config: RunConfig) -> str:
    """Return the SHA-256 of the canonical JSON, in hex: a configuration's identity."""
    return hashlib.sha256(canonical_json(config).encode()).hexdigest()


def differences(config: RunConfig, base: RunConfig | None = None) -> dict[str, tuple[Any, Any]]:
    """Settings in which two configurations differ.

    Parameters
    ----------
    config : RunConfig
        The one to describe.
    base : RunConfig, optional
        What it is compared with; the defaults if None.

    Returns
    -------
    dict
        Dotted path to (value, value in `base`), as JSON has them, in the order of the models.
    """
    return {".".join(path): pair for path, pair in _differences(config, base).items()}


def to_yaml(config: RunConfig) -> str:
    """Return a file that gives this configuration when loaded: what differs from the defaults, and no more."""
    settings: dict[str, Any] = {}
    for path, (value, _) in _differences(config, None).items():
        settings = merge(settings, nested(path, value))
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)


def to_full_yaml(config: RunConfig) -> str:
    """Return a file with every setting, whatever the defaults of the version that loads it."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _preset_layers(name: str | None) -> list[Layer]:
    return [] if name is None else [Layer(f"preset {name}", preset_settings(name))]


@cache
def _defaults() -> dict[str, Any]:
    return read_settings(DEFAULTS_PATH)


@cache
def _default_config() -> RunConfig:
    return _validated([])


def _validated(layers: Sequence[Layer], base: Mapping[str, Any] | None = None) -> RunConfig:
    merged = _defaults() if base is None else dict(base)
    renamed = [Layer(DEFAULTS_PATH.name, merged)]
    for layer in layers:
        settings = with_own_symbols(layer.settings, merged)
        renamed.append(Layer(layer.origin, settings))
        merged = merge(merged, settings)
    whole = with_whole_instruments(merged)
    try:
        return RunConfig.model_validate(whole)
    except ValidationError as error:
        raise config_error(error, whole, renamed, with_whole_instruments(_defaults())) from None


def _override(text: str) -> dict[str, Any]:
    """Return the settings of "dotted.path=value"; the path may hold an equals sign of its own, as in ES=F."""
    ends = [at for at, character in enumerate(text) if character == "="]
    if not ends or not text[: ends[0]].strip():
        raise ConfigError(f'--set {text}: must be "dotted.path=value", such as orb.base_minutes=30')
    settings = [at for at in ends if _is_setting(text[:at].strip())]
    at = settings[-1] if settings else ends[0]
    path = text[:at].strip()
    value = parse_yaml(text[at + 1 :], f"--set {path}")
    if path.startswith("instruments.") and not settings and isinstance(value, dict):
        return nested(("instruments", path.removeprefix("instruments.")), value)
    return nested(split_path(path), value)


def _is_setting(text: str) -> bool:
    *above, name = split_path(text)
    return name in fields_at(tuple(above))


def _differences(config: RunConfig, base: RunConfig | None) -> dict[tuple[str, ...], tuple[Any, Any]]:
    pair = [c.model_dump(mode="json") for c in (config, base or _default_config())]
    symbols: dict[str, Any] = {"instruments": {symbol: {} for side in pair for symbol in side["instruments"]}}
    ours, theirs = (dict(leaves(with_whole_instruments(merge(symbols, side)))) for side in pair)
    return {path: (value, theirs[path]) for path, value in ours.items() if value != theirs[path]}
