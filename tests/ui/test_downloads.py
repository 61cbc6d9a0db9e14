from orb_core.service import default_store
from orb_core.store.run_zip import pack
from tests.ui.app import a_run, open_app, rerun, texts


def test_the_setup_offers_trades_and_the_whole_run():
    app = open_app("run", run=a_run().run_id, tab="Setup")
    labels = [button.proto.label for button in app.get("download_button")]
    assert {"Trades, CSV", "Trades, Parquet", "Run, zip"} <= set(labels)


def test_a_deleted_run_comes_back_from_its_zip():
    run = a_run()
    packed = pack(run)
    default_store().delete(run.run_id)
    app = open_app("runs")
    app.file_uploader(key="runs.zip").set_value((f"{run.run_id}.zip", packed, "application/zip"))
    assert len(rerun(app).data_editor[0].value) == 1
    assert default_store().load(run.run_id).manifest == run.manifest


def test_a_zip_that_is_no_run_says_why_and_changes_nothing():
    app = open_app("runs")
    app.file_uploader(key="runs.zip").set_value(("<b>.zip", b"nothing", "application/zip"))
    assert "<b>.zip is not a zip file that can be read" in texts(rerun(app))
    assert default_store().list() == []
