import base64
import json
from datetime import date

import numpy as np
import pytest

from orb_core.charts import patterns
from pages.parts import patterns_tab
from tests.ui.app import a_run, open_app, texts


def numbers(sent):
    return np.frombuffer(base64.b64decode(sent["bdata"]), sent["dtype"])


def test_every_trade_counts_in_every_pattern():
    run = a_run("factors.adx.enabled=true", "factors.vwap.enabled=false")
    app = open_app("run", run=run.run_id, tab="Patterns")
    tables = [frame.value for frame in app.dataframe]
    (factors,) = [table for table in tables if "factor" in table]
    assert factors["factor"].tolist() == [
        "Relative volume",
        "Price action",
        "Prior day's value",
        "Trend strength (ADX)",
    ]
    total = run.manifest.totals.trades
    assert (factors["n_with"] + factors["n_without"] == total).all()
    lowest = {}
    for what in ("Opening range / ATR", "Opening gap / ATR", "Minutes held"):
        app.button_group(key="patterns.against").set_value(what).run()
        quarters = next(frame.value for frame in app.dataframe if "low" in frame.value)
        assert quarters["trades"].sum() == total, what
        lowest[what] = quarters["low"].min()
    assert lowest["Opening gap / ATR"] < 0 < lowest["Opening range / ATR"] < 1 <= lowest["Minutes held"]


def test_r_is_drawn_against_one_thing_at_a_time_the_score_among_them():
    run = a_run()
    app = open_app("run", run=run.run_id, tab="Patterns")
    charts = app.get("plotly_chart")
    assert len(charts) == 3
    assert not any("score" in chart.proto.spec.lower() for chart in charts)

    app.button_group(key="patterns.against").set_value("Score").run()
    (groups,) = [frame.value for frame in app.dataframe if "average_r" in frame.value]
    taken = run.all_trades().groupby("score")["realized_r"].agg(["size", "mean"])
    assert len(taken) > 1
    assert groups["score"].tolist() == taken.index.tolist()
    assert groups["trades"].tolist() == taken["size"].tolist()

    charts = app.get("plotly_chart")
    assert len(charts) == 3
    figure = json.loads(charts[-1].proto.spec)
    assert figure["layout"]["xaxis"]["title"]["text"] == "Score at the signal, points"
    named = [f"{score:g}<br>{n} trades" for score, n in taken["size"].items()]
    assert figure["layout"]["xaxis"]["ticktext"] == named
    (bars,) = figure["data"]
    assert numbers(bars["y"]) == pytest.approx(taken["mean"])
    assert numbers(bars["y"]) + numbers(bars["error_y"]["array"]) == pytest.approx(groups["average_r_high"])


def test_trades_whose_gap_is_not_known_are_left_out_and_counted():
    run = a_run("data.warmup_sessions=0", end=date(2024, 1, 31))
    first = run.all_trades()["session_date"] == "2024-01-02"
    assert first.sum() == 2
    app = open_app("run", run=run.run_id, tab="Patterns")
    app.button_group(key="patterns.against").set_value("Opening gap / ATR").run()
    assert "R against :gray[· 2 trades without it]" in texts(app).replace("*", "")
    gap = next(frame.value for frame in app.dataframe if "low" in frame.value and (frame.value["low"] < 0).any())
    assert gap["trades"].sum() == run.manifest.totals.trades - 2


def test_a_single_trade_is_counted_as_one_and_no_range_is_invented():
    run = a_run("governance.max_signals_per_day=1", "data.warmup_sessions=0", end=date(2024, 1, 2))
    assert run.manifest.totals.trades == 1
    app = open_app("run", run=run.run_id, tab="Patterns")
    assert "1 trade without it" in texts(app)
    assert "Not known of any trade" in texts(app)
    factors = next(frame.value for frame in app.dataframe if "factor" in frame.value)
    assert set(factors["range"]) == {"–"}


def test_a_run_without_trades_has_no_patterns_and_says_so():
    app = open_app("run", run=a_run("orb.min_atr_mult=0.99").run_id, tab="Patterns")
    assert "no trades to find patterns in" in texts(app)


def test_a_run_without_factors_says_so():
    off = [f"factors.{name}.enabled=false" for name in ("rel_volume", "price_action", "profile_proxy", "vwap", "adx")]
    app = open_app("run", run=a_run(*off, "scoring.enabled=false").run_id, tab="Patterns")
    assert "No factor was switched on" in texts(app)
    assert "no trade has a score" not in texts(app)
    app.button_group(key="patterns.against").set_value("Score").run()
    assert "no trade has a score" in texts(app)
    assert len(app.get("plotly_chart")) == 2


@pytest.mark.parametrize(
    ("low", "high", "n", "said"),
    [
        (0.1, 0.5, 10, "hardly chance"),
        (-0.1, 0.5, 10, "could be chance"),
        (0.1, 0.5, 9, "too few trades"),
        (float("nan"), float("nan"), 500, "too few trades"),
    ],
)
def test_a_difference_between_a_handful_of_trades_and_the_rest_is_not_judged(low, high, n, said):
    assert patterns_tab._verdict(low, high, n) == said


def test_more_trades_than_can_be_told_apart_are_drawn_by_lot_and_the_tab_says_so(monkeypatch):
    run = a_run()
    n = run.manifest.totals.trades
    assert "picked by lot" not in texts(open_app("run", run=run.run_id, tab="Patterns"))
    for module in (patterns, patterns_tab):
        monkeypatch.setattr(module, "POINTS", 20)
    app = open_app("run", run=run.run_id, tab="Patterns")
    assert f"Points are 20 of the {n} trades, picked by lot" in texts(app)
    for chart in app.get("plotly_chart")[1:]:
        traces = json.loads(chart.proto.spec)["data"]
        named = [trace for trace in traces if "quarter" not in trace["name"]]
        assert sum(len(numbers(trace["y"])) for trace in named) == 20


def test_the_legends_count_every_trade_even_where_some_are_drawn_by_lot(monkeypatch):
    run = a_run()
    trades = run.all_trades()
    wins = int((trades["realized_r"] > 0).sum())
    for module in (patterns, patterns_tab):
        monkeypatch.setattr(module, "POINTS", 20)
    app = open_app("run", run=run.run_id, tab="Patterns")
    quarters = next(frame.value["trades"] for frame in app.dataframe if "low" in frame.value)
    how_far, against = (
        [trace["name"] for trace in json.loads(chart.proto.spec)["data"]] for chart in app.get("plotly_chart")[1:]
    )
    assert how_far == [f"Wins · {wins}", f"Others · {len(trades) - wins}"]
    assert against[0] == f"Trades · {len(trades)}"
    assert f"({quarters.min()} to {quarters.max()} each)" in against[1]


def test_every_column_of_the_factor_table_has_a_name_of_its_own():
    app = open_app("run", run=a_run().run_id, tab="Patterns")
    (table,) = [frame for frame in app.dataframe if "factor" in frame.value]
    names = [column["label"] for column in json.loads(table.proto.columns).values() if column.get("label")]
    assert len(names) == len(set(names)) == len(table.value.columns)
