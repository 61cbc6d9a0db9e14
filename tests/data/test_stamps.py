import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orb_core.data.stamps import UnclearStampsError, epochs, form_of, times_of, with_order

NOON = pd.Timestamp("2024-03-15 12:30")


def read(*texts: str) -> list[pd.Timestamp | None]:
    column = pa.array(texts, pa.string())
    form = form_of(texts)
    if len(form.formats) > 1:
        form = with_order(form, [column])
    return times_of(column, form).to_pandas().tolist()


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-15 12:30",
        "2024-03-15T12:30:00",
        "2024-03-15 12:30:00.000",
        "2024/03/15 12:30",
        "2024.03.15 12:30:00",
        "20240315 1230",
        "20240315 123000",
        "20240315123000",
        "202403151230",
        "15/03/2024 12:30",
        "3/15/2024 12:30 PM",
        "03/15/2024 12:30:00 pm",
        "15.03.2024 12:30",
        "03-15-2024 12:30",
        " 2024-03-15 12:30 ",
    ],
)
def test_a_clock_time_is_read_in_every_usual_form(text):
    assert read(text) == [NOON]


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-15T12:30:00Z",
        "2024-03-15 12:30:00+00:00",
        "2024-03-15 08:30:00-0400",
        "2024-03-15 08:30:00.000000-04",
        "1710505800",
        "1710505800000",
        "1710505800000000",
        "1710505800000000000",
    ],
)
def test_an_instant_is_read_in_every_usual_form(text):
    assert read(text) == [NOON.tz_localize("UTC")]


@given(
    st.integers(473_385_600, 3_999_999_999), st.sampled_from([("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
)
def test_the_unit_of_a_number_is_known_by_its_size(seconds, unit):
    name, each = unit
    assert form_of([str(seconds * each)]).unit == name
    assert epochs(pa.array([seconds * each])).to_pandas()[0] == pd.Timestamp(seconds, unit="s", tz="UTC")


def test_blank_stamps_stay_blank():
    assert read("", "2024-03-15 12:30", " ")[1] == NOON
    assert pd.isna(read("", "2024-03-15 12:30", " ")[2])
    assert pd.isna(read("", "")).all()


def test_one_day_after_the_12th_settles_the_order_of_day_and_month():
    assert read("01/03/2024 12:30", "15/03/2024 12:30") == [pd.Timestamp("2024-03-01 12:30"), NOON]
    assert read("03/01/2024 12:30", "03/15/2024 12:30") == [pd.Timestamp("2024-03-01 12:30"), NOON]


def test_the_settling_day_may_come_late():
    first, second = pa.array(["01/03/2024 12:30"] * 3), pa.array(["15/03/2024 12:30"])
    assert with_order(form_of(["01/03/2024 12:30"]), iter([first, second])).formats == ("%d/%m/%Y %H:%M",)


def test_an_order_that_does_not_matter_is_no_question():
    assert read("03/03/2024 12:30") == [pd.Timestamp("2024-03-03 12:30")]


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["03/04/2024 12:30", "04/05/2024 12:30"], "cannot be told apart: no date is after the 12th"),
        (["15/03/2024 12:30", "03/15/2024 12:30"], "some dates have their day first and some their month"),
        (["2024-03-15"], "a date without a time of day"),
        (["15/03/2024"], "a date without a time of day"),
        (["2024-03-15 12:30 EST"], "no known form of a time"),
        (["15/03/24 12:30"], "no known form of a time"),
        (["noon"], "no known form of a time"),
        (["12345"], "no known form of a time"),
        (["20240315 123000", "2024-03-15 12:31"], "'2024-03-15 12:31' is not written like the stamps before it"),
        (["2024-03-15 12:30", "2024-03-15 12:31Z"], "some stamps name a zone offset and some do not"),
        (["2024-03-15 12:30Z", "2024-03-15 12:31"], "some stamps name a zone offset and some do not"),
        (["2024-03-15 12:30Z", "2024-03-32 12:31Z"], "'2024-03-32 12:31Z' is no time"),
        (["2024-03-15 12:30", "2024-03-32 12:31"], "'2024-03-32 12:31' is no time"),
        (["2024-03-15 12:30Z", "yesterday"], "'yesterday' is no time"),
        (["1710505800", "1710505800000"], "are not seconds, milliseconds, .* throughout"),
    ],
)
def test_stamps_that_could_mean_something_else_are_refused(texts, sentence):
    with pytest.raises(UnclearStampsError, match=sentence):
        read(*texts)
