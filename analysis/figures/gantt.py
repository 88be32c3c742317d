"""The timeline of one round: what every node and link did when."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from analysis.delays import KINDS, LINKS, RADIO
from analysis.figures.canvas import Drawn, kind_patch, one_run
from analysis.figures.kinds import Gantt
from analysis.figures.style import KIND_STYLES
from analysis.load import Results
from analysis.nodes import node_name, role_of, user_node, users_first
from analysis.result import Result
from analysis.units import TIME, unit_for, written

MOST_LANES = 16
"""Up to so many users have a lane each, with a track for what they compute and for each direction of their link.
Beyond, a user is one thin row, which shows where it spends its time, be it at the edge server or on the backhaul."""

TRACKS = ("computes", *LINKS)
TRACK_INCHES, GAP = 0.105, 0.9
THIN_INCHES = 0.026
HAIR = 0.003
"""Of the length of the axis: bars that are shorter get an outline, to be seen."""

MOST_NAMED = 8
"""Below many users, up to so many edge servers have their names."""

SERVER_ROWS, SERVER_GAP = 5.0, 2.0
"""As many thin rows as this are the lane of a server high, and the gap above it, below many users."""


def drawn(results: Results, wish: Gantt) -> Drawn:
    """The figure of `gantt_data`."""
    result = one_run(results, wish.run)
    data = gantt_data(result, wish.round)
    figure = Figure(figsize=(9.0, 1.35 + _height_inches(data)), layout="constrained")
    axes = figure.subplots()
    draw_gantt(axes, data)
    began_s, ended_s = _span_s(result, wish.round)
    axes.set_title(f"Round {wish.round} of {result.label}: {written(ended_s - began_s, TIME)}")
    kinds = [kind for kind in KINDS if (data["kind"] == kind).any()]
    entries = [kind_patch(kind, hatched=not _is_crowd(data["lane"].unique())) for kind in kinds]
    figure.legend(handles=entries, loc="outside lower center", ncols=len(kinds))
    return Drawn(figure, data)


def gantt_data(result: Result, number: int = 1) -> pd.DataFrame:
    """The activities of a round, a row a bar: `lane`, `track`, `kind`, `start_s` and `end_s` since its begin, `user`.

    Also `node`, `act`, `reason` and `bytes`, as recorded. Up to `MOST_LANES` users the lane is the node that is busy;
    an uplink or downlink is in the lane of the user at its end, and so are waits of a user's story. Beyond, each
    activity of a user's story, of any kind, is in the lane of that user, in one track; those of servers are also in the
    server's. Raises ValueError for a round without activities.
    """
    events = result.events
    chosen = events[(events["round"] == number) & events["kind"].isin(KINDS) & (events["end_s"] > events["start_s"])]
    if chosen.empty:
        raise ValueError(f"{result.path}: nothing took time in round {number}; there are {result.rounds_done} rounds")
    users = chosen.loc[chosen["user"] >= 0, "user"].nunique()
    placed = _by_node(chosen) if users <= MOST_LANES else _by_user(chosen)
    began_s, _ = _span_s(result, number)
    placed = placed.assign(start_s=placed["start_s"] - began_s, end_s=placed["end_s"] - began_s)
    columns = ["lane", "track", "kind", "start_s", "end_s", "user", "node", "act", "reason", "bytes"]
    return placed[columns].reset_index(drop=True)


def lanes_of(data: pd.DataFrame) -> list[str]:
    """The lanes from top to bottom: users, edge servers, cloud; many users by when they were done, else by number."""
    lanes = sorted(data["lane"].unique(), key=users_first)
    if not _is_crowd(lanes):
        return lanes
    users = [lane for lane in lanes if role_of(lane) == "user"]
    busy = data[(data["kind"] != "waiting") & data["lane"].isin(users)]
    done_s = busy.groupby("lane")["end_s"].max().reindex(users, fill_value=0.0)
    return [*done_s.sort_values(kind="stable").index, *lanes[len(users) :]]


def draw_gantt(axes: Axes, data: pd.DataFrame) -> None:
    """Draw `gantt_data`: a bar an activity in the colour of its kind, lanes from top to bottom."""
    unit = unit_for(data["end_s"], TIME)
    placed = _places(data)
    where = zip(data["lane"], data["track"], data["kind"], strict=True)
    spans = [placed[lane].of(track, kind) for lane, track, kind in where]
    tops, heights = np.array(spans).T
    bars = pd.DataFrame({"begin": data["start_s"] / unit.size, "end": data["end_s"] / unit.size, "top": tops})
    bars["bottom"] = tops + heights
    length, many = float(bars["end"].max()), _is_crowd(placed)
    for kind, mine in bars.groupby(data["kind"], sort=False):
        _draw_bars(axes, mine, str(kind), many=many, length=length)
    _name_lanes(axes, placed)
    axes.set_ylim(_depth(placed) + GAP / 2, -GAP / 2)
    axes.set_xlim(0, length)
    axes.set_xlabel(unit.named("Simulated time since the round began"))
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a lane is, in tracks from the top; among many users bars are as high as the lane."""

    top: float
    height: float
    tracks: Sequence[str]
    many: bool

    def of(self, track: str, kind: str) -> tuple[float, float]:
        """Top and height of a bar. Who waits does nothing else: that fills the lane."""
        if self.many or kind == "waiting":
            return self.top, self.height
        return self.top + self.tracks.index(track), 1.0


