"""The bars that benchmarks run on: made up, so the same everywhere."""

from datetime import date
from typing import Final

import pandas as pd

from orb_core import load_config
from orb_core.data.synthetic import SyntheticSource

YEAR_BARS: Final = 98_280  # 252 sessions of 390 minutes
LONG_YEARS: Final = 10


def synthetic_bars(years: int = 1, symbol: str = "SPY") -> pd.DataFrame:
    """One-minute bars of XNYS from 2013 on, 98,280 a year."""
    source = SyntheticSource(load_config().session)
    bars = source.fetch(symbol, date(2013, 1, 2), date(2014 + years, 2, 1), "1m")
    return bars.iloc[: YEAR_BARS * years]
