"""Whether one result is better than another, or only luckier."""

import math
from dataclasses import dataclass

import numpy as np

from orb_core.analytics.metrics import Floats, bootstrap_ci95, bootstrap_means


@dataclass(frozen=True)
class PairedDifference:
    """Total of one daily series minus that of another, over the same days.

    Attributes
    ----------
    days : int
    difference : float
        Sum of the daily differences.
    low, high : float
        95 % bootstrap interval of that sum; NaN below two days.
    p_value : float
        Two-sided: how often days redrawn from these give a sum of 0 or of the other sign, doubled. NaN below two days.
    """

    days: int
    difference: float
    low: float
    high: float
    p_value: float

    @property
    def could_be_chance(self) -> bool:
        """The interval includes 0, or there is none."""
        return not (self.low > 0 or self.high < 0)


def paired_difference(daily_a: Floats, daily_b: Floats) -> PairedDifference:
    """B minus A, by a paired bootstrap: 10,000 times as many days are redrawn, each with its two results together.

    What moved both on the same day then cancels out, and trades of one day stay together, since they share its
    market. Days are taken as independent of each other.

    Parameters
    ----------
    daily_a, daily_b : float64[days]
        Results of the same days in the same order, 0 for days without a trade.

    Source
    ------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, sections 8.3 and 15.4: one sample of differences.
    """
    differences = daily_b - daily_a
    days = differences.size
    total = float(differences.sum())
    if days < 2:
        return PairedDifference(days, total, math.nan, math.nan, math.nan)
    sums = days * bootstrap_means(differences)
    low, high = bootstrap_ci95(sums)
    one_sided = min(float(np.mean(sums <= 0)), float(np.mean(sums >= 0)))
    return PairedDifference(days, total, low, high, min(1.0, 2 * one_sided))
