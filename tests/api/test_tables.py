from io import BytesIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orb_api.tables import Equity, FactorSample, Sessions, Signals, Trades
from orb_core.engine.records import FACTORS, OR_STATES
from tests.api.serving import made, serving

TABLES = {
    "trades": (Trades, "trades"),
    "equity": (Equity, "equity_curve"),
    "signals": (Signals, "signals"),
    "sessions": (Sessions, "sessions"),
}
CSV, PARQUET, ARROW = "text/csv", "application/vnd.apache.parquet", "application/vnd.apache.arrow.file"


def rows(client, table, **params):
    answer = client.get(f"/api/{table}", params={"run_id": "first", **params})
    assert answer.status_code == 200, answer.text
    model, key = TABLES[table]
    model.model_validate_json(answer.content, strict=True)
    return answer.json()[key]


def as_json(frame):
    """A frame's rows as the server should send them, worked out without it."""
    shown = {}
    for name, column in frame.items():
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            shown[name] = column.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        elif name.endswith("_local"):
            shown[name] = column.dt.strftime("%Y-%m-%dT%H:%M:%S")
        elif name == "session_date":
            shown[name] = column.dt.strftime("%Y-%m-%d")
        elif column.dtype == "float64":
            shown[name] = column.astype(object).where(column.notna(), None)
        else:
            shown[name] = column.astype(object)
    return pd.DataFrame(shown).to_dict("records")


def in_order(run, kind, by):
    whole = pd.concat([run.frame(symbol, kind) for symbol in run.symbols], ignore_index=True)
    return whole.sort_values(by, kind="stable")


class TestAgreementWithTheStore:
    def test_the_trades_are_those_of_all_symbols_with_their_cash(self, client, store):
        assert rows(client, "trades") == as_json(store.load("first").all_trades())

    def test_the_trades_of_a_symbol_are_its_own(self, client, store):
        trades = store.load("first").all_trades()

        assert rows(client, "trades", symbol="qqq") == as_json(trades[trades["symbol"] == "QQQ"])

    def test_the_equity_is_that_of_all_or_of_a_symbol(self, client, store):
        run = store.load("first")

        assert rows(client, "equity") == as_json(run.equity())
        assert rows(client, "equity", symbol="SPY") == as_json(run.frame("SPY", "equity"))

    def test_the_equity_names_the_final_r_and_worst_drop_of_the_metrics(self, client, store):
        answer = client.get("/api/equity", params={"run_id": "first", "symbol": "SPY"}).json()
        metrics = store.load("first").metrics("SPY")

        assert (answer["final_r"], answer["max_drawdown_r"]) == (metrics["total_r"], metrics["max_drawdown_r"])

    @pytest.mark.parametrize(("table", "by"), [("signals", "timestamp"), ("sessions", "session_date")])
    def test_signals_and_sessions_of_all_symbols_come_in_order_of_time(self, client, store, table, by):
        run = store.load("first")

        assert rows(client, table) == as_json(in_order(run, table, by))
        assert rows(client, table, symbol="SPY") == as_json(run.frame("SPY", table))

    def test_a_sample_of_factors_is_that_of_the_first_signals(self, client, store):
        answer = client.get("/api/factors/sample", params={"run_id": "first", "limit": 7})
        FactorSample.model_validate_json(answer.content, strict=True)
        signals = in_order(store.load("first"), "signals", "timestamp").head(7)
        columns = ["symbol", "session_date", "timestamp", "direction"]
        columns += [f"{factor}_{part}" for factor in FACTORS for part in ("value", "flag")]

        assert answer.json()["snapshots"] == as_json(signals[columns])
        assert answer.json()["sample_count"] == 7


