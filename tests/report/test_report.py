import re
from dataclasses import replace
from datetime import date
from html import unescape

import pytest
from loguru import logger

from orb_core import explore, load_config, service
from orb_core.analytics.headline import headline
from orb_core.analytics.metric_groups import metric_groups
from orb_core.errors import StoreError
from orb_core.service import RunRequest, SourceSpec

MOST_BYTES = 7_000_000
SECTIONS = (
    *("headline", "equity", "asked", "metrics", "calendar", "spread", "groups", "factors"),
    *("ranges", "days", "costs", "examples", "again"),
)
ONE_TRADE = ("entry.direction=long", "governance.max_signals_per_day=1")
NO_TRADE = ("orb.min_atr_mult=50", "orb.max_atr_mult=90")


@pytest.fixture
def store():
    return service.default_store()


@pytest.fixture(autouse=True)
def silent_console():
    logger.remove()


def saved(store, run_id, *settings, **changes):
    config = load_config(overrides=["data.warmup_sessions=2", *settings])
    request = RunRequest(
        config, ("SPY",), date(2024, 1, 29), date(2024, 2, 9), SourceSpec("synthetic"), run_id=run_id, **changes
    )
    return service.run_and_save(request, store)


def saved_symbols(store, run_id, symbols, start, end):
    request = RunRequest(load_config(), symbols, start, end, SourceSpec("synthetic"), run_id=run_id)
    service.run_and_save(request, store)


def shown_text(html):
    """What is read: the page without its styles, scripts and tags."""
    without = re.sub(r"<(style|script)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", without))


def test_a_year_of_two_symbols_fits_into_seven_megabytes_and_holds_every_section(store):
    saved_symbols(store, "year", ("SPY", "QQQ"), date(2024, 1, 2), date(2024, 12, 31))
    whole = service.report(store, "year")
    assert len(whole.encode()) < MOST_BYTES
    assert re.findall(r'<section id="(\w+)">', whole) == [*SECTIONS]
    assert whole.count("data-figure=") == 7 + 10
    spy = service.report(store, "year", "SPY")
    assert len(spy.encode()) < MOST_BYTES
    assert "<h1>SPY</h1>" in spy
    assert "By symbol" not in spy


def test_the_headline_is_that_of_the_stored_metrics(store):
    saved(store, "run")
    text = shown_text(service.report(store, "run"))
    run = store.load("run")
    for figure in headline(run.metrics(), run.equity()):
        assert f"{figure.label} {figure.value} {figure.below}" in text


def test_each_metric_stands_with_its_range_and_what_it_is_computed_from(store):
    saved_symbols(store, "two", ("SPY", "QQQ"), date(2024, 1, 29), date(2024, 3, 28))
    groups = metric_groups(store.load("two").metrics(), explore.intervals(store, "two"))
    text = unescape(shown_text(service.report(store, "two")))
    figures = [figure for group in groups.values() for figure in group]
    for figure in figures:
        assert f"{figure.meaning} {figure.value} " in text
        assert f"of {figure.of}" in text
    ranges = [figure for figure in figures if "…" in figure.range]
    assert len(ranges) > 5
    for figure in ranges:
        assert f"{figure.value} 95 %: {figure.range} of {figure.of}" in text


def test_a_symbol_s_ranges_are_of_its_own_trades(store):
    saved_symbols(store, "two", ("SPY", "QQQ"), date(2024, 1, 29), date(2024, 3, 28))
    saved_symbols(store, "alone", ("SPY",), date(2024, 1, 29), date(2024, 3, 28))
    ranges = re.compile(r"95 %: (\S+ … \S+)")
    (of_two, of_alone) = (ranges.findall(shown_text(service.report(store, run, "SPY"))) for run in ("two", "alone"))
    assert of_two == of_alone != ranges.findall(shown_text(service.report(store, "two")))


def test_each_symbol_has_its_own_figures(store):
    saved_symbols(store, "two", ("SPY", "QQQ"), date(2024, 1, 29), date(2024, 2, 9))
    run = store.load("two")
    for symbol in run.symbols:
        assert headline(run.metrics(symbol), run.frame(symbol, "equity"))[0].value in shown_text(
            service.report(store, "two", symbol)
        )


def test_what_was_asked_is_said_with_the_default_beside_it(store):
    saved(store, "run", "orb.base_minutes=30")
    text = shown_text(service.report(store, "run"))
    assert re.search(r"30 min\w* 15 min\w* orb\.base_minutes", text)
    assert "python run_backtest.py --rerun run" in text
    assert "--symbols SPY --start 2024-01-29 --end 2024-02-09 --synthetic --config settings.yaml" in text
    assert store.load("run").manifest.config_hash in text


def test_nothing_is_fetched_from_anywhere(store):
    saved(store, "run")
    page = re.sub(r"<script>.*?</script>", "", service.report(store, "run"), flags=re.DOTALL)
    assert not re.search(r"<link|<img|<iframe|\bsrc=|@import|url\(|https?://", page)
    assert "default-src 'none'" in page


def test_text_of_people_stays_text(store):
    planted = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'
    saved(store, "run")
    store.annotate("run", title=planted, note=planted)
    page = service.report(store, "run")
    assert planted not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") == 2


def test_without_a_trade_it_says_why_and_carries_no_charts(store):
    saved(store, "none", *NO_TRADE)
    page = service.report(store, "none")
    text = shown_text(page)
    assert "No trade was taken" in text
    assert "The opening range was too narrow 10" in text
    assert "How to reproduce it" in text
    assert len(page.encode()) < 100_000


def test_one_trade_is_shown_once_and_no_range_is_made_of_it(store):
    request = RunRequest(
        load_config(overrides=["data.warmup_sessions=2", *ONE_TRADE]),
        ("SPY",),
        date(2024, 1, 29),
        date(2024, 1, 29),
        SourceSpec("synthetic"),
        run_id="one",
    )
    for day in range(29, 32):
        moved = replace(request, start=date(2024, 1, day), end=date(2024, 1, day), run_id=f"one{day}")
        if service.run_and_save(moved, store).totals.trades == 1:
            break
    page = service.report(store, moved.run_id)
    text = shown_text(page)
    assert "Every trade, the best first" in text
    assert "Only 1 trade: too few" in text
    assert "too few trades for a range" in text
    assert page.count('class="example"') == 1
    assert re.findall(r'<section id="(spread|groups|factors)">', page) == []
    assert "nan" not in text.lower().split()


def test_many_trades_show_the_five_best_and_the_five_worst(store):
    saved_symbols(store, "month", ("SPY",), date(2024, 1, 2), date(2024, 1, 31))
    r = store.load("month").all_trades()["realized_r"].sort_values(ascending=False)
    assert len(r) > 10
    page = service.report(store, "month")
    rows = re.findall(r'<th scope="row">SPY \d{4}-\d\d-\d\d</th>.*?</tr>', page)
    shown = [float(re.findall(r'<td class="n[^"]*">([^<]*)</td>', row)[5].replace("−", "-")) for row in rows]
    assert shown == pytest.approx([*r.iloc[:5], *r.iloc[: -5 - 1 : -1]], abs=0.005)


def test_a_symbol_the_run_has_not_is_refused(store):
    saved(store, "run")
    with pytest.raises(StoreError, match="has no symbol 'IWM'; it has SPY"):
        service.report(store, "run", "IWM")


def test_a_folder_that_cannot_be_written_is_named(store, monkeypatch):
    saved(store, "run")

    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("orb_core.durable.replace", full)
    with pytest.raises(StoreError, match=r"combined_report\.html cannot be written: No space left on device"):
        service.write_reports(store, "run")
