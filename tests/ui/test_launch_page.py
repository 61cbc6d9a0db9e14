import errno
import json
import os
import re
from datetime import date

import pytest

from orb_core import durable
from orb_core.analytics.words import breakeven_win_rate
from orb_core.config.load import load_config
from orb_core.service import RunRequest, SourceSpec, default_store, run_and_save
from pages.parts import result
from tests.ui.app import a_run, open_app, rerun, texts, wait_for_the_run


def a_form():
    return open_app()


def setting(app, kind, path):
    return getattr(app, kind)(key=f"set.{path}")


def test_a_first_visit_offers_the_demo_and_one_click_shows_its_result():
    app = open_app()
    assert "Nothing has been run yet" in texts(app)
    app.button(key="launch.demo").click()
    wait_for_the_run(rerun(app))
    assert [m.label for m in app.metric] == ["Total", "Per trade", "Trades", "Win rate", "Worst drop", "Costs"]
    assert "Made-up prices" in texts(app)
    assert len(app.get("plotly_chart")) == 1
    (line,) = default_store().list()
    assert line.manifest.origin == "app"


def test_the_same_run_twice_is_stored_once_and_shown_again():
    app = open_app()
    for _ in range(2):
        app.button(key="launch.run_button").click()
        wait_for_the_run(rerun(app))
    assert len(default_store().list()) == 1


def test_launch_shows_the_newest_run_whoever_made_it():
    run = a_run("orb.base_minutes=30")
    app = open_app()
    assert "30-min OR, adaptive" in texts(app)
    assert run.manifest.origin == "cli"


def test_a_changed_setting_is_counted_run_and_resettable():
    app = a_form()
    setting(app, "number_input", "costs.commission_per_unit").set_value(0.0035)
    rerun(app)
    app.session_state["form.view"] = "Changed"
    rerun(app)
    assert "Preset: 0.005 $" in texts(app)
    app.button(key="form.reset.costs.commission_per_unit").click()
    rerun(app)
    assert app.session_state["set.costs.commission_per_unit"] == 0.005
    assert "Nothing differs from the preset" in texts(app)


def test_small_numbers_keep_their_decimals():
    commission = setting(a_form(), "number_input", "costs.commission_per_unit")
    assert commission.proto.format == "%g"
    assert commission.value == 0.005


def test_the_parts_of_a_position_say_that_they_are_shares():
    app = a_form()
    labels = [setting(app, "number_input", f"trade.{part}").label for part in ("t1_pct", "t2_pct")]
    assert labels == ["First part (share)", "Second part (share)"]


def test_a_problem_is_told_beside_its_field_and_stops_run():
    app = a_form()
    setting(app, "number_input", "orb.base_minutes").set_value(45)
    rerun(app)
    said = texts(app)
    assert "1 field needs mending" in said
    assert "Must be at least “Opening range”" in said
    app.button(key="launch.run_button").click()
    rerun(app)
    assert default_store().list() == []
    setting(app, "number_input", "orb.long_or_minutes").set_value(60)
    rerun(app)
    assert "mending" not in texts(app)


def test_settings_that_make_no_difference_are_not_shown():
    app = a_form()
    assert "set.trade.primary_r" not in {w.key for w in app.number_input}
    setting(app, "toggle", "trade.partials").set_value(False)
    rerun(app)
    shown = {w.key for w in app.number_input}
    assert "set.trade.primary_r" in shown
    assert "set.trade.t1_r" not in shown


def test_the_words_of_a_choice_stand_for_its_code():
    stop = setting(a_form(), "selectbox", "trade.stop_mode")
    assert stop.value == "or_opposite"
    assert "Other side of the range" in stop.options


def test_a_search_finds_a_setting_of_any_section():
    app = a_form()
    app.text_input(key="form.find").set_value("leverage")
    rerun(app)
    assert "set.sizing.max_leverage" in {w.key for w in app.number_input}
    assert "set.orb.base_minutes" not in {w.key for w in app.number_input}


def test_a_view_that_hides_changed_settings_says_how_many():
    app = a_form()
    app.session_state["set.sizing.max_leverage"] = 2.0
    rerun(app)
    assert "1 changed setting is not shown in this view" in texts(app)


