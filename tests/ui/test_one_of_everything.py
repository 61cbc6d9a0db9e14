import re
from datetime import date

import pytest

from tests.ui.app import a_run, open_app, texts

PLURAL_OF_ONE = re.compile(r"(?<![\d.,])1 (shared )?(trades|days|sessions|runs|symbols|breakouts)\b")
ONE_DAY = {"start": date(2024, 1, 2), "end": date(2024, 1, 2)}


@pytest.fixture
def one_trade():
    return a_run("governance.max_signals_per_day=1", **ONE_DAY)


@pytest.mark.parametrize("tab", ["Overview", "Trades", "Days", "Patterns", "Setup"])
def test_a_run_of_one_trade_on_one_day_is_told_in_the_singular(one_trade, tab):
    assert one_trade.manifest.totals.trades == 1
    app = open_app("run", run=one_trade.run_id, tab=tab)
    said = texts(app) + " ".join(f"{metric.value} {metric.help}" for metric in app.metric)
    assert not PLURAL_OF_ONE.search(said)
    if tab == "Trades":
        assert "1 trade ·" in said


def test_a_comparison_of_one_day_is_told_in_the_singular(one_trade):
    other = a_run("governance.max_signals_per_day=1", "trade.stop_mode=or_midpoint", **ONE_DAY)
    app = open_app("compare", runs=f"{one_trade.run_id},{other.run_id}")
    assert "1 shared day" in texts(app)
    assert not PLURAL_OF_ONE.search(texts(app))
    chart = app.get("plotly_chart")[0].proto.spec
    assert "1 trade" in chart
    assert "1 trades" not in chart
