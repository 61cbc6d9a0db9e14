"""docs/configuration.md, written from the models and defaults.yaml: `python tests/config/configuration_page.py`."""

import sys
from pathlib import Path
from types import NoneType
from typing import Literal, get_args, get_origin

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from orb_core.config import load_config  # noqa: E402 after the root is on the path, for the script
from orb_core.config.catalogue import fields_at  # noqa: E402
from orb_core.config.load import DEFAULTS_PATH  # noqa: E402
from orb_core.config.presets import PRESETS_PATH, published_names  # noqa: E402
from orb_core.config.strict_yaml import read_settings  # noqa: E402

PAGE = ROOT / "docs" / "configuration.md"

INTRODUCTION = """# Configuration

Every setting, its default and what it may be. This page is written from the models in `orb_core/config` by
`python tests/config/configuration_page.py`; a test fails when it is out of date.

A file of your own holds only what it changes:

```yaml
orb: {base_minutes: 30, adaptive: true}
trade: {stop_mode: atr_capped, partials: true, t1_r: 1.0, runner_r: 3.0}
governance: {max_signals_per_day: 2, lockout_after_losses: 1, max_daily_loss_r: 3.0}
```

It is laid over `defaults.yaml`, mapping by mapping; a list replaces a list. What is named later wins:
defaults, then `--preset NAME`, then `--config FILE`, then each `--set PATH=VALUE` (the value in YAML:
`--set orb.base_minutes=30`, `--set governance.time_cutoff=null`), then an option of its own such as `--interval`.

Everything that is wrong is said at once, with its file, path, value and what is allowed:

```text
my_config.yaml: orb.base_minutes = -5: must be >= 1
my_config.yaml: orb.adaptve = true: there is no such setting; did you mean orb.adaptive?
```

Two files that mean the same have the same hash: the SHA-256 of the canonical JSON, every default filled in, keys
sorted, whole numbers and decimals of equal value written alike.

Files are UTF-8. `15:00` is a time, with or without quotes, `2024-01-31` a date; a key given twice is an error; numbers
in quotes are text and refused. Fractions are fractions: 0.01 is 1 %. 1 R is what a trade risked, entry to stop.

## Settings
"""

RULES = """## Settings that must agree

A rule about a part applies only when that part is switched on.

* `orb.short_or_minutes` <= `orb.base_minutes` <= `orb.long_or_minutes`, and short < long, when `orb.adaptive`.
* Every length of the opening range in use is a multiple of `data.interval` and shorter than the regular session.
* `orb.low_norm_vol` < `orb.high_norm_vol` when `orb.adaptive`; `orb.min_atr_mult` < `orb.max_atr_mult` with
  `orb.enable_validity_filter`.
* `factors.profile_proxy.val_pct` < `vah_pct`; `factors.price_action` needs one of its two patterns.
* `trade.t1_pct` + `trade.t2_pct` <= 1, and the targets of the parts that exist rise: T1, T2, runner.
* With scoring on, `scoring.base_required` (and with ADX on `weak_trend_required`) is at most the sum of the weights of
  all enabled factors; with ADX on, `base_required` <= `weak_trend_required`.
* `governance.time_cutoff` lies inside the regular session, overrides included; any time will do round the clock.
* `session.open` and `session.close` leave a session of up to 24 hours.
"""


IN_WORDS = {
    "session.calendar": "exchange_calendars name",
    "session.open": '"HH:MM" or null',
    "session.close": '"HH:MM" or null',
    "session.timezone": "IANA name or null",
    "session.weekdays": "at least one of mon … sun",
    "session.exclude_dates": 'list of "YYYY-MM-DD"',
    "instruments.SYMBOL.aliases": "list of symbols",
    "governance.time_cutoff": '"HH:MM" or null',
}


def allowed(path, field):
    if path in IN_WORDS:
        return IN_WORDS[path]
    kinds = [kind for kind in get_args(field.annotation) or (field.annotation,) if kind is not NoneType]
    optional = " or null" if NoneType in get_args(field.annotation) else ""
    if get_origin(field.annotation) is Literal:
        labels = field.json_schema_extra["labels"]
        return "; ".join(f"`{choice}`: {labels[choice]}" for choice in get_args(field.annotation))
    if kinds[0] is bool:
        return "true, false"
    bounds = {
        name: getattr(fact, name) for fact in field.metadata for name in ("ge", "gt", "le", "lt") if hasattr(fact, name)
    }
    words = {"ge": ">= ", "gt": "> ", "le": "<= ", "lt": "< "}
    number = "whole number, " if kinds[0] is int else ""
    return number + ", ".join(f"{words[name]}{value:,.10g}" for name, value in bounds.items()) + optional


def shown(value):
    if value is None:
        return "`null`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list):
        return f"`[{', '.join(value)}]`"
    return f'`"{value}"`' if isinstance(value, str) and ":" in value else f"`{value}`"


def rows(keys, defaults):
    for name, field in fields_at(keys).items():
        if fields_at((*keys, name)):
            yield from rows((*keys, name), defaults.get(name, {}))
            continue
        path = ".".join((*keys, name))
        unit = field.json_schema_extra.get("unit")
        meaning = f"{field.title} ({unit}). {field.description}" if unit else f"{field.title}. {field.description}"
        default = shown(defaults[name]) if name in defaults else ""
        yield f"| `{path}` | {default} | {allowed(path, field)} | {meaning} |"


def table(keys, defaults):
    head = "| setting | default | allowed | meaning |\n|---|---|---|---|\n"
    return head + "\n".join(rows(keys, defaults)) + "\n"


OWN_PRESETS = """\
Presets of your own lie in `my_presets/`, or in the folder `ORB_PRESETS_DIR` names: one YAML file each, named after the
preset. The app saves the settings in its sidebar as one (**Menu** beside *Preset*), lists them with the others and
deletes them again; a file you put there yourself is a preset too. `--preset "My gaps"` finds `my_presets/My gaps.yaml`.
A name has up to 60 letters of A-Z, digits, spaces, `_` and `-`, and is not one of the names above.
What the app remembers of your taste (green and red candles) lies there too, in `app.json`.
"""


def presets():
    for name in published_names():
        comment = [
            line
            for line in (PRESETS_PATH / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
            if line.startswith("#")
        ]
        what = " ".join(line.lstrip("# ") for line in comment[: comment.index("#")])
        yield f"* `{name}`: {what}"


def page():
    defaults = load_config().model_dump(mode="json")
    parts = [INTRODUCTION]
    for name, field in fields_at(()).items():
        if name == "instruments":
            continue
        parts.append(f"### {name}: {field.title}\n\n{field.description}\n\n{table((name,), defaults[name])}")
    known = ", ".join(
        f"{symbol} ({', '.join(entry['aliases'])})"
        for symbol, entry in read_settings(DEFAULTS_PATH)["instruments"].items()
    )
    parts.append(
        "### instruments\n\n"
        "What is traded, by symbol. An entry under an alias is laid over the instrument itself; what is not named is "
        f"0.01, 1 and 1, and the costs of the run. In `defaults.yaml`: {known}.\n\n"
        + table(("instruments", "SYMBOL"), {})
    )
    parts.append(RULES)
    parts.append(
        "## Presets\n\n"
        + "\n".join(presets())
        + "\n\nEach file in `presets/` holds its source, what was published and what replications found.\n\n"
        + OWN_PRESETS
    )
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
