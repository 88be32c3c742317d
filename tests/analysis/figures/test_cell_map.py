from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.figures.cell_map import in_one_plane, map_data
from analysis.figures.drawing import draw
from analysis.figures.kinds import Map
from analysis.load import load
from analysis.result import Result

PLACES_M = ((30.0, 40.0), (-60.0, 80.0), (0.0, -20.0))


@pytest.fixture
def placed(make_run: Callable[..., Path]) -> Callable[..., Path]:
    """A run of three users, 0 and 2 under edge server 0; edge server 1 stands so far east, or in its own plane."""

    def make(name: str, apart_m: float, instants: int = 1) -> Path:
        rows = [
            {"time_s": float(instant), "user": user, "edge": edge, "serving": edge == user % 2}
            | {"x_m": east + instant + apart_m * (user % 2), "y_m": north, "edge_x_m": edge * apart_m, "edge_y_m": 0.0}
            | {"signal_dbm": -60.0, "uplink_bps": 1e6 * (user + 1), "downlink_bps": 1e7 * (user + 1)}
            for instant in range(instants)
            for user, (east, north) in enumerate(PLACES_M)
            for edge in range(2)
        ]
        folder = make_run(name, settings={"radio": {"cell_radius": "250.0 m"}})
        pd.DataFrame(rows).to_parquet(folder / "links.parquet")
        return folder

    return make


@pytest.mark.parametrize("rate", ["uplink", "downlink"])
def test_the_data_are_the_serving_links_of_the_record(placed: Callable[..., Path], rate: str) -> None:
    result = Result(placed("a", 400.0, instants=2))
    expected = []
    for link in result.links.itertuples():
        if link.serving:
            bps = link.uplink_bps if rate == "uplink" else link.downlink_bps
            place = [link.x_m, link.y_m, link.edge_x_m, link.edge_y_m]
            expected.append([link.time_s, link.user, link.edge, *place, bps])
    assert map_data(result, rate).to_numpy().tolist() == expected
    assert len(expected) == 6


def test_neighbours_are_drawn_in_one_plane_with_lines_to_who_serves(placed: Callable[..., Path]) -> None:
    axes, _ = draw(load(placed("a", 400.0)), Map()).figure.axes  # and the colour bar
    lines = {tuple(np.asarray(line.get_xydata()).ravel()) for line in axes.get_lines() if line.get_marker() == "None"}
    assert lines == {(30, 40, 0, 0), (340, 80, 400, 0), (0, -20, 0, 0)}
    (sites,) = (line for line in axes.get_lines() if line.get_marker() == "^")
    assert np.asarray(sites.get_xydata()).tolist() == [[0, 0], [400, 0]]
    assert [text.get_text() for text in axes.texts] == ["0", "1", "2"]
    dots = axes.collections[-1]
    assert np.asarray(dots.get_offsets()).tolist() == [[30, 40], [340, 80], [0, -20]]
    assert np.asarray(dots.get_array()).tolist() == [1, 2, 3]  # Mbit/s
    assert [circle.get_radius() for circle in axes.patches] == [250, 250]  # type: ignore[attr-defined]


def test_cells_with_planes_of_their_own_have_panels_of_their_own(placed: Callable[..., Path]) -> None:
    first, second, _ = draw(load(placed("a", 0.0)), Map()).figure.axes
    assert [axes.get_title(loc="left") for axes in (first, second)] == [
        "Cell of edge server 0",
        "Cell of edge server 1",
    ]
    assert [len(axes.texts) for axes in (first, second)] == [2, 1]


def test_users_who_move_leave_tracks(placed: Callable[..., Path]) -> None:
    axes, _ = draw(load(placed("a", 400.0, instants=3)), Map()).figure.axes
    track, starts = (np.asarray(dots.get_offsets()) for dots in axes.collections[-2:])
    assert track.tolist() == [[x + 400 * (u == 1) + t, y] for t in (1, 2) for u, (x, y) in enumerate(PLACES_M)]
    assert len(starts) == 3


def test_one_edge_server_is_one_plane(placed: Callable[..., Path]) -> None:
    data = map_data(Result(placed("a", 0.0)))
    assert not in_one_plane(data)
    assert in_one_plane(data[data["edge"] == 1])


def test_a_run_without_places_is_refused(make_run: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="no place of a user was recorded"):
        map_data(Result(make_run("a")))
