import json

import numpy as np
import pytest

from orb_core.analytics.words import r_multiple
from orb_core.service import default_store, request_again, run_and_save
from tests.ui.app import a_run, open_app, rerun, texts


@pytest.fixture
def pair():
    return a_run(), a_run("trade.stop_mode=or_midpoint", "costs.slippage_ticks=2.0")


def opened(*runs):
    return open_app("compare", runs=",".join(run.run_id for run in runs))


def tables(app, column):
    return [frame.value for frame in app.dataframe if column in frame.value]


def test_two_runs_have_a_verdict_the_settings_that_differ_and_their_trades(pair):
    app = opened(*pair)
    said = texts(app)
    assert "shared days" in said
    assert "Costs differ (“Slippage”)" in said
    (settings,) = tables(app, "Key")
    assert set(settings["Key"]) == {"trade.stop_mode", "costs.slippage_ticks"}
    (trades,) = tables(app, "what")
    assert "Same" not in set(trades["what"])


def test_the_bridge_leads_from_a_to_b(pair):
    app = opened(*pair)
    (bridge,) = [frame.value for frame in app.dataframe if "Part" in frame.value]
    a, b = (run.manifest.totals.total_r for run in pair)
    assert bridge["R"].sum() == pytest.approx(b - a)
    figure = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][0]
    assert figure["y"][0] == "A"
    assert figure["y"][-1] == "B"


def test_a_and_b_change_places(pair):
    app = opened(*pair)
    app.button(key="compare.swap").click()
    rerun(app)
    assert app.query_params["runs"] == f"{pair[1].run_id},{pair[0].run_id}"
    assert app.selectbox(key="compare.A").value == pair[1].run_id


def test_another_run_is_chosen_in_its_place(pair):
    third = a_run("orb.base_minutes=30")
    app = opened(*pair)
    app.selectbox(key="compare.B").set_value(third.run_id)
    rerun(app)
    assert app.query_params["runs"] == f"{pair[0].run_id},{third.run_id}"
    assert "Opening range" in " ".join(tables(app, "Key")[0]["Setting"])


def test_a_run_beside_itself_made_the_same_trades():
    run = a_run()
    app = open_app("compare", runs=run.run_id)
    assert "Choose two runs" in texts(app)
    app.selectbox(key="compare.B").set_value(run.run_id)
    assert "Choose two runs" in texts(rerun(app))


def test_equal_runs_are_drawn_once_and_said_to_be_equal(pair):
    store = default_store()
    again = run_and_save(request_again(pair[0].run_id, store), store)
    app = open_app("compare", runs=f"{pair[0].run_id},{again.run_id}")
    totals, days = pair[0].manifest.totals, pair[0].frame("SPY", "sessions").query("not warmup")
    assert (
        f"A and B traded the same: {totals.trades} trades on {len(days)} shared days, {r_multiple(totals.total_r)} "
        "in each." in texts(app)
    )
    assert "B is A once more" in texts(app)
    (chart,) = app.get("plotly_chart")
    assert [line["name"] for line in json.loads(chart.proto.spec)["data"]] == ["A and B"]
    assert not tables(app, "Part")
    assert not tables(app, "what")
    assert [link.proto.label for link in app.get("page_link")][-2:] == ["Trades of A", "Trades of B"]


def test_settings_that_changed_no_trade_are_said_not_to_have():
    app = opened(a_run(), a_run("governance.max_signals_per_day=50"))
    assert "traded the same" in texts(app)
    assert tables(app, "Key")[0]["Key"].tolist() == ["governance.max_signals_per_day"]
    assert "none of this changed a trade" in texts(app)
    assert "once more" not in texts(app)


def test_two_runs_without_trades_lead_to_the_days_that_say_why():
    app = opened(a_run("orb.min_atr_mult=0.99"), a_run("orb.min_atr_mult=0.98"))
    assert "Neither A nor B traded on" in texts(app)
    assert not app.get("plotly_chart")
    assert [link.proto.label for link in app.get("page_link")][-2:] == ["Why A did not trade", "Why B did not trade"]


def test_no_r_is_minus_zero(pair):
    run = a_run("trade.stop_mode=or_midpoint", "costs.slippage_ticks=1.001")
    app = opened(a_run("trade.stop_mode=or_midpoint"), run)
    app.button_group(key="compare.which").set_value("All").run()
    (trades,) = tables(app, "what")
    (bridge,) = tables(app, "Part")
    for r in (trades["difference"], bridge["R"]):
        zeros = r[r.abs() < 0.005]
        assert len(zeros)
        assert not np.signbit(zeros).any()