def _is_crowd(lanes: Iterable[str]) -> bool:
    """Whether there are more users than have a lane each."""
    return sum(role_of(lane) == "user" for lane in lanes) > MOST_LANES


def _places(data: pd.DataFrame) -> dict[str, _Place]:
    """All lanes from top to bottom; those of one role have the same tracks, so that they compare."""
    lanes = lanes_of(data)
    many = _is_crowd(lanes)
    role = data["lane"].map(role_of)
    tracks = {name: [track for track in TRACKS if track in set(data.loc[role == name, "track"])] for name in set(role)}
    placed: dict[str, _Place] = {}
    top = 0.0
    for lane in lanes:
        thin = many and role_of(lane) == "user"
        top += 0.0 if thin or not placed else SERVER_GAP if many else GAP
        height = 1.0 if thin else SERVER_ROWS if many else float(len(tracks[role_of(lane)]))
        placed[lane] = _Place(top=top, height=height, tracks=tracks[role_of(lane)], many=many)
        top += height
    return placed


def _depth(placed: Mapping[str, _Place]) -> float:
    """How far down the last lane ends, in tracks."""
    return max(place.top + place.height for place in placed.values())


def _draw_bars(axes: Axes, bars: pd.DataFrame, kind: str, *, many: bool, length: float) -> None:
    """Draw all bars of one kind at once; short ones get an outline in their colour, so that they are seen at all."""
    look, waiting = KIND_STYLES[kind], kind == "waiting"
    short = (bars["end"] - bars["begin"] < HAIR * length) & (not waiting)
    usual: dict[str, Any] = {"hatch": None if many else look.hatch, "edgecolor": "white"}
    usual["linewidth"] = 0.0 if many or waiting else 0.25
    seen: dict[str, Any] = {"hatch": None, "edgecolor": look.color, "linewidth": 0.7}
    corners = [("begin", "top"), ("end", "top"), ("end", "bottom"), ("begin", "bottom")]
    for some, outline in ((bars[~short], usual), (bars[short], seen)):
        outlines = np.stack([some[list(corner)].to_numpy() for corner in corners], axis=1)  # (bars, corners, x and y)
        zorder = 1.5 if waiting else 2
        axes.add_collection(
            PolyCollection(list(outlines), facecolor=look.color, zorder=zorder, rasterized=many, **outline),
            autolim=False,
        )


def _by_node(events: pd.DataFrame) -> pd.DataFrame:
    """Lane and track by who is busy."""
    own = events["user"].map(user_node)
    radio = events["kind"].isin(RADIO) & (events["node"].map(role_of) != "user")
    of_user = (events["user"] >= 0) & (radio | (events["kind"] == "waiting"))
    return events.assign(
        lane=events["node"].where(~of_user, own), track=events["kind"].where(events["kind"].isin(LINKS), TRACKS[0])
    )


def _by_user(events: pd.DataFrame) -> pd.DataFrame:
    """A lane for each user's story, and one for what each server computes."""
    stories = events[events["user"] >= 0]
    stories = stories.assign(lane=stories["user"].map(user_node), track=TRACKS[0])
    servers = events[events["kind"].isin(["edge_compute", "cloud_compute"])]
    return pd.concat([stories, servers.assign(lane=servers["node"], track=TRACKS[0])])


def _name_lanes(axes: Axes, placed: Mapping[str, _Place]) -> None:
    """Name each lane, or those of many users or edge servers together, and draw a line between few."""
    named: dict[str, float] = {}
    many = _is_crowd(placed)
    for role in dict.fromkeys(map(role_of, placed)):
        places = {lane: place for lane, place in placed.items() if role_of(lane) == role}
        middles = {node_name(lane): place.top + place.height / 2 for lane, place in places.items()}
        if many and len(middles) > MOST_NAMED:
            order = ",\nwho is done first\non top" if role == "user" else ""
            middles = {f"{len(middles)} {node_name(role)}s{order}": fmean(middles.values())}
        named |= middles
    if not many:
        for place in placed.values():
            axes.axhline(place.top - GAP / 2, color="#DDDDDD", linewidth=0.6, zorder=0)
    axes.set_yticks(list(named.values()), list(named))


def _height_inches(data: pd.DataFrame) -> float:
    placed = _places(data)
    rows = _depth(placed) + GAP
    if _is_crowd(placed):
        return min(9.0, max(3.0, THIN_INCHES * rows))
    return TRACK_INCHES * rows


def _span_s(result: Result, number: int) -> tuple[float, float]:
    """When the round began and ended, since the begin of the run."""
    ends_s = result.rounds.set_index("round")["sim_time_s"]
    return float(ends_s.get(number - 1, 0.0)), float(ends_s.get(number, float("nan")))
