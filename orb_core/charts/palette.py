"""The colours of charts, light and dark, and the layout all figures share."""

from dataclasses import dataclass, replace
from typing import Any, Final


@dataclass(frozen=True)
class Palette:
    """Colours of one appearance, each at least 4.5:1 on its background and apart for deutan and protan vision.

    `under_text` is the opacity up to which `up` and `down` may lie under `text`, which then is as legible.
    """

    paper: str
    text: str
    grid: str
    up: str
    down: str
    opening_range: str
    vwap: str
    stop: str
    target: str
    entry: str
    refused: str
    band: str
    volume: str
    under_text: float


LIGHT: Final = Palette(
    paper="#FFFFFF",
    text="#0F172A",
    grid="#E2E8F0",
    up="#2563EB",
    down="#C2410C",
    opening_range="#475569",
    vwap="#A21CAF",
    stop="#7F1D1D",
    target="#047857",
    entry="#0F172A",
    refused="#64748B",
    band="rgba(100,116,139,0.10)",
    volume="#CBD5E1",
    under_text=0.75,
)
DARK: Final = Palette(
    paper="#0F1419",
    text="#E6EDF3",
    grid="#27303B",
    up="#5AA9FF",
    down="#FF9F5A",
    opening_range="#94A3B8",
    vwap="#FDE047",
    stop="#F43F5E",
    target="#A7F3D0",
    entry="#FFFFFF",
    refused="#94A3B8",
    band="rgba(148,163,184,0.10)",
    volume="#3A4654",
    under_text=0.5,
)
FONT: Final = '"Source Sans", "Source Sans Pro", sans-serif'


GREEN_RED: Final = {LIGHT: ("#15803D", "#B91C1C"), DARK: ("#4ADE80", "#FF8A80")}


def palette(*, dark: bool, green_red: bool = False) -> Palette:
    """Return the colours of an appearance; with `green_red` up is green and down red instead of blue and orange."""
    colours = DARK if dark else LIGHT
    if not green_red:
        return colours
    up, down = GREEN_RED[colours]
    return replace(colours, up=up, down=down)


def faded(colour: str, opacity: float) -> str:
    """Return a `#RRGGBB` colour with an opacity, as plotly takes it."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def base_layout(colours: Palette, height: int) -> dict[str, Any]:
    """Return the layout every figure starts from; `height` in pixels."""
    return {
        "height": height,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": colours.text},
        "hoverlabel": {"bgcolor": colours.paper, "font": {"family": FONT, "size": 12, "color": colours.text}},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"size": 12}},
        "dragmode": "pan",
        **{axis: {"title": {"font": {"size": 12}}} for axis in ("xaxis", "yaxis", "yaxis2")},
    }
