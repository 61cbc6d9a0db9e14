"""Whether R goes with something known of each trade: the trades cut into four by it."""

import numpy as np
import pandas as pd

from orb_core.analytics.breakdown import GROUP, in_groups
from orb_core.analytics.metrics import Floats


def by_quarter(trades: pd.DataFrame, values: Floats) -> pd.DataFrame:
    """Groups of a quarter of the trades each, by what `values` says of them, the lowest first.

    Parameters
    ----------
    trades : DataFrame
        Columns of `records.TRADES`.
    values : float64[trades]
        Trades of which it is NaN are left out. Equal values are never torn apart, so there may be fewer groups.

    Returns
    -------
    DataFrame
        `low`, `middle` (median) and `high` of the group's values, and `breakdown.GROUP`.
    """
    is_known = np.isfinite(values)
    known = values[is_known]
    if not known.size:
        return pd.DataFrame(columns=["low", "middle", "high", *GROUP], dtype="float64")
    quarter = np.searchsorted(np.unique(np.quantile(known, (0.25, 0.5, 0.75))), known)
    groups = in_groups(trades[is_known], quarter, "quarter")
    of_group = [known[quarter == each] for each in groups.pop("quarter")]
    spans = {
        "low": [float(group.min()) for group in of_group],
        "middle": [float(np.median(group)) for group in of_group],
        "high": [float(group.max()) for group in of_group],
    }
    return pd.concat([pd.DataFrame(spans, dtype="float64"), groups], axis=1)
