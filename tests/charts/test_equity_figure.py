import numpy as np
import pandas as pd

from orb_core.charts import equity_figure
from orb_core.charts.equity import thin_out


def an_equity(trades):
    total = np.concatenate([[0.0], np.cumsum(np.random.default_rng(3).normal(0, 1, trades))])
    frame = pd.DataFrame({"trade_number": np.arange(trades + 1), "cumulative_r": total})
    frame["timestamp"] = pd.date_range("2024-01-02", periods=trades + 1, freq="h", tz="UTC")
    frame["drawdown_r"] = frame["cumulative_r"] - np.maximum.accumulate(np.maximum(total, 0))
    return frame


def test_equity_and_drawdown_share_one_axis_of_trades():
    figure = equity_figure(an_equity(50))
    assert [t.name for t in figure.data] == ["Total R", "Drop"]
    assert list(figure.data[0].x) == list(range(51))
    assert figure.data[0].customdata[0][2] == "0.00 R"


def test_a_hundred_thousand_trades_keep_their_peak_and_trough_in_two_thousand_points():
    equity = an_equity(100_000)
    shown = equity_figure(equity).data[0]
    assert len(shown.x) <= 2_001
    assert max(shown.y) == equity["cumulative_r"].max()
    assert min(shown.y) == equity["cumulative_r"].min()
    assert shown.y[-1] == equity["cumulative_r"].iloc[-1]


def test_a_short_line_is_drawn_point_by_point():
    assert list(thin_out(np.zeros(4), 10)) == [0, 1, 2, 3]


def test_a_run_without_trades_has_a_flat_equity():
    assert list(equity_figure(an_equity(0)).data[0].y) == [0.0]


def test_the_axis_of_a_few_trades_counts_in_whole_ones():
    assert equity_figure(an_equity(1)).layout.xaxis.dtick == 1
    assert equity_figure(an_equity(400)).layout.xaxis.dtick is None
    assert equity_figure(an_equity(1), by_time=True).layout.xaxis.dtick is None


def test_the_axis_of_time_is_the_clock_of_the_times_and_names_it():
    equity = an_equity(5)
    figure = equity_figure(equity.assign(timestamp=equity["timestamp"].dt.tz_convert("Asia/Tokyo")), by_time=True)
    assert figure.layout.xaxis.title.text == "Exit, Tokyo time"
    assert pd.Timestamp(figure.data[0].x[0]).hour == 9


def test_both_axes_of_results_name_their_unit():
    layout = equity_figure(an_equity(5)).layout
    assert [layout.yaxis.title.text, layout.yaxis2.title.text] == ["Total, R", "Drop, R"]
