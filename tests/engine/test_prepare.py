"""What the kernels are given."""

from datetime import date, timedelta

import pandas as pd

from orb_core import load_config
from orb_core.data.synthetic import SyntheticSource
from orb_core.engine.prepare import Prepared, prepare


def forms(prepared: Prepared) -> list[tuple[str, bool, bool]]:
    """All that numba tells arrays of one dimension apart by; a new form is compiled anew, for many seconds."""
    arrays = (prepared.ts_ns, prepared.open, prepared.high, prepared.low, prepared.close, prepared.volume)
    return [(values.dtype.str, values.flags.c_contiguous, values.flags.writeable) for values in arrays]


def test_bars_between_sessions_need_no_other_compiled_kernels():
    config = load_config()
    bars = SyntheticSource(config.session).fetch("SPY", date(2024, 1, 2), date(2024, 1, 5), "1m")
    evening = bars.iloc[[389]].assign(timestamp_utc=bars["timestamp_utc"].iloc[389] + timedelta(hours=1))
    scattered = pd.concat([bars.iloc[:390], evening, bars.iloc[390:]], ignore_index=True)
    prepared = prepare(scattered, config, "SPY", None, None)
    assert prepared.dropped_bars == 1
    assert forms(prepared) == forms(prepare(bars, config, "SPY", None, None))