def test_choosing_a_preset_fills_the_form():
    app = a_form()
    app.selectbox(key="form.preset_choice").set_value("first_hour_breakout")
    rerun(app)
    assert app.session_state["set.orb.base_minutes"] == 60


def test_pasted_symbols_are_read_and_what_was_mended_is_said():
    app = a_form()
    app.multiselect(key="ask.symbols").set_value(["SPY", "qqq, iwm\nqqq"])
    rerun(app)
    assert app.session_state["ask.symbols"] == ["SPY", "QQQ", "IWM"]
    assert "qqq is read as QQQ" in texts(app)


def test_three_hundred_symbols_pasted_with_commas_blanks_and_line_breaks_are_all_read():
    names = [f"S{i}" for i in range(300)]
    pasted = ", ".join(names[:100]) + "\n" + " ".join(names[100:200]) + "\r\n\t" + "\n".join(names[200:])
    app = a_form()
    app.multiselect(key="ask.symbols").set_value(["SPY", pasted])
    rerun(app)
    assert app.session_state["ask.symbols"] == ["SPY", *names]
    assert "mending" not in texts(app)


def test_of_many_mended_or_wrong_symbols_a_few_are_told_and_the_others_counted():
    app = a_form()
    app.multiselect(key="ask.symbols").set_value([" ".join(f"s{i}" for i in range(300))])
    rerun(app)
    assert "s2 is read as S2; and 297 more." in texts(app)
    app.multiselect(key="ask.symbols").set_value([" ".join(f"a${i}" for i in range(300))])
    assert texts(rerun(app)).count("cannot be a symbol") == 3
    assert "and 297 more" in texts(app)


def test_of_many_symbols_the_one_that_cannot_be_is_named_and_the_others_are_kept():
    app = a_form()
    app.multiselect(key="ask.symbols").set_value([" ".join([*(f"S{i}" for i in range(300)), "a$b"])])
    rerun(app)
    assert "'a$b' cannot be a symbol" in texts(app)
    assert "S299" in app.session_state["ask.symbols"][0]


