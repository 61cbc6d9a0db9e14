from datetime import UTC, date, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orb_core.config import load_config
from orb_core.config.hours import DAY, regular_sessions
from orb_core.config.models import SessionSettings
from orb_core.data.sessions import session_table

CLOCKS = st.none() | st.times().map(lambda clock: f"{clock:%H:%M}")


def utc(nanoseconds):
    return datetime.fromtimestamp(nanoseconds // 10**9, UTC)


@given(
    calendar=st.sampled_from(["XNYS", "CMES", "24/7", "XLON", "us_futures"]),
    opens=CLOCKS,
    closes=CLOCKS,
    timezone=st.sampled_from([None, "America/New_York", "Europe/Berlin", "Asia/Tokyo"]),
)
def test_regular_sessions_are_those_the_bars_are_cut_by(calendar, opens, closes, timezone):
    shape = {"calendar": calendar, "open": opens, "close": closes, "timezone": timezone}
    settings = SessionSettings.model_validate(load_config().session.model_dump() | shape)
    sessions = list(regular_sessions(settings))
    assume(all(session.open < session.close <= session.open + DAY for session in sessions))
    for day, regular in zip((date(2024, 1, 16), date(2024, 7, 16)), sessions, strict=True):
        table = session_table(settings, day, day)
        assert (utc(table.open_ns[0]), utc(table.close_ns[0])) == (regular.open, regular.close)
        assert table.minutes()[0] == regular.minutes


@pytest.mark.parametrize(
    ("shape", "minutes"),
    [
        ({}, 390),
        ({"open": "08:00"}, 480),
        ({"close": "12:00"}, 150),
        ({"calendar": "CMES"}, 1440),
        ({"calendar": "CMES", "open": "08:30", "close": "15:00"}, 390),
        ({"calendar": "24/7", "close": "00:00"}, 1440),
        ({"calendar": "24/7", "open": "09:30", "close": "16:00", "timezone": "America/New_York"}, 390),
    ],
)
def test_length_of_a_regular_session(shape, minutes):
    settings = SessionSettings.model_validate(load_config().session.model_dump() | shape)
    assert {session.minutes for session in regular_sessions(settings)} == {minutes}
