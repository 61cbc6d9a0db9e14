import numpy as np
import pandas as pd
import pytest

from orb_core.charts.days import calendar_figure
from orb_core.charts.palette import DARK, LIGHT, palette
from orb_core.charts.what_if import what_if_figure
from orb_core.engine.what_if import Grid

LOOKS = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])


def channels(colour):
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])


def luminance(rgb):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb / 255]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one, other):
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def laid_over(colour, opacity, colours):
    return opacity * channels(colour) + (1 - opacity) * channels(colours.paper)


@LOOKS
@pytest.mark.parametrize(
    "element", ["text", "up", "down", "opening_range", "vwap", "stop", "target", "entry", "refused"]
)
def test_every_element_stands_out_from_its_background(colours, element):
    assert contrast(channels(colours.paper), channels(getattr(colours, element))) >= 4.5


@LOOKS
def test_green_and_red_candles_stand_out_as_well_and_from_each_other_by_more_than_their_hue(colours):
    other = palette(dark=colours is DARK, green_red=True)
    up, down, paper = channels(other.up), channels(other.down), channels(other.paper)
    assert (up.argmax(), down.argmax()) == (1, 0)
    assert min(contrast(paper, up), contrast(paper, down)) >= 4.5
    assert contrast(up, down) >= 1.2


@LOOKS
@pytest.mark.parametrize("r", [0.01, 1.0, 9.0, -0.01, -1.0, -9.0])
def test_the_sign_of_a_day_is_legible_on_its_colour(colours, r):
    days = pd.DataFrame({"session_date": [pd.Timestamp("2024-01-02")], "trades": 1, "realized_r": r, "why": "…"})
    square = calendar_figure(days, dark=colours is DARK).data[0]
    *rgb, opacity = (float(part) for part in square.marker.color[0].removeprefix("rgba(").rstrip(")").split(","))
    behind = opacity * np.array(rgb) + (1 - opacity) * channels(colours.paper)
    assert contrast(channels(square.textfont.color), behind) >= 4.5


@LOOKS
def test_every_number_of_the_what_if_grid_is_legible_on_its_cell(colours):
    grid = Grid(stops=(1.0,), targets=("own", "none"))
    cells = what_if_figure(grid, np.array([[-1.0, 1.0]]), (0, 0), dark=colours is DARK).data[0]
    for _, colour in cells.colorscale:
        assert contrast(channels(cells.textfont.color), laid_over(colour, cells.opacity, colours)) >= 4.5
