"""One look for all figures: told apart by colour, and without it by marker, line style or hatch."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from matplotlib import style

LineStyle = str | tuple[int, tuple[int, ...]]

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
"""Okabe and Ito, "Color Universal Design" (2008): eight colours told apart in every common colour blindness; those
that are faint as lines on white come last."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINE_STYLES: tuple[LineStyle, ...] = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))


@dataclass(frozen=True, kw_only=True)
class SeriesStyle:
    """How the curve of one run looks."""

    color: str
    marker: str
    linestyle: LineStyle


@dataclass(frozen=True, kw_only=True)
class FillStyle:
    """How the part of a bar that stands for one kind of delay looks."""

    color: str
    hatch: str


KIND_STYLES = {
    "user_compute": FillStyle(color="#0072B2", hatch=""),
    "edge_compute": FillStyle(color="#56B4E9", hatch="//"),
    "cloud_compute": FillStyle(color="#009E73", hatch="||"),
    "uplink": FillStyle(color="#E69F00", hatch=""),
    "downlink": FillStyle(color="#D55E00", hatch="\\\\"),
    "backhaul": FillStyle(color="#CC79A7", hatch="xx"),
    "waiting": FillStyle(color="#DDDDDD", hatch=".."),
}


def series_style(position: int) -> SeriesStyle:
    """Style of the run at `position` (from 0); the first 40 differ, the first 8 in colour and in marker."""
    return SeriesStyle(
        color=PALETTE[position % len(PALETTE)],
        marker=MARKERS[position % len(MARKERS)],
        linestyle=LINE_STYLES[position % len(LINE_STYLES)],
    )


def applied() -> AbstractContextManager[None]:
    """A block in which figures are drawn and written in the project's style; settings outside it stay as they are."""
    return style.context(Path(__file__).with_name("style.mplstyle"), after_reset=True)
