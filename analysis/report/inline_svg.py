"""Figures as SVG inside a page: they scale with it, follow its light or dark colours, and share no names."""

import io
import re
from xml.etree import ElementTree

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.transforms import IdentityTransform

from analysis import style
from analysis.figures import UNDATED

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_COLOR = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})\b", re.IGNORECASE)
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FONT = re.compile(r"(font: [^;']*?[\d.]+px) [^;]*")
_ON_CELLS = {"black": "#010000", "white": "#fffffe"}
"""Colours of texts that stand on coloured cells and must not follow the page's: not quite greys."""


def inline_svg(figure: Figure, name: str, alternative: str, width_inches: float) -> Markup:
    """``figure`` as an ``svg`` element, drawn ``width_inches`` wide in its own proportions.

    ``name`` sets it apart from other figures of the page; ``alternative`` is read to who cannot see it.
    """
    root = ElementTree.fromstring(_drawn(figure, width_inches))
    for child in root.findall(f"{_SVG}metadata"):
        root.remove(child)
    for definitions in root.iter(f"{_SVG}defs"):
        for sheet in definitions.findall(f"{_SVG}style"):
            definitions.remove(sheet)
    used = {name for element in root.iter() for name in _references(element)}
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
        if axes.images or any(isinstance(found, QuadMesh) for found in axes.collections):
            for text in axes.texts:
                text.set_color(_ON_CELLS.get(str(text.get_color()), text.get_color()))
    page = io.BytesIO()
    with style.applied(), rc_context({"svg.fonttype": "none"}):
        for axes in figure.axes:
            _fit_legend(axes, figure)
        figure.savefig(page, format="svg", metadata=UNDATED["svg"], facecolor="none")
    return page.getvalue()


def _fit_legend(axes: Axes, figure: Figure) -> None:
    """A legend beside or below that is wider than its axes would squeeze them, or be cut off: give it fewer columns."""
    for columns in range(3, 0, -1):
        figure.draw_without_rendering()
        legend = axes.get_legend()
        if legend is None or legend.get_window_extent().width <= axes.bbox.width:
            return
        axes.legend(
            handles=legend.legend_handles,
            labels=[text.get_text() for text in legend.get_texts()],
            loc="upper center",
            bbox_to_anchor=legend.get_bbox_to_anchor(),
            bbox_transform=IdentityTransform(),
            ncols=columns,
        )


def _references(element: ElementTree.Element) -> list[str]:
    linked = element.get(_LINK, "").removeprefix("#")
    return [
        *([linked] if linked else []),
        *(found for value in element.attrib.values() for found in _REFERENCE.findall(value)),
    ]


def _rename(element: ElementTree.Element, name: str, used: set[str]) -> None:
    own = element.attrib.pop("id", None)
    if own in used:
        element.set("id", f"{name}-{own}")
    linked = element.attrib.pop(_LINK, None)
    if linked is not None:
        element.set("href", f"#{name}-{linked.removeprefix('#')}")
    for key, value in element.attrib.items():
        element.set(key, _REFERENCE.sub(rf"url(#{name}-\1)", value))


def _recolor(element: ElementTree.Element) -> None:
    """Greys become shares of the page's ink on its paper, fonts the page's font."""
    for key in ("style", "fill", "stroke"):
        if key in element.attrib:
            value = on_page(element.attrib[key])
            element.set(key, _FONT.sub(r"\1 var(--sans)", value))


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
