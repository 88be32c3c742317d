from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.figures.drawing import draw
from analysis.figures.kinds import Signals
from analysis.figures.signals import farthest_travelled, signal_data
from analysis.load import load
from analysis.result import Result

END_S = 18.0


@pytest.fixture
def walked(make_run: Callable[..., Path]) -> Path:
    """A run in which user 1 goes from edge server 0 to 1 after ten seconds, and user 0 stays; with an outage."""
    folder = make_run("walked")
    time_s, user, edge = (grid.ravel() for grid in np.meshgrid(np.arange(0, 19.0), [0, 1], [0, 1], indexing="ij"))
    serving = edge == ((user == 1) & (time_s >= 10))
    level = np.where(edge == 0, -60 - 2 * time_s, -100 + 2 * time_s)
    pd.DataFrame(
        {
            "time_s": time_s,
            "user": user,
            "edge": edge,
            "serving": serving,
            "x_m": time_s,
            "y_m": 0.0,
            "edge_x_m": 400.0 * edge,
            "edge_y_m": 0.0,
        }
        | {"signal_dbm": level, "uplink_bps": 1e6, "downlink_bps": 2e6}
    ).to_parquet(folder / "links.parquet")
    events = pd.read_parquet(folder / "events.parquet")
    happened = {"node": "user1", "act": "happening", "user": -2, "bytes": 0, "flops": 0, "energy_j": 0.0, "round": 1}
    rows = [
        {"start_s": 10.0, "end_s": 10.05, "kind": "handover", "reason": "edge0 to edge1"},
        {"start_s": 14.0, "end_s": 15.0, "kind": "outage", "reason": ""},
    ]
    more = pd.DataFrame([happened | {"step": 0, **dict.fromkeys(PAYLOADS, 0)} | row for row in rows])
    pd.concat([events, more], ignore_index=True).to_parquet(folder / "events.parquet")
    return folder


PAYLOADS = ("activation_bytes", "gradient_bytes", "adapter_bytes", "label_bytes", "model_bytes", "position_bytes")


@pytest.fixture
def result(walked: Path) -> Result:
    return Result(walked)


def test_the_user_to_show_is_the_one_that_most_edge_servers_served(result: Result) -> None:
    assert farthest_travelled(result) == 1


def test_the_data_are_samples_transfers_and_what_happened(result: Result) -> None:
    data = signal_data(result, 1)
    assert data["what"].value_counts().to_dict() == {"signal": 38, "uplink": 4, "handover": 1, "outage": 1}
    carried = data[(data["what"] == "uplink") & (data["end_s"] - data["start_s"] == 1.0)]
    assert set(carried["bps"]) == {8000.0}  # a thousand bytes in a second


def test_the_serving_edge_server_is_drawn_heavy_and_the_handover_marked(walked: Path) -> None:
    levels, rates, spans = draw(load(walked), Signals(user=1)).figure.axes
    heavy = [line for line in levels.get_lines() if line.get_linewidth() == 3]
    assert [str(line.get_label()) for line in heavy] == ["edge server 0", "edge server 1"]
    assert [np.isfinite(np.asarray(line.get_ydata(), dtype=float)).sum() for line in heavy] == [10, 9]
    for axes in (levels, rates):
        marks = [line for line in axes.get_lines() if len(np.asarray(line.get_xdata())) == 2]
        assert [np.asarray(line.get_xdata())[0] for line in marks] == [10.0]
    assert [text.get_text() for text in spans.get_yticklabels()] == ["Handover", "Outage"]
    assert spans.get_xlim() == (0, END_S)


def test_the_figure_is_of_that_user_or_of_another_that_is_wanted(walked: Path) -> None:
    assert set(draw(load(walked), Signals()).data["what"]) == {"signal", "uplink", "handover", "outage"}
    assert set(draw(load(walked), Signals(user=0)).data["what"]) == {"signal", "uplink"}


def test_a_run_without_samples_or_such_a_user_is_refused(make_run: Callable[..., Path], result: Result) -> None:
    with pytest.raises(ValueError, match=r"sampled no links; it needs radio\.sampling"):
        signal_data(Result(make_run("plain")), 0)
    with pytest.raises(ValueError, match=r"no user 7 in links\.parquet"):
        signal_data(result, 7)
