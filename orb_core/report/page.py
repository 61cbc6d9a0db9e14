"""A report's page: the template, its tables and figures, and the scripts that draw them, in one text."""

import json
import shlex
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import plotly.graph_objects as go
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from orb_core.analytics.attribution import factor_attribution
from orb_core.analytics.breakdown import by_hour, by_score, by_weekday, r_histogram
from orb_core.analytics.days import by_date
from orb_core.analytics.headline import cautions, headline, secondary
from orb_core.analytics.metric_groups import metric_groups
from orb_core.analytics.words import number, r_multiple, zone_name
from orb_core.charts.days import calendar_figure, groups_figure
from orb_core.charts.equity import equity_figure
from orb_core.charts.palette import DARK, LIGHT
from orb_core.charts.session import session_figure
from orb_core.charts.spread import excursion_figure, histogram_figure
from orb_core.config.load import differences, to_yaml
from orb_core.engine.records import FACTORS
from orb_core.report import tables
from orb_core.report.contents import Contents, Example

SESSION_PX: Final = 420


def report_html(contents: Contents) -> str:
    """Return the report as one HTML file: styles, scripts and plotly.js inside, nothing fetched when it is opened.

    Parameters
    ----------
    contents : Contents
        A run with or without trades.
    """
    traded = len(contents.trades) > 0
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            of=contents,
            name=", ".join(contents.symbols) if len(contents.symbols) <= 6 else f"{len(contents.symbols)} symbols",
            zone=zone_name(contents.timezone),
            ran=any(facts.status == "complete" for facts in contents.symbols.values()),
            traded=traded,
            several=len(contents.trades) > 1,
            source=_source(contents.source),
            tables=tables,
            yaml=to_yaml(contents.config),
            commands=_commands(contents),
            drawn={key: _embedded(figure.to_json()) for key, figure in _figures(contents)} if traded else {},
            colours=_embedded(json.dumps(_light_to_dark())),
            plotly_js=Markup(get_plotlyjs()) if traded else "",  # noqa: S704 — the package's own file
            **(_results(contents) if traded else {}),
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _results(contents: Contents) -> dict[str, Any]:
    """What only a run with trades has."""
    metrics, trades = contents.metrics, contents.trades
    enabled = [factor for factor in FACTORS if getattr(contents.config.factors, factor).enabled]
    weekdays, hours, scores = by_weekday(trades), by_hour(trades, contents.timezone), by_score(trades)
    return {
        "headline": (*headline(metrics, contents.equity), *secondary(metrics)),
        "cautions": cautions(metrics, trades, days=(contents.end - contents.start).days + 1),
        "groups": metric_groups(metrics, contents.intervals),
        "band": (r_multiple(metrics["total_r_conservative"]), r_multiple(metrics["total_r_optimistic"])),
        "weekdays": tables.groups_table("Weekday", weekdays, list(weekdays["weekday"])),
        "hours": tables.groups_table("Hour", hours, _hours(hours["hour"])),
        "scores": tables.groups_table("Score", scores, [number(score, 1) for score in scores["score"]]),
        "costs": tables.costs_text(contents),
        "factors": tables.factors_table(factor_attribution(trades, enabled)) if enabled else None,
    }


def _figures(contents: Contents) -> Iterator[tuple[str, go.Figure]]:
    yield "equity", equity_figure(contents.equity)
    yield "calendar", calendar_figure(by_date(contents.days))
    if len(contents.trades) > 1:
        yield from _comparing_figures(contents)
    for example in (*contents.best, *contents.worst):
        yield example.trade.trade_id, _session(example)


def _comparing_figures(contents: Contents) -> Iterator[tuple[str, go.Figure]]:
    """What one trade alone says nothing in."""
    trades, weekdays = contents.trades, by_weekday(contents.trades)
    hours = by_hour(trades, contents.timezone)
    yield "histogram", histogram_figure(r_histogram(trades))
    yield "mae", excursion_figure(trades, "max_adverse_r")
    yield "mfe", excursion_figure(trades, "max_favorable_r")
    yield "weekdays", groups_figure(weekdays, list(weekdays["weekday"]))
    yield "hours", groups_figure(hours, _hours(hours["hour"]))


def _session(example: Example) -> go.Figure:
    return session_figure(example.view, trade_id=example.trade.trade_id, height=SESSION_PX)


def _hours(hours: Any) -> list[str]:
    return [f"{hour:02d}:00" for hour in hours]


def _embedded(text: str) -> Markup:
    """Return JSON for inside a script element, which nothing in it can end."""
    safe = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return Markup(safe)  # noqa: S704


def _light_to_dark() -> Mapping[str, str]:
    """Every colour of the light palette, as figures write it, with its dark one."""
    pairs: dict[str, str] = {}
    for name, light in vars(LIGHT).items():
        if not isinstance(light, str):
            continue  # an opacity
        dark = getattr(DARK, name)
        pairs.setdefault(light, dark)
        if light.startswith("#"):
            pairs.setdefault(_rgba_prefix(light), _rgba_prefix(dark))
    return pairs


def _rgba_prefix(colour: str) -> str:
    return f"rgba({','.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))},"


def _source(source: Mapping[str, Any]) -> str:
    if source["kind"] == "synthetic":
        return f"made-up prices, series {source['seed']}"
    if source["kind"] == "file":
        return f"file {Path(str(source['path'])).name}"
    return str(source["kind"]).capitalize()


def _commands(contents: Contents) -> tuple[str, str]:
    """How to run it again: from the stored run, and from nothing but this report."""
    source = contents.source
    options = {
        "synthetic": ["--synthetic", *(["--seed", str(source["seed"])] if source["seed"] else [])],
        "file": ["--data", str(source["path"])],
    }.get(source["kind"], ["--source", source["kind"]])
    for name in ("data_tz", "stamp"):
        if source[name]:
            options += [f"--{name.replace('_', '-')}", str(source[name])]
    dates = ["--start", str(contents.start), "--end", str(contents.end)]
    if differences(contents.config):
        options += ["--config", "settings.yaml"]
    anew = ["--symbols", *contents.symbols, *dates, *options]
    return f"python run_backtest.py --rerun {contents.run_id}", f"python run_backtest.py {shlex.join(anew)}"
