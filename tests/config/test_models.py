import importlib.util
import json
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from orb_core.config import RunConfig, all_settings, config_from_mapping, load_config, models
from orb_core.config.catalogue import fields_at
from orb_core.config.fields import Settings
from orb_core.config.instruments import InstrumentSettings
from orb_core.config.load import DEFAULTS_PATH
from orb_core.config.merge import leaves, merge, nested

BASIC = {  # the short list of the form, in its order
    "orb.base_minutes",
    "orb.adaptive",
    "entry.mode",
    "entry.direction",
    "factors.rel_volume.enabled",
    "factors.price_action.enabled",
    "factors.profile_proxy.enabled",
    "factors.vwap.enabled",
    "factors.adx.enabled",
    "trade.stop_mode",
    "trade.partials",
    "trade.t1_r",
    "trade.t1_pct",
    "trade.t2_r",
    "trade.t2_pct",
    "trade.runner_r",
    "trade.primary_r",
    "trade.move_be_at_r",
    "governance.max_signals_per_day",
    "governance.time_cutoff",
    "costs.commission_per_unit",
    "costs.slippage_ticks",
}


def groups():
    for name in dir(models):
        found = getattr(models, name)
        if isinstance(found, type) and issubclass(found, Settings):
            yield found


def test_settings_are_the_leaves_of_defaults_yaml_in_order():
    written = yaml.safe_load(DEFAULTS_PATH.read_text(encoding="utf-8"))
    assert list(all_settings()) == [".".join(path) for path, _ in leaves(written) if path[0] != "instruments"]


def test_no_model_has_a_default_of_its_own():
    for model in (*groups(), InstrumentSettings):
        assert all(field.is_required() for field in model.model_fields.values()), model


@pytest.mark.parametrize("path", all_settings())
def test_a_setting_has_a_title_a_sentence_and_bounds_or_choices_in_words(path):
    field = all_settings()[path]
    assert field.title
    assert field.description.endswith(".")
    extra = field.json_schema_extra
    assert set(extra) <= {"unit", "step", "basic", "labels", "when"}
    kinds = {*get_args(field.annotation), field.annotation}
    if get_origin(field.annotation) is Literal:
        assert set(extra["labels"]) == set(get_args(field.annotation))
        assert not set(extra["labels"]) & set(extra["labels"].values())
    if kinds & {int, float}:
        names = {name for fact in field.metadata for name in ("ge", "gt", "le", "lt") if hasattr(fact, name)}
        assert names & {"ge", "gt"}
        assert "le" in names
        assert extra["step"] > 0


def test_the_short_list_of_the_form_is_the_designed_one():
    assert {path for path, field in all_settings().items() if field.json_schema_extra.get("basic")} == BASIC


def test_conditions_name_settings_and_values_they_can_have():
    for path, field in all_settings().items():
        for condition in field.json_schema_extra.get("when", []):
            for other, values in condition.items():
                assert other in all_settings(), path
                for value in values:
                    settings = merge(load_config().model_dump(mode="json"), nested(tuple(other.split(".")), value))
                    models.UncheckedConfig.model_validate(settings)


def test_the_json_schema_carries_words_bounds_and_choices():
    schema = RunConfig.model_json_schema()
    orb = schema["$defs"]["OpeningRangeSettings"]
    assert orb["additionalProperties"] is False
    assert orb["properties"]["base_minutes"] == {
        "basic": True,
        "description": "Length of the opening range, from the session's open; a multiple of the bar interval.",
        "maximum": 1440,
        "minimum": 1,
        "step": 5,
        "title": "Opening range",
        "type": "integer",
        "unit": "minutes",
    }
    assert schema["$defs"]["EntrySettings"]["properties"]["mode"]["enum"] == ["touch", "close", "or_end"]
    json.dumps(schema)


def test_a_configuration_survives_its_own_dump():
    config = config_from_mapping(
        {"session": {"exclude_dates": ["2024-01-31"]}, "instruments": {"SPY": {"tick_size": 0.05}}}
    )
    assert RunConfig.model_validate(config.model_dump()) == config
    assert RunConfig.model_validate(config.model_dump(mode="json")) == config


def test_groups_are_found_by_path_and_settings_are_not_groups():
    assert list(fields_at(("trade", "trail"))) == ["mode", "start_r", "distance"]
    assert list(fields_at(("instruments", "SPY", "costs"))) == [
        "commission_per_unit",
        "commission_pct",
        "slippage_ticks",
    ]
    assert fields_at(("orb", "base_minutes")) == {}
    assert fields_at(("nothing", "here")) == {}
    assert all(issubclass(model, BaseModel) for model in groups())


def test_the_page_of_all_settings_is_up_to_date():
    path = Path(__file__).with_name("configuration_page.py")
    spec = importlib.util.spec_from_file_location("configuration_page", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), f"run `python {path}`"
