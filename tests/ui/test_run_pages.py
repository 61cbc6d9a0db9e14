import json
from datetime import date

import pytest

from orb_core.service import default_store
from pages.parts.trades_table import trades_table
from tests.ui.app import a_run, open_app, rerun, texts


def test_the_list_of_runs_is_empty_with_a_way_on():
    app = open_app("runs")
    assert "No run is stored in" in texts(app)


def test_every_run_is_listed_newest_first_with_what_sets_it_apart():
    a_run()
    a_run("orb.base_minutes=30")
    table = open_app("runs").data_editor[0].value
    assert table["title"].tolist() == ["Opening range 30 minutes", "Defaults"]
    assert table["symbols"].tolist() == ["SPY", "SPY"]
    assert len(table["equity"].iloc[0]) > 1


def test_a_run_of_the_command_line_appears_by_itself():
    app = open_app("runs")
    a_run()
    assert len(rerun(app).data_editor[0].value) == 1


def test_a_broken_run_folder_is_listed_with_its_reason_and_breaks_nothing():
    run = a_run()
    (run.folder.parent / "broken").mkdir()
    app = open_app("runs")
    assert len(app.data_editor[0].value) == 1
    assert "broken has no run.json" in texts(app)
    (run.folder / "run.json").write_text("{")
    assert "No run is stored" in texts(rerun(app))


def test_titles_are_text_and_never_markup():
    run = a_run()
    default_store().annotate(run.run_id, title="**bold** <b>x</b> :red[y]")
    app = open_app("run", run=run.run_id)
    (heading,) = [m.value for m in app.markdown if m.value.startswith("####")]
    assert "\\*\\*bold\\*\\* \\<b\\>x\\</b\\> \\:red\\[y\\]" in heading


def test_the_overview_shows_headline_unclear_fills_and_sharpe():
    app = open_app("run", run=a_run().run_id)
    labels = [m.label for m in app.metric]
    assert labels == ["Total", "Per trade", "Trades", "Win rate", "Worst drop", "Costs", "Unclear fills", "Sharpe"]
    assert all(len(m.help) > 40 for m in app.metric)
    assert "Made-up prices" in texts(app)


def test_only_the_open_tab_is_computed():
    run = a_run()
    app = open_app("run", run=run.run_id, tab="Trades")
    assert not app.metric
    trades = app.dataframe[0].value
    assert len(trades) == run.manifest.totals.trades
    assert trades["date"].iloc[0] == "2024-01-02 Tue"
    assert set(trades["side"]) <= {"▲ long", "▼ short"}


def test_the_setup_tells_what_differs_and_on_which_bars():
    run = a_run("trade.stop_mode=or_midpoint")
    app = open_app("run", run=run.run_id, tab="Setup")
    (difference,) = app.dataframe[0].value.to_dict("records")
    assert difference["This run"] == "Middle of the range"
    assert difference["Default"] == "Other side of the range"
    assert "stop_mode: or_midpoint" in app.code[0].value


def test_a_clone_takes_settings_symbols_and_dates_to_launch():
    run = a_run("orb.base_minutes=30", symbols=("QQQ", "IWM"))
    app = open_app("run", run=run.run_id, tab="Setup")
    app.button(key="run.clone").click()
    rerun(app)
    assert app.session_state["set.orb.base_minutes"] == 30
    assert app.session_state["ask.symbols"] == ["QQQ", "IWM"]
    assert app.session_state["ask.dates"] == (run.manifest.start, run.manifest.end)


def first_trade(run):
    trade = run.all_trades().iloc[0]
    return {
        "run": run.run_id,
        "symbol": trade["symbol"],
        "date": f"{trade['session_date']:%Y-%m-%d}",
        "trade": trade["trade_id"],
    }


def chart(app):
    return json.loads(app.get("plotly_chart")[0].proto.spec)


def test_a_session_shows_its_trade_on_the_chart_and_in_words():
    run = a_run()
    app = open_app("session", **first_trade(run))
    names = {trace.get("name") for trace in chart(app)["data"]}
    assert {"Price", "Volume", "VWAP", "Entry", "Stop in force"} <= names
    said = texts(app)
    assert "Opening range 09:30–" in said
    assert "1 R =" in said
    assert "Made-up prices" in said
    assert [frame.value.columns[0] for frame in app.dataframe] == ["Time, New York", "Factor"]


def test_the_next_trade_is_one_click_away():
    run = a_run()
    app = open_app("session", **first_trade(run))
    assert app.button(key="session.arrow_back").disabled
    app.button(key="session.arrow_forward").click()
    rerun(app)
    assert app.query_params["trade"] == run.all_trades()["trade_id"].iloc[1]


def test_a_day_without_a_trade_shows_every_breakout_and_why_it_was_refused():
    run = a_run("governance.time_cutoff='09:31'")
    day = run.frame("SPY", "signals")["session_date"].iloc[0]
    app = open_app("session", run=run.run_id, symbol="SPY", date=f"{day:%Y-%m-%d}")
    (refused,) = [trace for trace in chart(app)["data"] if trace["name"] in {"Entry", "Refused"}]
    assert "After the 09:31 cutoff" in refused["customdata"][0]
    assert set(app.dataframe[0].value["What became of it"]) == {"After the 09:31 cutoff"}


