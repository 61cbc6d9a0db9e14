import pandas as pd
import pytest

from orb_core.charts.days import calendar_figure, groups_figure


def days(*rows):
    table = pd.DataFrame(rows, columns=["session_date", "trades", "realized_r"])
    return table.assign(session_date=pd.to_datetime(table["session_date"]).astype("datetime64[s]"), why="…")


def squares(figure):
    data = figure.data[0]
    return {custom[0]: (x, y) for custom, x, y in zip(data.customdata, data.x, data.base, strict=True)}


def test_weeks_run_across_and_weekdays_down():
    at = squares(calendar_figure(days(("2024-01-02", 1, 1.0), ("2024-01-08", 1, 1.0), ("2024-01-09", 1, 1.0))))
    assert at["2024-01-09"][0] == at["2024-01-08"][0] == at["2024-01-02"][0] + 1
    assert at["2024-01-09"][1] == at["2024-01-02"][1] == at["2024-01-08"][1] - 1


def test_years_lie_one_below_the_other():
    at = squares(calendar_figure(days(("2023-12-29", 1, 1.0), ("2024-01-02", 1, 1.0))))
    assert at["2023-12-29"][1] > at["2024-01-02"][1]
    assert at["2023-12-29"][0] == 52


def test_a_day_says_its_result_in_colour_sign_and_words():
    data = calendar_figure(days(("2024-01-02", 1, 1.0), ("2024-01-03", 2, -0.5), ("2024-01-04", 0, 0.0))).data[0]
    assert list(data.text) == ["+", "−", "·"]
    assert [custom[2] for custom in data.customdata] == ["+1.00 R", "−0.50 R", "No trade"]
    assert len(set(data.marker.color)) == 3


def test_a_run_within_a_year_begins_at_the_left_edge_and_its_cells_grow_up_to_twice():
    summer = calendar_figure(days(("2024-06-03", 1, 1.0), ("2024-09-30", 1, 1.0)))
    begin, end = summer.layout.xaxis.range
    assert begin == min(summer.data[0].x) - 0.6
    assert end - begin == pytest.approx(27.2)
    whole = calendar_figure(days(("2023-06-05", 1, 1.0), ("2024-01-02", 1, 1.0)))
    assert list(whole.layout.xaxis.range) == [-0.6, 53.6]


def test_weekends_get_rows_only_where_there_are_sessions():
    week = calendar_figure(days(("2024-01-05", 1, 1.0)))
    always = calendar_figure(days(("2024-01-05", 1, 1.0), ("2024-01-06", 1, 1.0)))
    assert {note.text for note in always.layout.annotations} - {n.text for n in week.layout.annotations} == {
        "Sat",
        "Sun",
    }


def test_a_group_shows_its_interval_and_count():
    columns = ["trades", "win_rate", "total_r", "average_r", "average_r_low", "average_r_high"]
    groups = pd.DataFrame(
        [(10, 0.5, 2.0, 0.2, -0.1, 0.6), (1, 1.0, 1.0, 1.0, float("nan"), float("nan"))], columns=columns
    )
    figure = groups_figure(groups, ["Mon", "Tue"])
    bar = figure.data[0]
    assert list(bar.error_y.array) == [0.39999999999999997, 0.0]
    assert list(figure.layout.xaxis.ticktext) == ["Mon<br>10", "Tue<br>1"]
    assert bar.customdata[0][2] == "−0.10 … +0.60"


def test_a_day_left_out_is_crossed_out_and_keeps_its_result_in_the_hover():
    data = calendar_figure(days(("2024-01-02", 1, 1.0), ("2024-01-03", 1, -0.5)), left_out=["2024-01-03"]).data[0]
    assert list(data.text) == ["+", "✕"]
    assert data.customdata[1][2:] == ["−0.50 R", "…<br>To be left out"]


def test_a_group_left_out_is_crossed_out():
    columns = ["trades", "win_rate", "total_r", "average_r", "average_r_low", "average_r_high"]
    groups = pd.DataFrame([(10, 0.5, 2.0, 0.2, -0.1, 0.6)] * 2, columns=columns)
    figure = groups_figure(groups, ["Mon", "Tue"], left_out=["Tue"])
    assert list(figure.layout.xaxis.ticktext) == ["Mon<br>10", "✕ Tue<br>10"]
    assert len(set(figure.data[0].marker.color)) == 2