class TestFilters:
    @pytest.mark.parametrize(
        ("params", "chosen"),
        [
            ({"direction": "long"}, lambda t: t["direction"] == "long"),
            ({"exit_reason": ["stop", "target"]}, lambda t: t["exit_reason"].isin(["stop", "target"])),
            ({"start": "2024-01-31"}, lambda t: t["session_date"] >= "2024-01-31"),
            ({"end": "2024-01-31"}, lambda t: t["session_date"] <= "2024-01-31"),
            ({"min_r": 0}, lambda t: t["realized_r"] >= 0),
            ({"max_r": -0.5}, lambda t: t["realized_r"] <= -0.5),
            (
                {"symbol": "SPY", "direction": "short", "max_r": 0},
                lambda t: (t["symbol"] == "SPY") & (t["direction"] == "short") & (t["realized_r"] <= 0),
            ),
        ],
    )
    def test_trades_are_chosen_by_side_exit_date_and_r(self, client, store, params, chosen):
        trades = store.load("first").all_trades()

        assert rows(client, "trades", **params) == as_json(trades[chosen(trades).to_numpy()])

    def test_signals_are_chosen_by_what_became_of_them(self, client, store):
        signals = in_order(store.load("first"), "signals", "timestamp")
        refused = signals["reason"].isin(["score", "max_signals"]) & (signals["direction"] == "long")

        assert rows(client, "signals", accepted="true") == as_json(signals[signals["accepted"]])
        assert rows(client, "signals", reason=["score", "max_signals"], direction="long") == as_json(signals[refused])

    def test_sessions_are_chosen_by_state_and_warm_up(self, client, store):
        sessions = in_order(store.load("first"), "sessions", "session_date")

        assert rows(client, "sessions", warmup="false") == as_json(sessions[~sessions["warmup"]])
        for state in OR_STATES:
            assert rows(client, "sessions", or_state=state) == as_json(sessions[sessions["or_state"] == state])

    @pytest.mark.parametrize(
        ("params", "detail"),
        [
            ({"directon": "long"}, "`query.directon` is unknown; did you mean `direction`?"),
            ({"direction": "up"}, "`query.direction`"),
            ({"limit": 0}, "greater than or equal to 1, not '0'"),
            ({"limit": 1001}, "less than or equal to 1000"),
            ({"offset": -1}, "`query.offset`"),
            ({"start": "yesterday"}, "must be a date such as 2024-01-31, not 'yesterday'"),
            ({"start": "1706659200"}, "must be a date such as 2024-01-31"),
            ({"min_r": "nan"}, "finite number"),
            ({"run_id": "../first"}, "`query.run_id`"),
        ],
    )
    def test_a_filter_that_cannot_be_is_refused_and_named(self, client, params, detail):
        answer = client.get("/api/trades", params={"run_id": "first", **params})

        assert answer.status_code == 422
        assert detail in answer.json()["detail"]


class TestPages:
    def test_pages_hold_every_row_once(self, client):
        whole, pages, offset = rows(client, "trades"), [], 0
        while offset is not None:
            answer = client.get("/api/trades", params={"run_id": "first", "limit": 5, "offset": offset}).json()
            assert answer["total_count"] == len(whole)
            assert answer["returned_count"] == len(answer["trades"]) <= 5
            pages += answer["trades"]
            offset = answer["next_offset"]

        assert pages == whole
        assert len(whole) > 10

    def test_beyond_the_end_there_is_nothing(self, client):
        answer = client.get("/api/trades", params={"run_id": "first", "offset": 10**9}).json()

        assert (answer["trades"], answer["returned_count"], answer["next_offset"]) == ([], 0, None)


class TestForms:
    def test_csv_of_the_trades_is_the_stored_file(self, client, store):
        answer = client.get("/api/trades", params={"run_id": "first"}, headers={"Accept": CSV})

        assert answer.content == (store.path / "first" / "all_trades.csv").read_bytes()
        assert answer.headers["content-disposition"] == 'attachment; filename="first_trades.csv"'

    @pytest.mark.parametrize("table", TABLES)
    def test_parquet_and_arrow_hold_the_rows_of_the_json(self, client, table):
        params = {"run_id": "first", "symbol": "SPY", "limit": 20}
        parquet, arrow = (
            client.get(f"/api/{table}", params=params, headers={"Accept": form}) for form in (PARQUET, ARROW)
        )
        tables = [pq.read_table(BytesIO(parquet.content)), pa.ipc.open_file(arrow.content).read_all()]

        assert tables[0].equals(tables[1])
        frame = tables[0].to_pandas()
        if "session_date" in frame:
            frame["session_date"] = pd.to_datetime(frame["session_date"])
        assert as_json(frame) == rows(client, table, symbol="SPY", limit=20)

    def test_files_hold_everything_that_matches_unless_told_otherwise(self, client, store):
        long_only = {"run_id": "first", "direction": "long"}
        whole = client.get("/api/trades", params=long_only, headers={"Accept": PARQUET})
        part = client.get("/api/trades", params={**long_only, "limit": 2, "offset": 1}, headers={"Accept": PARQUET})
        trades = store.load("first").all_trades()
        ids = trades.loc[trades["direction"] == "long", "trade_id"].tolist()

        assert pd.read_parquet(BytesIO(whole.content))["trade_id"].tolist() == ids
        assert pd.read_parquet(BytesIO(part.content))["trade_id"].tolist() == ids[1:3]

    @pytest.mark.parametrize(
        ("accept", "form"),
        [
            ("*/*", "application/json"),
            ("", "application/json"),
            ("text/html,*/*;q=0.8", "application/json"),
            ("text/*", CSV),
            (f"application/json;q=0.5, {PARQUET}", PARQUET),
            (f"{CSV};q=0.2, {ARROW};q=0.9", ARROW),
            (f"{CSV};q=0, application/*", "application/json"),
        ],
    )
    def test_the_form_is_the_one_the_client_likes_best(self, client, accept, form):
        answer = client.get("/api/trades", params={"run_id": "first"}, headers={"Accept": accept})

        assert answer.headers["content-type"].split(";")[0] == form

    def test_a_form_there_is_not_is_refused_with_those_there_are(self, client):
        answer = client.get("/api/trades", params={"run_id": "first"}, headers={"Accept": "image/png"})

        assert answer.status_code == 406
        assert CSV in answer.json()["detail"]

    def test_a_symbol_with_a_slash_makes_no_path_of_a_file_name(self, own_store):
        made(own_store, "pair", symbols=("BTC/USD",))
        with serving(own_store) as client:
            answer = client.get("/api/trades", params={"run_id": "pair", "symbol": "BTC/USD"}, headers={"Accept": CSV})

        assert answer.headers["content-disposition"] == 'attachment; filename="pair_BTC%2FUSD_trades.csv"'

    def test_large_answers_are_compressed_for_who_takes_it(self, client):
        plain, packed = (
            client.get("/api/trades", params={"run_id": "first"}, headers={"Accept-Encoding": coding})
            for coding in ("identity", "gzip")
        )

        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert int(packed.headers["content-length"]) < len(plain.content) / 3
        assert packed.content == plain.content


