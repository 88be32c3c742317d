"""Figures as SVG inside a page: they scale with it, follow its light or dark colours, and share no names."""

import io
import re
from textwrap import fill
from warnings import catch_warnings
from xml.etree import ElementTree

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from analysis.figures import style
from analysis.figures.drawing import UNDATED

MOST_POINTS = 4_000
"""Of a line that is drawn as a line; one of more points is drawn as a picture, which is smaller."""

_LETTERS_PER_INCH = 13  # of a legend's title, so that it fits

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_COLOR = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})\b", re.IGNORECASE)
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FONT = re.compile(r"font-family: [^;]*")
_ON_CELLS = {"black": "#010000", "white": "#fffffe"}
"""Colours of texts that stand on coloured cells and must not follow the page's: not quite greys."""


def inline_svg(figure: Figure, name: str, alternative: str, width_inches: float) -> Markup:
    """``figure``, which this changes, as an ``svg`` element, drawn ``width_inches`` wide and not lower than it was.

    ``name`` sets it apart from other figures of the page; ``alternative`` is read to who cannot see it.
    """
    root = ElementTree.fromstring(_drawn(figure, width_inches))
    for child in root.findall(f"{_SVG}metadata"):
        root.remove(child)
    for definitions in root.iter(f"{_SVG}defs"):
        for sheet in definitions.findall(f"{_SVG}style"):
            definitions.remove(sheet)
    used = {own for element in root.iter() for own in _references(element)}
    for element in root.iter():
        _rename(element, name, used)
        _recolor(element)
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    look = "fill: var(--ink); stroke-linejoin: round; stroke-linecap: butt"
    root.attrib |= {"role": "img", "aria-label": alternative, "style": look}
    ElementTree.register_namespace("", _SVG.strip("{}"))
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _drawn(figure: Figure, width_inches: float) -> bytes:
    width, height = figure.get_size_inches()
    figure.set_size_inches(width_inches, height * max(1.0, width_inches / width))
    figure.patch.set_alpha(0.0)
    for axes in figure.axes:
        axes.patch.set_alpha(0.0)
        for line in axes.lines:
            line.set_rasterized(np.size(line.get_xdata()) > MOST_POINTS)
        if axes.images or any(isinstance(found, QuadMesh) for found in axes.collections):
            for text in axes.texts:
                text.set_color(_ON_CELLS.get(str(text.get_color()), text.get_color()))
    page = io.BytesIO()
    with style.applied(), rc_context({"svg.fonttype": "none"}):
        _fit_legends(figure)
        figure.savefig(page, format="svg", metadata=UNDATED["svg"], facecolor="none")
    return page.getvalue()


def _fit_legends(figure: Figure) -> None:
    """A legend that is wider than the figure, or squeezes its only axes, goes below it, in columns that fit."""
    with catch_warnings(action="ignore", category=UserWarning):  # of axes squeezed to nothing, which is mended here
        figure.draw_without_rendering()
    too_wide = [found for found in figure.legends if found.get_window_extent().width > figure.bbox.width]
    if len(figure.axes) == 1 and (own := figure.axes[0].get_legend()) is not None:
        too_wide += [own] if own.get_window_extent().width > figure.axes[0].bbox.width else []
    for legend in too_wide:
        _put_below(figure, legend)


def _put_below(figure: Figure, legend: Legend) -> None:
    handles = [handle for handle in legend.legend_handles if handle is not None]
    labels = [text.get_text() for text in legend.get_texts()]
    title = fill(legend.get_title().get_text(), round(_LETTERS_PER_INCH * figure.get_figwidth()))
    legend.remove()
    for columns in range(4, 0, -1):
        below = figure.legend(handles, labels, loc="outside lower center", ncols=columns, title=title or None)
        figure.draw_without_rendering()
        if below.get_window_extent().width <= figure.bbox.width or columns == 1:
            return
        below.remove()


def _references(element: ElementTree.Element) -> list[str]:
    """The ids of other elements that ``element`` uses."""
    linked = element.get(_LINK, "")
    found = [own for value in element.attrib.values() for own in _REFERENCE.findall(value)]
    return [*found, linked[1:]] if linked.startswith("#") else found


def _rename(element: ElementTree.Element, name: str, used: set[str]) -> None:
    own = element.attrib.pop("id", None)
    if own in used:
        element.set("id", f"{name}-{own}")
    linked = element.attrib.pop(_LINK, None)
    if linked is not None:
        element.set("href", f"#{name}-{linked[1:]}" if linked.startswith("#") else linked)
    for key, value in element.attrib.items():
        element.set(key, _REFERENCE.sub(rf"url(#{name}-\1)", value))


def _recolor(element: ElementTree.Element) -> None:
    """Greys become shares of the page's ink on its paper, fonts the page's font."""
    for key in ("style", "fill", "stroke"):
        if key in element.attrib:
            value = on_page(element.attrib[key])
            element.set(key, _FONT.sub("font-family: var(--sans)", value))


def on_page(text: str) -> str:
    """``text`` with shares of the page's ink on its paper for its greys; other colours stay."""
    return _COLOR.sub(_share_of_ink, text)


def _share_of_ink(color: re.Match[str]) -> str:
    red, green, blue = (int(part, 16) for part in color.groups())
    if not red == green == blue:
        return color[0]
    ink = round(100 * (1 - red / 255))
    named = {0: "var(--paper)", 100: "var(--ink)"}
    return named.get(ink, f"color-mix(in srgb, var(--ink) {ink}%, var(--paper))")
