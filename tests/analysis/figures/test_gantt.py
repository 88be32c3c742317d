from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex

from analysis.figures.drawing import draw
from analysis.figures.gantt import MOST_LANES, gantt_data, lanes_of
from analysis.figures.kinds import Gantt
from analysis.figures.style import KIND_STYLES
from analysis.load import load
from analysis.result import Result

USERS = MOST_LANES + 4
EXACT = 1e-12


def lane_of(event: object) -> str:
    """Whose lane an activity is in, as a reader of the record would say it."""
    user, node, kind = event.user, event.node, event.kind  # type: ignore[attr-defined]
    if user >= 0 and kind in ("uplink", "downlink", "waiting") and not (kind == "uplink" and node.startswith("user")):
        return f"user{user}"
    return str(node)


def busy_s(result: Result, number: int) -> dict[tuple[str, str], float]:
    """Seconds by lane and kind, counted event by event."""
    found: dict[tuple[str, str], float] = defaultdict(float)
    for event in result.events.itertuples():
        if event.round == number:
            found[lane_of(event), event.kind] += event.end_s - event.start_s
    return found


def crowd(folder: Path) -> Result:
    """The hand-made run with more users than have lanes of their own, each doing what user 0 does, a second later."""
    events = pd.read_parquet(folder / "events.parquet")
    own = events[events["user"] == 0]
    more = [
        own.assign(
            user=user,
            node=own["node"].str.replace("user0", f"user{user}"),
            start_s=own["start_s"] + user,
            end_s=own["end_s"] + user,
        )
        for user in range(2, USERS)
    ]
    pd.concat([events, *more], ignore_index=True).to_parquet(folder / "events.parquet")
    return Result(folder)


@pytest.mark.parametrize("number", [1, 2])
def test_each_lane_is_as_busy_as_the_record_says(make_run: Callable[..., Path], number: int) -> None:
    result = Result(make_run("a", slowness=3.0))
    data = gantt_data(result, number)
    drawn_s = (data["end_s"] - data["start_s"]).groupby([data["lane"], data["kind"]]).sum()
    assert drawn_s.to_dict() == pytest.approx(busy_s(result, number), rel=EXACT)
    assert data["start_s"].min() == 0


def test_lanes_are_users_then_servers_and_links_have_tracks(make_run: Callable[..., Path]) -> None:
    data = gantt_data(Result(make_run("a")))
    assert lanes_of(data) == ["user0", "user1", "edge0", "edge0.downlink", "edge1", "cloud"]
    tracks = {(lane, kind): set(mine["track"]) for (lane, kind), mine in data.groupby(["lane", "kind"])}
    assert tracks["user0", "user_compute"] == tracks["user0", "waiting"] == {"computes"}
    assert tracks["user0", "uplink"] == {"uplink"}
    assert tracks["cloud", "backhaul"] == {"backhaul"}


def test_what_befell_users_is_no_activity(make_run: Callable[..., Path]) -> None:
    folder = make_run("a")
    events = pd.read_parquet(folder / "events.parquet")
    happened = events.iloc[:1].assign(kind="outage", act="happening", user=-2)
    pd.concat([events, happened]).to_parquet(folder / "events.parquet")
    assert len(gantt_data(Result(folder))) == len(events) / 2


def test_many_users_are_rows_of_their_own_time_by_when_they_are_done(make_run: Callable[..., Path]) -> None:
    result = crowd(make_run("a"))
    data = gantt_data(result)
    for user in range(USERS):
        mine = data[data["lane"] == f"user{user}"]
        expected = defaultdict(float)
        for event in result.events.itertuples():
            if event.round == 1 and event.user == user:
                expected[event.kind] += event.end_s - event.start_s
        assert (mine["end_s"] - mine["start_s"]).groupby(mine["kind"]).sum().to_dict() == pytest.approx(expected)
        assert set(mine["track"]) == {"computes"}
    lanes = lanes_of(data)
    assert lanes[:USERS] == ["user0", "user1", *(f"user{user}" for user in range(2, USERS))]
    assert lanes[USERS:] == ["edge0", "edge1", "cloud"]
    later = data[data["lane"] == "user3"].assign(lane="user1", end_s=1000.0, kind="uplink")
    assert lanes_of(pd.concat([data, later]))[USERS - 1] == "user1"


@pytest.mark.parametrize("many", [False, True])
def test_a_bar_is_where_and_as_long_and_of_the_colour_that_the_data_say(
    make_run: Callable[..., Path], many: bool
) -> None:
    result = crowd(make_run("a")) if many else Result(make_run("a"))
    drawn = draw(load(result.path), Gantt())
    (axes,) = drawn.figure.axes
    found: dict[str, float] = defaultdict(float)
    for bars in axes.collections:
        assert isinstance(bars, PolyCollection)
        color = to_hex(bars.get_facecolor()[0]).upper() if len(bars.get_facecolor()) else ""
        for path in bars.get_paths():
            found[color] += float(path.vertices[:, 0].max() - path.vertices[:, 0].min())
    data = drawn.data
    for kind, seconds in (data["end_s"] - data["start_s"]).groupby(data["kind"]).sum().items():
        assert found[KIND_STYLES[str(kind)].color.upper()] == pytest.approx(seconds)
    assert axes.get_title(loc="left") == "Round 1 of a: 9 s"


@pytest.mark.parametrize(
    ("edges", "named"), [(8, [f"edge server {number}" for number in range(8)]), (9, ["9 edge servers"])]
)
def test_many_lanes_of_a_role_are_named_together(make_run: Callable[..., Path], edges: int, named: list[str]) -> None:
    result = crowd(make_run("a"))
    working = result.events[result.events["node"] == "edge1"]
    more = [working.assign(node=f"edge{number}") for number in range(2, edges)]
    pd.concat([result.events, *more]).to_parquet(result.path / "events.parquet")
    (axes,) = draw(load(result.path), Gantt()).figure.axes
    users = f"{USERS} users,\nwho is done first\non top"
    assert [text.get_text() for text in axes.get_yticklabels()] == [users, *named, "cloud"]


def test_tracks_do_not_overlap_and_who_waits_fills_the_lane(make_run: Callable[..., Path]) -> None:
    (axes,) = draw(load(make_run("a")), Gantt()).figure.axes
    tracks, waits = set(), set()
    for bars in axes.collections:
        for path in bars.get_paths():
            span = float(path.vertices[:, 1].min()), float(path.vertices[:, 1].max())
            (waits if bars.get_zorder() < 2 else tracks).add(span)
    ordered = sorted(tracks)
    assert all(end <= begin for (_, end), (begin, _) in pairwise(ordered))
    assert waits == {(ordered[0][0], ordered[0][0] + 2)}  # of user 0, whose lane has tracks to compute and to send


def test_the_run_is_chosen_by_label_and_a_round_that_never_was_is_refused(make_run: Callable[..., Path]) -> None:
    results = load(make_run("a"), make_run("b", slowness=2.0))
    assert draw(results, Gantt(run="b")).data["end_s"].max() == 10.0
    with pytest.raises(ValueError, match=r"run = 'c': not one of a, b"):
        draw(results, Gantt(run="c"))
    with pytest.raises(ValueError, match=r"nothing took time in round 3; there are 2 rounds"):
        draw(results, Gantt(round=3))
