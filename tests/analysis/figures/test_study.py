"""Figures of studies without training: what stands in which panel, and in which unit."""

import pandas as pd
import pytest

from analysis.figures import reductions, study


def points(measured: str, delays_s: dict[str, list[float]]) -> list[dict[str, object]]:
    return [
        {"measured": measured, "quantity": "users", "unit": "", "value": float(place), "scheme": scheme, "delay_s": s}
        for scheme, line in delays_s.items()
        for place, s in enumerate(line)
    ]


def test_every_delay_has_a_panel_of_its_own_in_its_unit() -> None:
    table = pd.DataFrame(
        points("round delay", {"a": [60.0, 120.0], "b": [90.0, 100.0]})
        + points("queue", {"a": [0.0, 0.0], "b": [0.001, 0.5]})
        + points("uplink", {"a": [1.0, 100.0]})
        + points("downlink", {"a": [1.0, 2.0]})
    )
    figure = study.drawn(table).figure
    drawn = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_ylabel() for axes in drawn] == ["Round delay (min)", "Queue (ms)", "Uplink (min)", "Downlink (s)"]
    assert [axes.get_yscale() for axes in drawn] == ["linear", "linear", "log", "linear"]
    assert [line.get_ydata().tolist() for line in drawn[0].lines] == [[1.0, 2.0], pytest.approx([1.5, 100 / 60])]


def test_schemes_look_alike_in_all_panels() -> None:
    table = pd.DataFrame(points("one", {"a": [1.0], "b": [1.0]}) + points("other", {"b": [1.0]}))
    one, other = study.drawn(table).figure.axes
    assert one.lines[1].get_color() == other.lines[0].get_color() != one.lines[0].get_color()


def test_the_cell_nearest_to_the_papers_number_is_framed_in_each_row_that_reaches_it() -> None:
    percents = {(8, 1): 89.0, (8, 2): 78.0, (8, 3): 68.0, (20, 1): 96.0, (20, 2): 91.0, (20, 3): 87.0}
    table = pd.DataFrame(
        {"users": users, "edges": edges, "weights": "common", "percent": percent, "paper_percent": 74.0}
        for (users, edges), percent in percents.items()
    )
    axes = reductions.drawn(table).figure.axes[0]
    (frame,) = axes.patches
    assert frame.get_xy() == (1, 0)
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert texts[1.5, 0.5] == "78" and texts[2.5, 1.5] == "87"
