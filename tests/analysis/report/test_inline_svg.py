"""Figures inside a page: their own names, the page's colours and font, legends that fit."""

import re
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from analysis.figures import style
from analysis.report.inline_svg import inline_svg

SVG = "{http://www.w3.org/2000/svg}"


def lines(**look: object) -> Figure:
    with style.applied():
        figure = Figure(layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], marker="o", clip_on=True, label="run", **look)
        axes.legend()
    return figure


def parsed(figure: Figure, name: str = "one", width_inches: float = 5.0) -> ElementTree.Element:
    return ElementTree.fromstring(inline_svg(figure, name, "What it shows.", width_inches))


def test_it_scales_and_says_what_it_shows() -> None:
    root = parsed(lines())
    assert root.tag == f"{SVG}svg"
    assert "width" not in root.attrib and "height" not in root.attrib and root.attrib["viewBox"].startswith("0 0 360 ")
    assert (root.attrib["role"], root.attrib["aria-label"]) == ("img", "What it shows.")


def test_the_same_figure_twice_shares_no_names() -> None:
    first, second = ({part.get("id") for part in parsed(lines(), name).iter()} - {None} for name in ("one", "two"))
    assert first and second and not first & second


@pytest.mark.parametrize("kind", ["href", "url"])
def test_references_still_lead_somewhere(kind: str) -> None:
    text = inline_svg(lines(), "one", "", 5.0)
    used = re.findall(r'href="#([^"]+)"' if kind == "href" else r"url\(#([^)]+)\)", text)
    assert used and all(f'id="{name}"' in text for name in used)


def test_text_stays_text_in_the_font_of_the_page() -> None:
    texts = parsed(lines()).findall(f".//{SVG}text")
    assert "run" in [text.text for text in texts]
    assert all("var(--sans)" in text.attrib["style"] and "DejaVu" not in text.attrib["style"] for text in texts)


def test_greys_become_ink_on_paper_and_colours_stay() -> None:
    text = inline_svg(lines(color="#d55e00", markeredgecolor="white"), "one", "", 5.0)
    assert "#d55e00" in text and "stroke: var(--paper)" in text and "color-mix(in srgb, var(--ink)" in text
    greys = [color for color in re.findall(r"#([0-9a-f]{6})\b", text) if color[:2] == color[2:4] == color[4:]]
    assert greys == []


def test_nothing_white_lies_behind_a_figure() -> None:
    assert "fill: var(--paper)" not in inline_svg(lines(), "one", "", 5.0)


def test_texts_on_coloured_cells_keep_their_colours() -> None:
    figure = Figure()
    axes = figure.subplots()
    axes.pcolormesh([[0.0, 1.0]])
    axes.text(0.5, 0.5, "dark cell", color="white")
    axes.text(1.5, 0.5, "bright cell", color="black")
    looks = {text.text: text.attrib["style"] for text in parsed(figure).findall(f".//{SVG}text")}
    assert "fill: #fffffe" in looks["dark cell"] and "fill: #010000" in looks["bright cell"]


@pytest.mark.parametrize("whose", ["axes", "figure"])
def test_a_legend_too_wide_goes_below_in_columns_that_fit(whose: str) -> None:
    labels = [f"a rather long name {number}" for number in range(8)]
    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    axes = figure.subplots()
    for number, label in enumerate(labels):
        axes.plot([0, 1], [0, number], label=label)
    if whose == "axes":
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=4, title="runs")
    else:
        figure.legend(loc="outside lower center", ncols=8, title="runs " * 40)
    parsed(figure)
    (legend,) = figure.legends
    extent = legend.get_window_extent()
    assert axes.get_legend() is None and extent.x0 >= 0 and extent.x1 <= figure.bbox.width
    assert extent.y1 < axes.bbox.y0 and axes.bbox.width > figure.bbox.width / 2
    assert [text.get_text() for text in legend.get_texts()] == labels
    assert legend.get_title().get_text().split() == ["runs"] * (40 if whose == "figure" else 1)


def test_a_legend_that_fits_stays_where_it_is() -> None:
    figure = lines()
    legend = figure.axes[0].get_legend()
    parsed(figure)
    assert figure.axes[0].get_legend() is legend and figure.legends == []


def test_labels_are_escaped() -> None:
    figure = Figure()
    figure.subplots().set_title("<script>alert(1)</script>")
    assert "<script>" not in inline_svg(figure, "one", '"<b>', 5.0)


def test_a_line_of_very_many_points_is_a_picture() -> None:
    figure = Figure(figsize=(6.0, 4.0))
    figure.subplots().plot(range(100_000), [0, 1] * 50_000)
    text = inline_svg(figure, "one", "", 5.0)
    assert 'href="data:image/png;base64,' in text and len(text) < 200_000
