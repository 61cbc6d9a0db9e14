from tests.ui.app import a_run, open_app


def test_a_run_of_one_symbol_offers_its_report():
    run = a_run()
    app = open_app("run", run=run.run_id, tab="Setup")
    assert "HTML report" in [button.label for button in app.get("download_button")]


def test_a_run_of_several_symbols_offers_a_report_of_each():
    app = open_app("run", run=a_run(symbols=("QQQ", "IWM")).run_id, tab="Setup")
    assert app.selectbox(key="run.report.of").options == ["All symbols", "QQQ", "IWM"]