def test_a_trade_that_goes_on_over_night_says_on_which_day_it_ended():
    run = a_run("governance.flatten_at_session_end=false")
    trades = run.all_trades()
    later = trades[trades["exit_local"].dt.date > trades["entry_local"].dt.date].iloc[0]
    where = {"run": run.run_id, "symbol": "SPY", "date": f"{later['session_date']:%Y-%m-%d}"}
    left = later["exit_local"]
    said = texts(open_app("session", **where, trade=later["trade_id"]))
    assert f"→ {left:%A} {left.day} {left:%B} {left:%H:%M} (" in said
    (row,) = trades_table(trades[trades["trade_id"] == later["trade_id"]])["out"]
    assert row == f"{left:%m-%d %H:%M}"


def test_a_breakouts_score_and_what_it_needed_are_numbers_and_a_factor_says_yes_or_no():
    run = a_run()
    breakouts, factors = (frame.value for frame in open_app("session", **first_trade(run)).dataframe)
    trade = run.all_trades().iloc[0]
    taken = breakouts[breakouts["What became of it"] == "Taken"].iloc[0]
    assert (taken["Score"], taken["Needed"]) == (trade["score"], trade["required"])
    assert set(factors["Agreed"]) <= {"yes", "no"}


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("run", {"run": "nope"}),
        ("run", {"run": "../../etc/passwd"}),
        ("session", {"run": "nope", "date": "2024-01-02"}),
    ],
)
def test_an_address_of_a_run_that_is_not_there_says_so(page, query):
    assert len(open_app(page, **query).error) == 1


def test_a_day_of_several_trades_says_which_of_them_is_looked_at():
    run = a_run()
    trades = run.all_trades()
    of_day = trades[trades["session_date"].duplicated(keep=False)].iloc[:2]
    where = {"run": run.run_id, "symbol": "SPY", "date": f"{of_day['session_date'].iloc[0]:%Y-%m-%d}"}
    for number, trade_id in enumerate(of_day["trade_id"], start=1):
        assert f"Trade {number} of 2: " in texts(open_app("session", **where, trade=trade_id))
    alone = trades[~trades["session_date"].duplicated(keep=False)].iloc[0]
    where["date"] = f"{alone['session_date']:%Y-%m-%d}"
    assert "Trade 1" not in texts(open_app("session", **where))


@pytest.mark.parametrize(
    "query", [{"date": "2024-13-45"}, {"date": "<b>"}, {"date": "2024-01-06"}, {"symbol": "XX", "date": "2024-01-03"}]
)
def test_a_session_that_is_not_there_says_so(query):
    app = open_app("session", run=a_run().run_id, **query)
    assert len(app.error) == 1


def test_a_trade_that_is_not_there_shows_the_days_first():
    run = a_run()
    app = open_app("session", **{**first_trade(run), "trade": "nonsense"})
    assert "Entry" in {trace.get("name") for trace in chart(app)["data"]}


def test_a_run_deleted_while_it_is_shown_says_so():
    run = a_run()
    app = open_app("run", run=run.run_id)
    default_store().delete(run.run_id)
    app.run()
    assert len(app.error) == 1


def test_the_other_metrics_wait_in_closed_groups():
    app = open_app("run", run=a_run().run_id)
    assert [part.label.split(" · ")[0] for part in app.expander] == [
        "Wins and losses",
        "Risk",
        "Is it real",
        "Time and money",
        "Deepest drops",
    ]


def test_the_worst_warning_is_in_sight_and_the_others_are_counted():
    run = a_run("governance.max_signals_per_day=1", end=date(2024, 1, 2))
    assert run.manifest.totals.trades == 1
    app = open_app("run", run=run.run_id)
    said = [m.value.replace("\\", "") for m in app.markdown]
    (first,) = [at for at, text in enumerate(said) if ":material/warning:" in text]
    assert "Only 1 trade: too few to say anything" in said[first]
    assert said[first + 1].startswith("Less than a year, 1 session:")
    assert "1 day, 0 without a trade" in texts(app)
    assert [part.proto.popover.label for part in app.get("popover")] == ["+1 more"]


def test_a_group_shows_value_range_count_and_formula_of_each_metric():
    run = a_run()
    app = open_app("run", run=run.run_id)
    app.session_state["result.group.Wins and losses"] = True
    (group,) = [frame.value for frame in rerun(app).dataframe if "How it is computed" in frame.value]
    rows = group.set_index("Metric")
    metrics = run.metrics()
    assert rows.loc["Average win", "Value"] == f"{metrics['average_win_r']:+.2f} R"
    low, high = (float(end.removesuffix(" R")) for end in rows.loc["Average win", "95 %"].split(" … "))
    assert low < metrics["average_win_r"] < high
    assert rows.loc["Average win", "Of"] == f"{metrics['winning_trades']} winning trades"
    assert rows.loc["Payoff", "How it is computed"] == "average win / |average loss|"


def test_a_day_whose_range_was_not_tradable_does_not_say_that_price_stayed_in_it():
    run = a_run("orb.min_atr_mult=0.99", end=date(2024, 1, 5))
    said = texts(open_app("session", run=run.run_id, symbol="SPY", date="2024-01-05"))
    assert "The opening range was too narrow." in said
    assert "None was looked for: the opening range was not tradable." in said