def test_a_list_without_trades_says_in_words_what_there_is_none_of(pair):
    app = opened(*pair)
    app.button_group(key="compare.which").set_value("Same").run()
    assert not tables(app, "what")
    assert "No trade is the same in both runs." in texts(app)


def test_of_several_runs_the_others_are_compared_when_one_is_gone(pair):
    from orb_core.service import default_store

    third = a_run("orb.base_minutes=30")
    default_store().delete(third.run_id)
    app = opened(third, *pair)
    assert [f"There is no run '{third.run_id}'" in error.value.replace("\\", "") for error in app.error] == [True]
    assert "shared days" in texts(app)
    assert app.selectbox(key="compare.A").value == pair[0].run_id
    assert app.selectbox(key="compare.B").value == pair[1].run_id
    app.button(key="compare.swap").click()
    assert not rerun(app).error


def test_more_than_two_runs_share_a_table_and_a_chart(pair):
    third = a_run("orb.base_minutes=30", symbols=("QQQ",))
    app = opened(*pair, third)
    (table,) = tables(app, "Worst drop")
    assert table[""].tolist() == ["A", "B", "C"]
    assert [link.proto.label for link in app.get("page_link")][-3:] == ["Open A", "Open B", "Open C"]
    assert len(app.get("plotly_chart")) == 3


def test_the_table_and_chart_of_more_than_two_runs_stand_above_the_pair(pair):
    app = opened(*pair, a_run("orb.base_minutes=30"))
    assert "Worst drop" in app.dataframe[0].value
    together = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert [line["name"] for line in together["data"]] == ["A", "B", "C"]
    assert together["layout"]["xaxis"]["title"]["text"] == "Exit, New York time"
    assert "Below, B is held against A" in texts(app)


def test_runs_are_shown_with_their_total_if_unclear_fills_went_the_trades_way(pair):
    (table,) = tables(opened(*pair), "Up to")
    assert table["Up to"].tolist() == [run.manifest.totals.total_r_optimistic for run in pair]


def test_times_of_entry_name_the_exchange_s_zone(pair):
    app = opened(*pair)
    (shown,) = [frame for frame in app.dataframe if "what" in frame.value]
    assert json.loads(shown.proto.columns)["in_a"]["label"] == "In A, New York"


def test_runs_without_a_day_in_common_have_nothing_to_compare(pair):
    other = a_run(symbols=("QQQ",))
    assert "share no day" in texts(opened(pair[0], other))


def test_a_run_without_trades_is_compared_like_any_other(pair):
    app = opened(pair[0], a_run("orb.min_atr_mult=0.99"))
    (trades,) = tables(app, "what")
    assert set(trades["what"]) == {"Only in A"}
    (figures,) = tables(app, "Worst drop")
    assert figures.loc[1, ["Total R", "Up to", "Per trade", "Worst drop"]].isna().all()


@pytest.mark.parametrize("runs", ["nope,nada", "../../etc/passwd,x", "<script>"])
def test_an_address_with_runs_that_are_not_there_says_so(runs):
    assert len(open_app("compare", runs=runs).error) == 1


def test_without_an_address_two_runs_can_be_chosen(pair):
    app = open_app("compare")
    app.selectbox(key="compare.A").set_value(pair[0].run_id)
    rerun(app)
    app.selectbox(key="compare.B").set_value(pair[1].run_id)
    assert "shared days" in texts(rerun(app))


def test_titles_are_shown_as_text(pair):
    from orb_core.service import default_store

    default_store().annotate(pair[0].run_id, title="**bold** <b>x</b>")
    app = opened(*pair, a_run("orb.base_minutes=30"))
    assert not app.exception
    assert tables(app, "Worst drop")[0]["Run"].iloc[0].startswith("**bold** <b>x</b>")


def test_ticked_runs_are_compared_the_newer_one_against_the_older(pair):
    app = open_app("runs")
    assert app.button(key="runs.compare").disabled
    app.session_state["runs.picked"] = {run.run_id for run in pair}
    rerun(app).button(key="runs.compare").click()
    assert "shared days" in texts(rerun(app))
    assert app.query_params["runs"] == f"{pair[0].run_id},{pair[1].run_id}"
