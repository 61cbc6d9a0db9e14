from tests.ui.app import a_run, open_app, texts


def test_every_trade_counts_in_every_pattern():
    run = a_run("factors.adx.enabled=true", "factors.vwap.enabled=false")
    app = open_app("run", run=run.run_id, tab="Patterns")
    assert len(app.get("plotly_chart")) == 5
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
    groups = [table for table in tables if "average_r" in table]
    assert [table["trades"].sum() for table in groups] == [total] * 3


def test_a_run_without_trades_has_no_patterns_and_says_so():
    app = open_app("run", run=a_run("orb.min_atr_mult=0.99").run_id, tab="Patterns")
    assert "no trades to find patterns in" in texts(app)


def test_a_run_without_factors_says_so():
    off = [f"factors.{name}.enabled=false" for name in ("rel_volume", "price_action", "profile_proxy", "vwap", "adx")]
    app = open_app("run", run=a_run(*off, "scoring.enabled=false").run_id, tab="Patterns")
    assert "No factor was switched on" in texts(app)
