"""One session as candles, with what the strategy saw and did."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from orb_core.analytics.session_view import SessionView
from orb_core.analytics.words import EXITS, number, price_digits, r_multiple, zone_name
from orb_core.charts.palette import LIGHT, Palette, base_layout, faded

LABEL_GAP_PX: Final = 17
BARS_AROUND_TRADE: Final = 120
BARS_BESIDE_TRADE: Final = 10
"""Before the entry and after the last exit, at least."""
FEWEST_BARS: Final = 30
"""That a chart of a session that goes on has room for."""
TARGETS: Final = {"t1": "T1", "t2": "T2", "runner": "Runner"}
STOP_EXITS: Final = ("stop", "breakeven", "trailing")
LAYER: Final = "between"
"""Of shapes: above the grid, whose lines would cut them, and below the candles."""


def spread_labels(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels as little as needed so that no two are closer than `gap`, and all lie in `low`..`high`.

    Parameters
    ----------
    wanted : sequence of float
        Where each label would like to be, in any order.
    gap, low, high : float
        In the same unit. Where the span is too small for all, the gap shrinks to fit.

    Returns
    -------
    list of float
        In the order given; labels keep the order of their wanted places.
    """
    if not wanted:
        return []
    if len(wanted) > 1:
        gap = min(gap, (high - low) / (len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    # Subtracting i*gap turns "at least a gap apart" into "not decreasing": pool neighbours that violate it.
    blocks: list[list[float]] = []  # [mean of the wanted places, how many]
    for rank, i in enumerate(order):
        blocks.append([wanted[i] - rank * gap, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, count = blocks.pop()
            before, n = blocks[-1]
            blocks[-1] = [(before * n + mean * count) / (n + count), n + count]
    places = [mean for mean, count in blocks for _ in range(int(count))]
    highest = high - (len(wanted) - 1) * gap
    placed = [0.0] * len(wanted)
    for rank, i in enumerate(order):
        placed[i] = min(max(places[rank], low), highest) + rank * gap
    return placed


@dataclass(frozen=True)
class _Label:
    price: float
    text: str
    colour: str


class _Scale:
    """Where things lie on one session's chart: clock times across, prices up, both as text too."""

    def __init__(self, view: SessionView) -> None:
        opened = view.session["open"]
        self._offset: pd.Timedelta = pd.Timedelta(opened.tz_convert(view.timezone).utcoffset())
        self._digits = price_digits(view.tick_size)
        self.tick_format = f",.{self._digits}f"
        self.bar = pd.Timedelta(minutes=view.bar_minutes)
        self.last = self.clock(view.bars["timestamp_utc"].iloc[-1] + self.bar if len(view.bars) else opened)

    def clock(self, timestamp: Any) -> Any:
        """Return the wall clock, naive, at the offset of the session's open throughout, so that no time repeats."""
        return self.last if timestamp is pd.NaT else timestamp.tz_localize(None) + self._offset

    def clocks(self, timestamps: "pd.Series[pd.Timestamp]") -> "pd.Series[pd.Timestamp]":
        return timestamps.dt.tz_localize(None) + self._offset

    def price(self, value: float) -> str:
        return number(value, self._digits)


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    yield from frame.itertuples(index=False)


def _trade_r(trade: Any, price: float) -> str:
    direction = 1 if trade.direction == "long" else -1
    return r_multiple(direction * (price - trade.entry_price) / trade.risk)


def _candles(view: SessionView, scale: _Scale, colours: Palette) -> list[go.Candlestick | go.Bar | go.Scatter]:
    bars = view.bars
    times = scale.clocks(bars["timestamp_utc"])
    volumes = [number(v, 0) for v in bars["volume"]]
    clear = "rgba(0,0,0,0)"
    return [
        go.Candlestick(
            x=times,
            open=bars["open"],
            high=bars["high"],
            low=bars["low"],
            close=bars["close"],
            name="Price",
            increasing={"line": {"color": colours.up, "width": 1}, "fillcolor": clear},
            decreasing={"line": {"color": colours.down, "width": 1}, "fillcolor": colours.down},
            customdata=volumes,
            hovertemplate="%{x|%H:%M}<br>open %{open}<br>high %{high}<br>low %{low}<br>close %{close}"
            "<br>volume %{customdata}<extra></extra>",
            showlegend=False,
        ),
        go.Bar(
            x=times,
            y=bars["volume"],
            width=0.75 * scale.bar / pd.Timedelta(milliseconds=1),  # left to itself, a lone bar has none
            yaxis="y2",
            name="Volume",
            marker={"color": colours.volume, "line": {"width": 0}},
            hoverinfo="skip",
            showlegend=False,
        ),
        go.Scatter(
            x=times,
            y=view.vwap,
            name="VWAP",
            mode="lines",
            line={"color": colours.vwap, "width": 1.5, "dash": "dot"},
            hovertemplate="VWAP %{y}<extra></extra>",
        ),
    ]


def _markers(points: list[tuple[Any, float, str, str]], name: str, colour: str, **marker: Any) -> go.Scatter:
    """Return one trace for (time, price, symbol, what it says)."""
    return go.Scatter(
        x=[x for x, _, _, _ in points],
        y=[y for _, y, _, _ in points],
        name=name,
        mode="markers",
        marker={"symbol": [symbol for _, _, symbol, _ in points], "size": 11, "color": colour, **marker},
        customdata=[text for _, _, _, text in points],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _lines(pieces: list[list[tuple[Any, float]]], name: str, **line: Any) -> go.Scatter:
    """Return one trace for several lines, each a list of (time, price)."""
    joined = [point for piece in pieces for point in (*piece, (None, None))][:-1]
    return go.Scatter(
        x=[x for x, _ in joined],
        y=[y for _, y in joined],
        name=name,
        mode="lines",
        line=line,
        hoverinfo="skip",
        showlegend=False,
    )


def _trades(view: SessionView, scale: _Scale, colours: Palette) -> list[go.Scatter]:
    """Draw each trade's entry, the stop in force, its targets and how it left."""
    entry_lines, stop_lines, target_lines = [], [], []
    entries, stop_hits, target_hits, exits = [], [], [], []
    for trade in _rows(view.trades):
        entered, left = scale.clock(trade.entry_timestamp), scale.clock(trade.exit_timestamp)
        stops = view.stops[view.stops["trade_id"] == trade.trade_id]
        protected = stops.loc[stops["kind"] == "breakeven", "timestamp"]
        to = scale.clock(protected.iloc[0]) if len(protected) else left
        entry_lines.append([(entered, trade.entry_price), (to, trade.entry_price)])
        moves = [(scale.clock(t), p) for t, p in zip(stops["timestamp"], stops["price"], strict=True)]
        stop_lines.append([(entered, trade.stop_initial), *moves, (left, trade.stop_final)])
        symbol = "triangle-up" if trade.direction == "long" else "triangle-down"
        said = f"{trade.direction.capitalize()} at {scale.price(trade.entry_price)}<br>1 R = {scale.price(trade.risk)}"
        entries.append((entered, trade.entry_price, symbol, said))
        fills = view.fills[view.fills["trade_id"] == trade.trade_id]
        hit_at = {}
        for fill in _rows(fills):
            at, part = scale.clock(fill.timestamp), f"{100 * fill.fraction:.0f} %"
            text = f"{part} out at {scale.price(fill.price)}<br>{_trade_r(trade, fill.price)}"
            if fill.kind in TARGETS:
                hit_at[fill.kind] = at
                target_hits.append((at, fill.price, "circle", f"{TARGETS[fill.kind]}: {text}"))
            elif fill.kind in STOP_EXITS:
                stop_hits.append((at, fill.price, "x-thin", f"{EXITS[fill.kind]}: {text}"))
            elif fill.kind != "entry":
                exits.append((at, fill.price, "square", f"{EXITS[fill.kind]}: {text}"))
        target_lines += [
            [(entered, price), (hit_at.get(kind, left), price)]
            for kind, price in (("t1", trade.t1_price), ("t2", trade.t2_price), ("runner", trade.runner_price))
            if np.isfinite(price)
        ]
    drawn = [
        _lines(entry_lines, "Entry price", color=colours.entry, width=1),
        _lines(target_lines, "Targets", color=colours.target, width=1.5, dash="dash"),
        _lines(stop_lines, "Stop", color=colours.stop, width=2, shape="hv").update(
            name="Stop in force", showlegend=True
        ),
        # Turned to the right or left, and beside its bar: on it, it would hide what the bar did.
        _markers(entries, "Entry", colours.entry, size=13, angle=90, standoff=10),
        _markers(target_hits, "Target filled", colours.target),
        _markers(stop_hits, "Stop hit", colours.stop, line={"width": 3, "color": colours.stop}),
        _markers(exits, "Exit", colours.entry),
    ]
    return [trace for trace in drawn if len(trace.x)]


def _refused(view: SessionView, scale: _Scale, colours: Palette) -> list[go.Scatter]:
    """Mark the candidates that were not taken, with the reason."""
    refused = view.signals[~view.signals["accepted"]]
    points = [
        (
            scale.clock(signal.timestamp),
            signal.trigger,
            "diamond-open",
            f"{signal.direction.capitalize()} at {scale.price(signal.trigger)} refused<br>{signal.refused_for}",
        )
        for signal in _rows(refused)
    ]
    return [_markers(points, "Refused", colours.refused, line={"width": 1.5})] if points else []


def _named(traces: list[go.Scatter], begin: Any, end: Any) -> list[go.Scatter]:
    """Let the legend name those that have a point from `begin` to `end`, where the chart is looked at first."""
    for trace in traces:
        if trace.showlegend is not False:
            trace.showlegend = any(x is not None and begin <= x <= end for x in trace.x)
    return traces


def _range_shapes(view: SessionView, scale: _Scale, colours: Palette) -> list[dict[str, Any]]:
    """Draw the opening range as a box, its levels and the triggers as lines to the right, and the prior value area."""
    shapes: list[dict[str, Any]] = []
    if view.value_area is not None:
        low, high = view.value_area
        band = {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "layer": LAYER, "line": {"width": 0}}
        shapes.append({**band, "y0": low, "y1": high, "fillcolor": colours.band})
    session = view.session
    if not np.isfinite(session["or_high"]):
        return shapes
    begin = scale.clock(session["open"])
    end = begin + pd.Timedelta(minutes=int(session["or_minutes"]))
    box = {"type": "rect", "x0": begin, "x1": end, "y0": session["or_low"], "y1": session["or_high"], "layer": LAYER}
    shapes.append({**box, "line": {"width": 0}, "fillcolor": faded(colours.opening_range, 0.14)})
    line = {"type": "line", "x0": begin, "x1": 1, "layer": LAYER}
    for level, dash in (
        (session["or_high"], "solid"),
        (session["or_low"], "solid"),
        (view.upper_trigger, "dot"),
        (view.lower_trigger, "dot"),
    ):
        if np.isfinite(level):
            stroke = {"color": colours.opening_range, "width": 1, "dash": dash}
            shapes.append({**line, "x1": scale.last, "y0": level, "y1": level, "line": stroke})
    return shapes


def _targets(trade: Any) -> list[tuple[str, float]]:
    """Return a trade's targets in the order they are reached, by name."""
    targets = [("T1", trade.t1_price), ("T2", trade.t2_price), ("Runner", trade.runner_price)]
    return [(name, price) for name, price in targets if np.isfinite(price)]


def _span(view: SessionView, trade: Any | None, bars: pd.DataFrame) -> tuple[float, float]:
    """Return from which price to which a chart goes: its bars, the range's levels, and the trade's.

    Of the targets, those that were reached and the next one: farther ones would press the candles flat.
    """
    levels = [view.session["or_low"], view.session["or_high"], view.lower_trigger, view.upper_trigger]
    if trade is not None:
        levels += [trade.entry_price, trade.stop_initial, trade.stop_final]
        levels += [price for _, price in _targets(trade)[: trade.targets_filled + 1]]
    low = float(np.nanmin([bars["low"].min(), *levels]))
    high = float(np.nanmax([bars["high"].max(), *levels]))
    room = 0.04 * (high - low)
    return low - room, high + room


def _labels(
    view: SessionView, trade: Any | None, scale: _Scale, colours: Palette, span: tuple[float, float]
) -> list[_Label]:
    """Name the levels at the right edge: the range's, and those of the trade that is looked at."""
    labels = []
    session = view.session
    for name, level, side, trigger in (
        ("OR high", session["or_high"], "long", view.upper_trigger),
        ("OR low", session["or_low"], "short", view.lower_trigger),
    ):
        if np.isfinite(level):
            text = f"{name} {scale.price(level)}"
            if np.isfinite(trigger):
                text += f" · {side} {scale.price(trigger)}"
            labels.append(_Label(level, text, colours.opening_range))
    if view.value_area is not None:
        low, high = max(view.value_area[0], span[0]), min(view.value_area[1], span[1])
        if low < high:
            labels.append(_Label((low + high) / 2, "Prior day's value", colours.refused))
    if trade is None:
        return labels
    labels.append(_Label(trade.entry_price, f"Entry {scale.price(trade.entry_price)}", colours.entry))
    levels = [("Stop", trade.stop_initial, colours.stop)]
    if trade.stop_final != trade.stop_initial:
        levels.append(("Stop, moved", trade.stop_final, colours.stop))
    targets = _targets(trade)
    single = [name for name, _ in targets] == ["Runner"]
    levels += [("Target" if single else name, price, colours.target) for name, price in targets]
    ended = view.fills[(view.fills["trade_id"] == trade.trade_id) & ~view.fills["kind"].isin(("entry", *TARGETS))]
    is_here = scale.clocks(ended["timestamp"]) <= scale.last
    levels += [("Out", price, colours.entry) for price in ended.loc[is_here, "price"]]
    labels += [_Label(p, f"{name} {scale.price(p)} · {_trade_r(trade, p)}", colour) for name, p, colour in levels]
    return labels


def _window(view: SessionView, trade: Any | None) -> pd.DataFrame:
    """Return `BARS_AROUND_TRADE` bars with the trade in the middle, more of a longer one; all without a trade.

    A longer one is shown from the open on, with the range it broke out of, unless that came long before.
    """
    bars = view.bars
    if trade is None:
        return bars
    times = bars["timestamp_utc"]
    entered = int(times.searchsorted(trade.entry_timestamp))
    left = len(bars) if trade.exit_timestamp is pd.NaT else int(times.searchsorted(trade.exit_timestamp))
    n = min(max(BARS_AROUND_TRADE, left - entered + 2 * BARS_BESIDE_TRADE), len(bars))
    first = min(max(entered - (n - (left - entered)) // 2, 0), len(bars) - n)
    begin = 0 if n > BARS_AROUND_TRADE and first <= BARS_AROUND_TRADE // 2 else first
    return bars.iloc[begin : first + n]


def _seen(view: SessionView, window: pd.DataFrame) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return from when to when a window is drawn: its last bar whole, and none beyond it cut."""
    first, last = window["timestamp_utc"].iloc[[0, -1]]
    bar = pd.Timedelta(minutes=view.bar_minutes)
    return first, last + (bar if last == view.bars["timestamp_utc"].iloc[-1] else bar / 2)


def _going_on(view: SessionView, most: int) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return from when to when a session that goes on is drawn.

    It fills the chart from the left; a full chart gets twice the room, up to `most` bars or the session's scheduled
    close. After that the last bar stays at the right edge. So the bars keep their width, and their number is all that
    decides: when the calendar closes is known before the open.
    """
    opened, bar = view.session["open"], pd.Timedelta(minutes=view.bar_minutes)
    now = view.bars["timestamp_utc"].iloc[-1] + bar
    room = FEWEST_BARS
    while opened + room * bar < now:
        room *= 2
    end = max(now, min(opened + min(room, most) * bar, view.session["close"]))
    return max(opened, end - most * bar), end


def is_all_in_sight(view: SessionView, trade: Any | None) -> bool:
    """Whether `session_figure` shows every bar of a day without being asked to."""
    return len(_window(view, trade)) == len(view.bars)


def _since(view: SessionView, first: pd.Timestamp) -> SessionView:
    kept = (view.bars["timestamp_utc"] >= first).to_numpy()
    return replace(view, bars=view.bars[kept], vwap=view.vwap[kept])


def session_figure(
    view: SessionView,
    *,
    trade_id: str | None = None,
    whole_day: bool = False,
    newest: int | None = None,
    colours: Palette = LIGHT,
    height: int = 560,
) -> go.Figure:
    """Draw one session as candles with what the strategy saw and did.

    Parameters
    ----------
    view : SessionView
    trade_id : str, optional
        The trade to look at: it is labelled and in the middle. Default: the session's first.
    whole_day : bool
        Show every bar instead of those around the trade; panning reaches the others either way, but the legend names
        nothing that only panning reaches.
    newest : int, optional
        Draw a session that goes on: the bars of the last `newest` bar lengths only, from the left while they are fewer.
    colours : Palette
    height : int
        In pixels.
    """
    span = None if newest is None else _going_on(view, newest)
    if span is not None:
        view = _since(view, span[0])
    scale = _Scale(view)
    chosen = [t for t in _rows(view.trades) if trade_id in {None, t.trade_id}]
    trade = chosen[0] if chosen else None
    window = view.bars if whole_day or span is not None else _window(view, trade)
    margin = {"l": 8, "r": 176, "t": 28, "b": 36}
    price_domain = (0.20, 1.0)
    low, high = _span(view, trade, window)
    px_per_point = (height - margin["t"] - margin["b"]) * (price_domain[1] - price_domain[0]) / (high - low)
    first, end = span or _seen(view, window)
    seen = scale.clock(first) - scale.bar / 2, scale.clock(end)
    figure = go.Figure(
        data=[
            *_candles(view, scale, colours),
            *_named([*_refused(view, scale, colours), *_trades(view, scale, colours)], *seen),
        ],
        layout=base_layout(colours, height),
    )
    axis = {"gridcolor": colours.grid, "zeroline": False, "automargin": True}
    figure.update_layout(
        margin=margin,
        hovermode="closest",
        shapes=_range_shapes(view, scale, colours),
        annotations=_annotations(_labels(view, trade, scale, colours, (low, high)), (low, high), px_per_point),
        xaxis={
            **axis,
            "type": "date",
            "range": seen,
            "tickformat": "%H:%M",
            "title": {"text": f"Time, {zone_name(view.timezone)}", "standoff": 4},
            "anchor": "y2",
            "rangeslider": {"visible": False},
            "showspikes": True,
            "spikemode": "across",
            "spikethickness": 1,
            "spikecolor": colours.refused,
            "spikedash": "dot",
        },
        yaxis={**axis, "domain": price_domain, "range": [low, high], "tickformat": scale.tick_format, "nticks": 9},
        yaxis2={**axis, "domain": [0, 0.15], "title": {"text": "Volume"}, "nticks": 3, "fixedrange": True},
    )
    return figure


def _annotations(labels: list[_Label], span: tuple[float, float], px_per_point: float) -> list[dict[str, Any]]:
    """Place labels at the right edge, apart from each other, each with a thin leader to its level.

    A level out of sight has its label at the edge behind which it lies, with an arrow that way.
    """
    low, high = span
    heights = [(label.price - low) * px_per_point for label in labels]
    places = spread_labels(heights, LABEL_GAP_PX, 0, (high - low) * px_per_point)
    annotations = []
    for label, place in zip(labels, places, strict=True):
        shown = min(max(label.price, low), high)
        away = "↑ " if label.price > high else "↓ " if label.price < low else ""
        annotations.append(
            {
                "x": 1,
                "xref": "paper",
                "xanchor": "left",
                "y": shown,
                "yref": "y",
                "ax": 14,
                "ay": (shown - low) * px_per_point - place,
                "text": away + label.text,
                "font": {"color": label.colour, "size": 12},
                "showarrow": True,
                "arrowhead": 0,
                "arrowwidth": 1,
                "arrowcolor": label.colour,
            }
        )
    return annotations