class TestTags:
    def test_what_the_client_has_already_is_not_sent_again(self, client):
        params = {"run_id": "first"}
        tag = client.get("/api/trades", params=params).headers["etag"]
        again = client.get("/api/trades", params=params, headers={"If-None-Match": f'"other", {tag}'})

        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)

    def test_every_question_and_form_has_a_tag_of_its_own(self, client):
        asked = [
            ({"run_id": "first"}, "*/*"),
            ({"run_id": "other"}, "*/*"),
            ({"run_id": "first", "symbol": "SPY"}, "*/*"),
            ({"run_id": "first"}, CSV),
        ]
        tags = [client.get("/api/trades", params=p, headers={"Accept": a}).headers["etag"] for p, a in asked]

        assert len(set(tags)) == len(tags)

    def test_a_run_made_anew_under_the_same_id_has_another_tag(self, own_store):
        with serving(own_store) as client:
            tags = []
            for _ in range(2):
                made(own_store, "same")
                tags.append(client.get("/api/trades", params={"run_id": "same"}).headers["etag"])
                own_store.delete("same")

        assert tags[0] != tags[1]


class TestWhatIsNotThere:
    @pytest.mark.parametrize("table", [*TABLES, "factors/sample", "metrics/core", "attribution", "config/hash"])
    def test_a_run_that_is_not_there_is_404(self, client, table):
        answer = client.get(f"/api/{table}", params={"run_id": "nowhere"})

        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:orb:problem:run-not-found"
        assert "nowhere" in answer.json()["detail"]

    @pytest.mark.parametrize("table", [*TABLES, "factors/sample", "metrics/core", "attribution"])
    def test_a_symbol_that_was_not_run_is_404_and_told_those_that_were(self, client, table):
        answer = client.get(f"/api/{table}", params={"run_id": "first", "symbol": "IWM"})

        assert answer.status_code == 404
        assert "it has SPY, QQQ" in answer.json()["detail"]

    @pytest.mark.parametrize("table", [*TABLES, "factors/sample", "metrics/core", "attribution"])
    def test_a_run_without_results_is_404_and_says_so(self, client, table):
        answer = client.get(f"/api/{table}", params={"run_id": "failed"})

        assert answer.status_code == 404
        assert "failed has no results" in answer.json()["detail"]

    def test_a_damaged_run_is_a_conflict(self, client):
        answer = client.get("/api/trades", params={"run_id": "ruin"})

        assert answer.status_code == 409
        assert "run.json" in answer.json()["detail"]

    def test_a_run_without_trades_has_empty_tables(self, own_store):
        made(own_store, "none", "buffers.fixed=500")
        with serving(own_store) as client:
            trades = client.get("/api/trades", params={"run_id": "none"})
            equity = client.get("/api/equity", params={"run_id": "none"})
            metrics = client.get("/api/metrics/core", params={"run_id": "none"})
            attribution = client.get("/api/attribution", params={"run_id": "none"})

        assert trades.json()["trades"] == []
        assert len(equity.json()["equity_curve"]) == 1
        assert metrics.json()["metrics"]["win_rate"] is None
        assert attribution.json()["score_buckets"] == []


def test_numbers_are_sent_to_the_last_digit(client, store):
    sent = np.array([row["realized_r"] for row in rows(client, "trades")])

    assert (sent == store.load("first").all_trades()["realized_r"].to_numpy()).all()


def test_a_fault_of_the_server_is_told_without_its_inside(client, monkeypatch):
    def broken(*_):
        raise RuntimeError("secret: /home/somebody")

    monkeypatch.setattr("orb_api.tables._table", broken)
    answer = client.get("/api/trades", params={"run_id": "first"})

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
