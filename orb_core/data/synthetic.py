"""Made-up minute bars that are the same on every machine, for demos, tests and benchmarks.

Only integers are computed with: prices are ticks, chance is 64-bit words, curves are tables. No logarithm,
exponential or sum of floats, whose last digit differs between processors, takes part.

Each session is drawn from its own seed. So that it needs no other session to be walked first, the daily close is a
random walk built from the middle out (Lévy's construction): its value on any date costs one descent of a tree.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orb_core.data.bars import PRICES, bar_frame
from orb_core.data.sessions import MINUTE_NS, with_warmup
from orb_core.data.source import interval_minutes
from orb_core.errors import NoSessionsError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from orb_core.config.models import SessionSettings

    Ints = NDArray[np.int64]
    Words = NDArray[np.uint64]

TICKS_PER_POINT: Final = 100
GENERATOR_VERSION: Final = 1  # another one whenever the same seed gives other bars

# Walks are measured in 2**-20 octaves and live on a clock of 24 units a week, on which weekends are calmer.
_OCTAVE: Final = 1 << 20
_WEEK_UNITS: Final = 24
_WEEKDAY_UNITS: Final = np.array([0, 4, 6, 8, 12, 16, 20])  # Thursday first: 1970-01-01 was one
_WEEKS_BEFORE_1970: Final = 6_300  # so that the clock starts before any date
_DEPTH: Final = 20  # the clock runs for 2**20 units, beyond any date
# Standard deviation of a midpoint by the level of its interval. Closes: 0.8 % from one weekday to the next; above
# three years the swings stop growing, so that no price wanders off. Moods of volatility: forgotten after some weeks.
_CLOSE_SD: Final = [math.isqrt((6_000**2 << min(level, 12)) // 2) for level in range(_DEPTH)]
_MOOD_SD: Final = [120_000 if level < 8 else 0 for level in range(_DEPTH)]

_BELL_SD: Final = 37_837  # of `_bell`: 2**16 * sqrt(4 / 12)
_SUBTICKS: Final = 1 << 10  # paths are followed in these fractions of a tick
_BLOCK: Final = 32  # sessions computed together: their arrays stay in the processor's cache

# Quantiles of the exponential and of the log-normal distribution at 1/32, 3/32, …, in thousandths of the mean.
_EXPONENTIAL: Final = np.array([32, 98, 170, 247, 330, 421, 521, 633, 758, 901, 1068, 1269, 1520, 1856, 2367, 3466])
_LOGNORMAL: Final = np.array([345, 455, 539, 616, 690, 763, 838, 917, 1001, 1095, 1202, 1329, 1488, 1704, 2041, 2977])


class _Regime(NamedTuple):
    """How a session gets from its open to its close, in thousandths."""

    noise: int  # volatility
    carry: int  # share of a minute's move repeated in the next; negative: taken back
    pull: int  # how closely the path is held to a few anchors
    shock: int  # size of one sudden move, in volatilities of the session


_TREND: Final = _Regime(noise=600, carry=150, pull=0, shock=0)
_WALK: Final = _Regime(noise=1000, carry=0, pull=0, shock=0)
_REVERT: Final = _Regime(noise=1150, carry=0, pull=400, shock=0)
_CHOPPY: Final = _Regime(noise=1200, carry=-250, pull=0, shock=0)
_SHOCK: Final = _Regime(noise=750, carry=0, pull=0, shock=900)
_REGIMES: Final = np.array([_TREND, _WALK, _REVERT, _CHOPPY, _SHOCK])
# Which regime each of 16 equally likely draws means, for sessions that end near, off and far from their open.
_REGIME_OF_DRAW: Final = np.array(
    [
        [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4],
        [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4],
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 4, 4, 4],
    ]
)


@dataclass(frozen=True)
class SyntheticSource:
    """A source of made-up bars over the real sessions of the calendar: same symbol, session, seed → same bars.

    Overnight gaps, U-shaped volume and volatility, and sessions that trend, revert, chop or are shocked; the daily
    range is about 1 % of the price. Bars of longer intervals are the minute bars put together.

    Attributes
    ----------
    session : SessionSettings
        The calendar and hours to fill.
    seed : int
        Another seed, other prices.
    """

    session: SessionSettings
    seed: int = 0
    name: str = "synthetic"

    def identity(self, symbol: str, interval: str) -> str:  # noqa: ARG002 (of the protocol)
        """Return the seed and the version of the generator; see `Source.identity`."""
        return f"generator {GENERATOR_VERSION}, seed {self.seed}"

    def fetch(self, symbol: str, start: date, end: date, interval: str) -> pd.DataFrame:
        """Return the bars of every session from `start` to `end`, both inclusive; see `Source.fetch`.

        Raises
        ------
        NoSessionsError
            The calendar has no session in that range.
        """
        table = with_warmup(self.session, start, end, 1)
        if not len(table):
            raise NoSessionsError(
                f"{self.session.calendar} has no session from {start} to {end}; choose dates with a trading day"
            )
        first = int(np.searchsorted(table.dates, np.datetime64(start, "D")))
        days = table.dates.astype(np.int64)
        market = _Market(f"{symbol}|{self.seed}")
        closes = market.close_ticks(days)
        before = market.close_ticks(days[:1] - 1) if first == 0 else closes[first - 1 : first]
        previous = np.concatenate([before, closes[first:-1]])

        bar_minutes = interval_minutes(interval)
        bar_counts = table.minutes()[first:] // bar_minutes
        ends = np.cumsum(bar_counts)
        starts_ns = np.empty(int(ends[-1]), dtype=np.int64)
        columns = {name: np.empty(starts_ns.size) for name in (*PRICES, "volume")}
        for rows in _blocks_of_equal_length(bar_counts):
            sessions = first + rows
            bars = market.sessions(
                days[sessions], previous[rows], closes[sessions], int(bar_counts[rows[0]]) * bar_minutes
            )
            at = (ends[rows] - bar_counts[rows])[:, None] + np.arange(bar_counts[rows[0]])
            starts_ns[at] = table.open_ns[sessions, None] + np.arange(bar_counts[rows[0]]) * bar_minutes * MINUTE_NS
            for name, values in _longer_bars(bars, bar_minutes).items():
                columns[name][at] = values if name == "volume" else values / TICKS_PER_POINT
        return bar_frame(starts_ns, columns)


class _Market:
    """One symbol under one seed."""

    def __init__(self, identity: str) -> None:
        self._identity = identity
        self._close_key, self._mood_key, level, volume = _words(identity, 4)
        self._base_ticks = 5_000 + int(level % 45_000)  # 50 to 500 points
        self._base_volume = 20_000 + int(volume % 300_000)  # a minute

    def close_ticks(self, days: Ints) -> Ints:
        """Return the price in ticks at the end of each day (days since 1970), int64[n]."""
        octaves = _walk(self._close_key, _clock(days), _CLOSE_SD)
        return _times_power_of_two(np.full(days.size, self._base_ticks), octaves)

    def sessions(self, days: Ints, previous: Ints, closes: Ints, minutes: int) -> dict[str, Ints]:
        """Return open, high, low, close (ticks) and volume of sessions of equal length, int64[n, minutes] each.

        Parameters
        ----------
        days : int64[n]
            Session dates, days since 1970.
        previous, closes : int64[n]
            Ticks at the close of the session before, and of this one.
        minutes : int
            Length of the sessions.
        """
        words = np.stack([_words(f"{self._identity}|{day}", 3 * minutes + 4) for day in days.tolist()])
        traits, words = words[:, :4], words[:, 4:].reshape(days.size, 3, minutes)
        mood = _walk(self._mood_key, _clock(days), _MOOD_SD)
        sd = _times_power_of_two(previous * _SUBTICKS * 56 // 10_000, mood)  # of the whole session, in subticks

        gap = (closes - previous) * 300 // 1000 + _bell(traits[:, 0]) * sd // (_BELL_SD * _SUBTICKS * 3)
        opens = np.maximum(previous + gap, 1)
        move = (closes - opens) * _SUBTICKS
        distance = np.clip(np.abs(move) * 2 // sd, 0, 2)
        regimes = _REGIMES[_REGIME_OF_DRAW[distance, (traits[:, 1] >> np.uint64(60)).astype(np.int64)]]

        minute_sd = sd[:, None] * _volatility_curve(minutes) // 1000 // math.isqrt(minutes)
        path = _path(words[:, 0], minute_sd, move, regimes, traits[:, 2])
        ticks = opens[:, None] + (path + _SUBTICKS // 2) // _SUBTICKS
        return self._bars(opens, ticks, minute_sd, words)

    def _bars(self, opens: Ints, closes: Ints, minute_sd: Ints, words: Words) -> dict[str, Ints]:
        wick, noise = words[:, 1], words[:, 2]
        before = np.concatenate([opens[:, None], closes[:, :-1]], axis=1)
        open_ = before.copy()
        open_[:, 1:] += _field(noise, 0, 2)[:, 1:] % 3 - 1  # a tick up, none or one down
        up, down = (
            (minute_sd * _EXPONENTIAL[_field(wick, at, 4)] * 4 // 10_000 + _SUBTICKS // 2) // _SUBTICKS for at in (0, 8)
        )
        activity = 500 + np.abs(closes - before) * _SUBTICKS * 500 // np.maximum(minute_sd, 1)
        volume = (
            self._base_volume * _volume_curve(closes.shape[1]) // 1000
            * _LOGNORMAL[_field(noise, 8, 4)] // 1000
            * np.minimum(activity, 5_000) // 1000
            * (900 + _field(noise, 16, 8)) // 1000
        )  # fmt: skip
        return {
            "open": np.maximum(open_, 1),
            "high": np.maximum(np.maximum(open_, closes) + up, 1),
            "low": np.maximum(np.minimum(open_, closes) - down, 1),
            "close": np.maximum(closes, 1),
            "volume": volume + 1,
        }


def _path(words: Words, minute_sd: Ints, move: Ints, regimes: Ints, shock_words: Words) -> Ints:
    """Return where each minute closes, in subticks from the session's open; the last is exactly `move`."""
    minutes = words.shape[1]
    noise, carry, pull, shock = regimes.T[:, :, None]
    steps = _bell(words) * (minute_sd * noise // 1000) // _BELL_SD
    steps[:, 1:] += steps[:, :-1] * carry // 1000
    if shock.any():
        at = (minutes // 8 + (shock_words % np.uint64(max(1, minutes * 3 // 4))).astype(np.int64))[:, None]
        steps *= 1 + ((shock > 0) & (np.arange(minutes) > at) & (np.arange(minutes) < at + 30))
        jump = move * shock[:, 0] // 1000
        np.put_along_axis(steps, at, np.take_along_axis(steps, at, axis=1) + jump[:, None], axis=1)
    free = np.cumsum(steps, axis=1)
    free -= _between_anchors(free) * pull // 1000
    # What is missing at the end is made up for along the way, most where the market moves most.
    pace = np.cumsum(minute_sd, axis=1)
    path: Ints = free + (move[:, None] - free[:, -1:]) * pace // pace[:, -1:]
    return path


def _between_anchors(path: Ints) -> Ints:
    """Return straight lines through about six points of each path, int64 of the same shape."""
    minutes = path.shape[1]
    anchors = np.arange(7) * (minutes - 1) // 6
    at = np.arange(minutes)
    leg = np.minimum(np.searchsorted(anchors, at, side="right") - 1, 5)
    left, right = anchors[leg], anchors[leg + 1]
    line: Ints = path[:, left] + (path[:, right] - path[:, left]) * (at - left) // np.maximum(right - left, 1)
    return line


def _volatility_curve(minutes: int) -> Ints:
    """Return each minute's volatility in thousandths of the mean one, int64[minutes]: a U, higher at the open."""
    at = (2 * np.arange(minutes) + 1) * 500 // minutes
    curve: Ints = 650 + np.maximum(0, 350 - at) ** 2 // 110 + np.maximum(0, at - 700) ** 2 // 250
    scaled: Ints = curve * 1000 // math.isqrt(int((curve**2).sum()) // minutes)
    return scaled


def _volume_curve(minutes: int) -> Ints:
    """Return each minute's volume in thousandths, int64[minutes]: a U, highest at both ends."""
    at = (2 * np.arange(minutes) + 1) * 500 // minutes
    curve: Ints = 550 + np.maximum(0, 300 - at) ** 2 // 40 + np.maximum(0, at - 750) ** 2 // 40
    return curve


def _walk(key: np.uint64, clock: Ints, sd: list[int]) -> Ints:
    """Return the value at each time of the random walk that `key` names, in 2**-20 octaves.

    The walk is 0 at both ends of the clock. The middle of an interval lies between its ends, moved by a draw that
    depends on the place alone; the half that holds the time asked for is halved on, down to one unit.
    """
    left = np.zeros_like(clock)
    at_left, at_right = np.zeros_like(clock), np.zeros_like(clock)
    for level in range(_DEPTH - 1, -1, -1):
        middle = left + (1 << level)
        at_middle = (at_left + at_right) // 2 + _bell(_hashed(middle, key)) * sd[level] // _BELL_SD
        is_right = clock >= middle
        left = np.where(is_right, middle, left)
        at_left, at_right = np.where(is_right, at_middle, at_left), np.where(is_right, at_right, at_middle)
    return at_left


def _clock(days: Ints) -> Ints:
    clock: Ints = (days // 7 + _WEEKS_BEFORE_1970) * _WEEK_UNITS + _WEEKDAY_UNITS[days % 7]
    return clock


def _power_table() -> Ints:
    """Return 2**(i/1024) in 2**-30, int64[1025], by repeated integer square roots."""
    root = 2 << 60
    for _ in range(10):
        root = math.isqrt(root << 60)
    powers = [1 << 60]
    for _ in range(1024):
        powers.append(powers[-1] * root >> 60)
    return np.array([power >> 30 for power in powers], dtype=np.int64)


_POWERS: Final = _power_table()


def _times_power_of_two(values: Ints, octaves: Ints) -> Ints:
    """Return values · 2**(octaves / 2**20), values below 2**32, rounded down."""
    whole, part = octaves // _OCTAVE, octaves % _OCTAVE
    step, rest = part >> 10, part & 1023
    power: Ints = _POWERS[step] + ((_POWERS[step + 1] - _POWERS[step]) * rest >> 10)
    return np.where(
        whole >= 0, (values * power >> 30) << np.maximum(whole, 0), values * power >> (30 - np.minimum(whole, 0))
    )


def _words(identity: str, count: int) -> Words:
    """Return `count` random words that depend on `identity` alone."""
    key = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:16], "little")
    words: Words = np.random.Philox(key=key).random_raw(count)  # raw: never changed between versions of numpy
    return words


def _hashed(places: Ints, key: np.uint64) -> Words:
    """Return one random word per place (SplitMix64's mixer, https://prng.di.unimi.it/splitmix64.c)."""
    word = (places.astype(np.uint64) + key) * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def _field(words: Words, first_bit: int, bits: int) -> Ints:
    return (words >> np.uint64(first_bit) & np.uint64((1 << bits) - 1)).astype(np.int64)


def _bell(words: Words) -> Ints:
    """Return roughly normal integers of mean 0 and standard deviation `_BELL_SD`: the sum of a word's four parts."""
    parts = np.ascontiguousarray(words).view(np.uint16).reshape(*words.shape, 4)
    total: Ints = parts.sum(axis=-1, dtype=np.int64) - 131_070
    return total


def _blocks_of_equal_length(lengths: Ints) -> list[Ints]:
    """Return groups of indices of equal, non-zero length, small enough for the processor's cache."""
    groups = [np.flatnonzero(lengths == length) for length in np.unique(lengths[lengths > 0])]
    return [group[at : at + _BLOCK] for group in groups for at in range(0, group.size, _BLOCK)]


def _longer_bars(bars: dict[str, Ints], bar_minutes: int) -> dict[str, Ints]:
    """Return minute bars of int64[n, minutes] put together to int64[n, minutes / bar_minutes]."""
    if bar_minutes == 1:
        return bars
    parts = {name: values.reshape(values.shape[0], -1, bar_minutes) for name, values in bars.items()}
    return {
        "open": parts["open"][:, :, 0],
        "high": parts["high"].max(axis=2),
        "low": parts["low"].min(axis=2),
        "close": parts["close"][:, :, -1],
        "volume": parts["volume"].sum(axis=2),
    }
