"""Every setting of a run: declared in models, read by load, named in presets."""

from orb_core.config.catalogue import all_settings
from orb_core.config.instruments import Instrument
from orb_core.config.load import (
    canonical_json,
    config_from_json,
    config_from_mapping,
    config_hash,
    differences,
    load_config,
    to_full_yaml,
    to_yaml,
)
from orb_core.config.models import RunConfig
from orb_core.config.presets import preset_names, preset_settings
from orb_core.config.symbols import decode_symbol, encode_symbol, normalize_symbols

__all__ = [
    "Instrument",
    "RunConfig",
    "all_settings",
    "canonical_json",
    "config_from_json",
    "config_from_mapping",
    "config_hash",
    "decode_symbol",
    "differences",
    "encode_symbol",
    "load_config",
    "normalize_symbols",
    "preset_names",
    "preset_settings",
    "to_full_yaml",
    "to_yaml",
]