def test_a_full_disk_is_told_in_a_sentence_and_nothing_is_lost(monkeypatch):
    before = a_run()
    app = open_app(run=before.run_id)
    setting(app, "number_input", "orb.base_minutes").set_value(20)
    app.button(key="launch.run_button").click()

    def full(path, content):
        path.write_bytes(content[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(durable, "write", full)
    wait_for_the_run(rerun(app))
    (said,) = [error.value.replace("\\", "") for error in app.error]
    assert "No space left on device. Free space there" in said
    assert "Traceback" not in said
    assert app.session_state["set.orb.base_minutes"] == 20
    assert len(app.metric) == 6
    assert [line.run_id for line in default_store().list()] == [before.run_id]


def test_symbols_that_cannot_be_one_stop_run_and_say_why():
    app = a_form()
    app.multiselect(key="ask.symbols").set_value(["../x"])
    rerun(app)
    assert "cannot be a symbol" in texts(app)
    app.button(key="launch.run_button").click()
    rerun(app)
    assert default_store().list() == []


def test_a_file_that_is_not_there_is_an_error_and_no_traceback(tmp_path):
    app = a_form()
    app.selectbox(key="ask.source").set_value("file")
    rerun(app)
    app.text_input(key="ask.path").set_value(str(tmp_path / "nothing.csv"))
    rerun(app)
    app.button(key="launch.run_button").click()
    wait_for_the_run(rerun(app))
    assert "nothing.csv" in texts(app)


def test_a_run_without_trades_says_why():
    a_run("orb.min_atr_mult=0.99")
    said = open_app()
    assert "No trade was taken" in texts(said)
    (reason,) = [row for row in said.dataframe[0].value.to_dict("records") if "narrow" in row["why"]]
    assert reason == {
        "count": "61 of 61 sessions",
        "why": "The opening range was too narrow",
        "setting": "Narrowest range: 0.99 × ATR",
    }
    assert ":material/warning:" not in texts(said)


def test_a_run_without_trades_leads_to_its_days():
    run = a_run("governance.time_cutoff='09:31'")
    app = open_app()
    rows = app.dataframe[0].value.set_index("why")
    assert rows.loc["Tradable, but no breakout was taken", "count"] == "61 of 61 sessions"
    assert rows.loc["After the entry cutoff", "setting"] == "No entries from: 09:31"
    app.button(key="result.days").click()
    rerun(app)
    assert (app.query_params["run"], app.query_params["tab"]) == (run.run_id, "Days")
    assert "Every session" in texts(app)


def test_each_symbol_s_win_rate_stands_beside_the_one_that_breaks_even():
    run = a_run(symbols=("SPY", "QQQ"))
    table = open_app().dataframe[0].value.set_index("symbol")
    for symbol in ("SPY", "QQQ"):
        metrics = run.metrics(symbol)
        assert table.loc[symbol, "win"] == pytest.approx(100 * metrics["win_rate"])
        assert table.loc[symbol, "breakeven"] == pytest.approx(100 * breakeven_win_rate(metrics))


def test_what_one_r_is_and_the_days_are_told_below_the_title():
    a_run()
    (about,) = [caption.value for caption in open_app().caption if "1 R" in caption.value]
    said = about.replace("\\", "")
    assert "61 days, 1 without a trade" in said
    assert said.endswith("1 R = what the trade risked, entry to stop")


@pytest.mark.parametrize("dates", [(date(1985, 1, 2), date(1985, 3, 29)), (date(2024, 1, 2), date(2099, 1, 5))])
def test_a_run_of_days_that_cannot_be_asked_for_does_not_break_the_field_of_dates(dates):
    run = a_run()
    asked = run.folder / "config.json"
    start, end = map(str, dates)
    asked.write_text(json.dumps({**json.loads(asked.read_text()), "start": start, "end": end}))
    app = open_app(run=run.run_id)
    field = app.date_input(key="ask.dates")
    assert field.value == dates
    field.set_value((date(2024, 2, 1), date(2024, 2, 29)))
    for _ in range(2):
        rerun(app)
        assert app.date_input(key="ask.dates").value == (date(2024, 2, 1), date(2024, 2, 29))


@pytest.fixture
def bad_symbols(monkeypatch):
    """Symbols whose name begins with BAD have no bars."""
    from orb_core import service
    from orb_core.errors import NoBarsError

    fetch = service.SyntheticSource.fetch

    def failing(self, symbol, *args):
        if symbol.startswith("BAD"):
            raise NoBarsError(f"no bars of {symbol}")
        return fetch(self, symbol, *args)

    monkeypatch.setattr(service.SyntheticSource, "fetch", failing)


@pytest.mark.usefixtures("bad_symbols")
def test_a_symbol_that_failed_is_named_first_and_marked_in_a_word_in_the_table():
    a_run(symbols=("SPY", "BAD"))
    app = open_app()
    assert "BAD failed: no bars of BAD. Mend this, or run without it." in texts(app)
    assert app.dataframe[0].value["note"].tolist() == ["", "Failed"]


@pytest.mark.usefixtures("bad_symbols")
def test_a_symbol_that_failed_is_told_where_the_others_made_no_trade():
    a_run("orb.min_atr_mult=0.99", symbols=("SPY", "BAD"))
    said = texts(open_app())
    assert "No trade was taken" in said
    assert "BAD failed: no bars of BAD" in said
    assert "no trades in" not in said


def test_a_long_warning_is_a_line_with_what_to_do_and_waits_in_full_behind_a_button(tmp_path):
    a_run().bars("SPY").to_parquet(tmp_path / "SPY.parquet")
    dates = date(2024, 1, 2), date(2024, 3, 28)
    request = RunRequest(load_config(), ("SPY", "DIA"), *dates, SourceSpec("file", tmp_path))
    run_and_save(request, default_store())
    first, *others = [m.value.replace("\\", "") for m in open_app().markdown if "DIA failed" in m.value]
    assert first == ":orange[:material/warning:] DIA failed: no file for DIA. Mend this, or run without it."
    (in_full,) = others
    assert str(tmp_path) in in_full


@pytest.mark.parametrize("letters", [90, 300])
def test_a_warning_without_a_full_stop_is_cut_to_a_line(letters):
    line = result._in_a_line("word " * (letters // 5) + "end")
    assert len(line) <= result.LINE
    assert line.endswith("end" if letters < result.LINE else "word …")


@pytest.mark.usefixtures("bad_symbols")
def test_where_no_symbol_could_be_run_each_reason_is_told_until_they_are_many():
    names = tuple(f"BAD{i}" for i in range(15))
    a_run(symbols=names)
    said = texts(open_app())
    assert "No symbol could be run" in said
    assert "BAD11 failed: no bars of BAD11" in said
    assert "BAD12 failed" not in said
    assert "And 3 more like these" in said


@pytest.mark.usefixtures("bad_symbols")
def test_of_many_warnings_beside_a_result_some_are_told_and_the_others_counted():
    a_run(symbols=("SPY", *(f"BAD{i}" for i in range(30))))
    said = texts(open_app())
    assert "BAD12 failed" in said
    assert "BAD13 failed" not in said
    assert re.search(r"And \d+ more\.", said)


@pytest.mark.parametrize("path", ["../../etc", "nope", "<script>", "a" * 100])
def test_an_address_with_a_run_that_is_not_there_says_so(path):
    app = open_app(run=path)
    assert len(app.error) == 1


def test_bars_of_a_file_are_run_like_any_others(tmp_path):
    bars = a_run().bars("SPY")
    path = tmp_path / "SPY.parquet"
    bars.to_parquet(path)
    app = a_form()
    app.selectbox(key="ask.source").set_value("file")
    rerun(app)
    app.text_input(key="ask.path").set_value(str(path))
    app.date_input(key="ask.dates").set_value((date(2024, 2, 1), date(2024, 3, 28)))
    app.button(key="launch.run_button").click()
    wait_for_the_run(rerun(app))
    assert "File SPY.parquet" in texts(app)
    assert "Made-up prices" not in texts(app)
    app.text_input(key="ask.path").set_value(str(tmp_path))
    app.date_input(key="ask.dates").set_value((date(2024, 2, 1), date(2024, 3, 27)))
    app.button(key="launch.run_button").click()
    assert f"Folder {tmp_path.name}" in texts(wait_for_the_run(rerun(app)))


def test_a_first_day_without_a_last_one_stops_run():
    app = a_form()
    app.date_input(key="ask.dates").set_value((date(2024, 2, 1),))
    rerun(app)
    assert "Choose the last day" in texts(app)


def test_two_sessions_do_not_disturb_each_other():
    one, other = a_form(), a_form()
    setting(one, "number_input", "orb.base_minutes").set_value(20)
    rerun(one)
    other.selectbox(key="form.preset_choice").set_value("first_hour_breakout")
    other.multiselect(key="ask.symbols").set_value(["QQQ"])
    rerun(other)
    assert (rerun(one).session_state["set.orb.base_minutes"], one.session_state["ask.symbols"]) == (20, ["SPY"])
    assert other.session_state["set.orb.base_minutes"] == 60


def test_settings_survive_a_look_at_other_pages():
    app = a_form()
    setting(app, "number_input", "orb.base_minutes").set_value(20)
    setting(app, "selectbox", "trade.stop_mode").set_value("or_midpoint")
    rerun(app)
    for page in ("runs", "data", "launch"):
        app.switch_page(f"pages/{page}.py")
        rerun(app)
    assert setting(app, "number_input", "orb.base_minutes").value == 20
    assert setting(app, "selectbox", "trade.stop_mode").value == "or_midpoint"


def test_a_reload_finds_the_settings_of_the_run_that_is_shown():
    run = a_run("orb.base_minutes=30", symbols=("QQQ",))
    a_run()
    app = open_app(run=run.run_id)
    assert app.session_state["set.orb.base_minutes"] == 30
    assert app.session_state["ask.symbols"] == ["QQQ"]
    assert app.selectbox(key="form.preset_choice").value == "Opening range 30 minutes"
    app.selectbox(key="form.preset_choice").set_value("Defaults")
    rerun(app)
    assert app.session_state["set.orb.base_minutes"] == 15
