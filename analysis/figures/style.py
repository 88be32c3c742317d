"""One look for all figures: told apart by colour, and without it by marker, line style or hatch."""

from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from matplotlib import colormaps, style
from matplotlib.colors import to_rgb
from matplotlib.typing import ColorType

LineStyle = str | tuple[int, tuple[int, ...]]

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
"""Okabe and Ito, "Color Universal Design" (2008): eight colours told apart in every common colour blindness; those
that are faint as lines on white come last."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINE_STYLES: tuple[LineStyle, ...] = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))

SHADES = colormaps["viridis"]
"""For what is more or less: as light in grey as it is much, and told apart in every common colour blindness."""

LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a grey print: ITU-R BT.601."""


@dataclass(frozen=True, kw_only=True)
class SeriesStyle:
    """How the curve of one run looks."""

    color: str
    marker: str
    linestyle: LineStyle

    @property
    def line(self) -> dict[str, Any]:
        """As `Axes.plot` takes it; markers have a thin white edge, so that they stand out from lines they lie on."""
        return {**asdict(self), "markeredgecolor": "white"}


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

MEMORY_STYLES = {
    "weights": FillStyle(color="#0072B2", hatch=""),
    "adapter": FillStyle(color="#E69F00", hatch="//"),
    "gradient": FillStyle(color="#D55E00", hatch="\\\\"),
    "optimiser": FillStyle(color="#CC79A7", hatch="xx"),
    "activations": FillStyle(color="#009E73", hatch=".."),
    "transient": FillStyle(color="#56B4E9", hatch=""),
    "buffers": FillStyle(color="#F0E442", hatch=""),
}
"""Kinds of memory, in the order in which figures show them."""


LIMIT_STYLE: dict[str, Any] = {"color": "black", "linestyle": "--", "linewidth": 1.2}
"""The line of what a node has."""


def series_style(position: int) -> SeriesStyle:
    """Style of the run at `position` (from 0); the first 40 differ, the first 8 in colour and in marker."""
    return SeriesStyle(
        color=PALETTE[position % len(PALETTE)],
        marker=MARKERS[position % len(MARKERS)],
        linestyle=LINE_STYLES[position % len(LINE_STYLES)],
    )


def grey(color: ColorType) -> float:
    """How light a colour is in a grey print, from 0, black, to 1."""
    return sum(weight * part for weight, part in zip(LUMINANCE, to_rgb(color), strict=True))


def applied() -> AbstractContextManager[None]:
    """A block in which figures are drawn and written in the project's style; settings outside it stay as they are."""
    return style.context(Path(__file__).with_name("style.mplstyle"), after_reset=True)
