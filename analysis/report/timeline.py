"""The activities of rounds as compact data for the page's timeline, as much of them as a page can hold."""

import json
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from analysis.delays import EVERYBODY, HAPPENINGS, KINDS, NOBODY
from analysis.figures.style import KIND_STYLES
from analysis.load import Results
from analysis.nodes import cloud_first, user_node
from analysis.report.inline_svg import on_page
from analysis.report.names import named_runs
from analysis.result import Result
from analysis.trace.instants import NS_PER_S, to_ns
from analysis.trace.tracks import ROWS, lanes, placed
from analysis.units import TIME, quantity_of, written

MOST_SPANS = 40_000
"""Of all runs together; some forty bytes each."""
MOST_RUNS = 12

_MOST_NUMBERS = 12  # of rounds, told one by one
_SAID = {"happening": "interruptions"}
"""Rows of a node whose names are not what a reader would say."""

_HATCHES = {"//": "rising", "\\\\": "falling", "||": "upright", "xx": "crossed", "..": "dotted"}
"""Hatches of figures by the names that the page's style sheet and script have for them."""

_WHOSE = {EVERYBODY: "everybody", NOBODY: "beside the users"}


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Data for the page's script, the same in a few words, and what there was no room for."""

    data: Markup
    in_words: str
    left_out: tuple[str, ...]


def timeline(results: Results) -> Timeline | None:
    """Of each run some rounds, or all; None where no run has an activity yet."""
    named = [(name, run) for name, run in named_runs(results) if not run.events.empty]
    if not named:
        return None
    shown = named[:MOST_RUNS]
    left_out = [f"only the first {MOST_RUNS} of {len(named)} runs are here"] if len(named) > len(shown) else []
    runs = []
    for name, run in shown:
        data, missing = _run(name, run, MOST_SPANS // len(shown))
        runs.append(data)
        left_out += missing
    named_kinds = [*kinds(), *({"key": kind, "name": quantity_of(kind), "hatch": ""} for kind in HAPPENINGS)]
    text = json.dumps({"kinds": named_kinds, "runs": runs}, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Timeline(data=Markup(text), in_words=_in_words(runs), left_out=tuple(left_out))


def kinds() -> list[dict[str, str]]:
    """Name, colour and hatch of each kind of delay, as in the figures; greys are shares of the page's ink."""
    looks = {kind: KIND_STYLES[kind] for kind in KINDS}
    return [
        {"key": kind, "name": quantity_of(kind), "color": on_page(look.color), "hatch": _HATCHES.get(look.hatch, "")}
        for kind, look in looks.items()
    ]


def _run(name: str, run: Result, most: int) -> tuple[dict[str, Any], list[str]]:
    """What the page has of a run, and what is left out."""
    events, rounds, missing = _cut(run.events, most)
    table = placed(events)
    paths, at_user, lane_there = _paths(table)
    nodes, at_node, lane_at_node = _resources(table)
    reasons = list(dict.fromkeys(table["reason"]))
    columns = {
        "p": at_user,  # row among `paths`, and lane of it
        "q": lane_there,
        "r": at_node,  # row among `nodes`, -1 for none, and lane of it
        "m": lane_at_node,
        "k": _numbered(table["kind"].tolist(), (*KINDS, *HAPPENINGS)),
        "u": table["user"].to_numpy(),
        "b": table["bytes"].to_numpy(),
        "w": _numbered(table["reason"].tolist(), reasons),
    }
    bounds = _bounds(run)
    data = [_round(number, table["round"].to_numpy() == number, table, columns, bounds) for number in rounds]
    told = {"name": name, "paths": paths, "nodes": nodes, "reasons": reasons, "rounds": data}
    return told, [f"{name}: {what}" for what in missing]


def _cut(events: pd.DataFrame, most: int) -> tuple[pd.DataFrame, list[int], list[str]]:
    """As many whole rounds as there is room for, or else a part of the users; which rounds, and what is left out."""
    sizes = events.groupby("round").size()
    rounds = _chosen(sizes.index.tolist(), sizes.to_numpy(), most)
    here = ", ".join(map(str, rounds)) if len(rounds) <= _MOST_NUMBERS else f"{len(rounds)}"
    missing = [f"of its {len(sizes)} rounds only {here}"] if len(rounds) < len(sizes) else []
    kept = events[events["round"].isin(rounds)]
    users = sorted(set(kept.loc[kept["user"] >= 0, "user"]))
    count = max(1, len(users) * most // len(kept))
    if len(kept) > most and count < len(users):
        hidden = set(users[count:])
        at_hidden = kept["node"].isin([user_node(user) for user in hidden])
        kept = kept[~kept["user"].isin(hidden) & ~at_hidden]
        missing.append(f"of its {len(users)} users only the first {count}")
    return kept, rounds, missing


def _chosen(numbers: Sequence[int], sizes: NDArray[Any], most: int) -> list[int]:
    """As many rounds as there is room for, the first and the last among them; at least the first."""
    for count in range(len(numbers), 0, -1):
        places = sorted({round(place) for place in np.linspace(0, len(numbers) - 1, count).tolist()})
        if count == 1 or sizes[places].sum() <= most:
            return [numbers[place] for place in places]
    return []


def _bounds(run: Result) -> dict[int, tuple[int, int]]:
    """Start and end of each round in nanoseconds."""
    ends_ns = to_ns(run.rounds["sim_time_s"]).tolist()
    numbers = run.rounds["round"].tolist()
    return {number: (start, end) for number, start, end in zip(numbers[1:], ends_ns, ends_ns[1:], strict=False)}


def _paths(table: pd.DataFrame) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """A row a user, for all that delays it, with what befell it; its names, and row and lane of each activity."""
    number = table["node"].str.removeprefix("user")
    befell = table["kind"].isin(HAPPENINGS) & number.str.isdecimal()
    whose = table["user"].where(~befell, number.where(befell, "0").astype("int64"))
    lane = np.where(whose == NOBODY, lanes(table.assign(whose=whose), ["whose"]), 0)
    order = sorted(set(whose.tolist()), key=lambda user: (user < 0, user if user >= 0 else -user))
    return [_WHOSE.get(user, f"user {user}") for user in order], _numbered(whose.tolist(), order), lane


def _resources(table: pd.DataFrame) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """A row a processor and link, for what it does; its names, and row (or -1: none) and lane of each activity."""
    wires = table.assign(row=table["row"].replace("latency", "backhaul"))
    keys = list(zip(wires["owner"], wires["row"], strict=True))
    order = [key for key in dict.fromkeys(keys) if key[1] != "waiting"]
    order.sort(key=lambda key: (cloud_first(key[0]), ROWS.index(key[1])))
    return (
        [f"{owner} {_SAID.get(row, row)}" for owner, row in order],
        _numbered(keys, order),
        lanes(wires, ["owner", "row"]),
    )


def _numbered(keys: Sequence[Hashable], order: Sequence[Hashable]) -> NDArray[np.int64]:
    places = {key: place for place, key in enumerate(order)}
    return np.array([places.get(key, -1) for key in keys], dtype=np.int64)


def _round(
    number: int,
    chosen: NDArray[np.bool_],
    table: pd.DataFrame,
    columns: dict[str, NDArray[Any]],
    bounds: dict[int, tuple[int, int]],
) -> dict[str, Any]:
    """Starts as differences, because small numbers are short; all times in nanoseconds after the round's start."""
    start_ns, end_ns = table["start_ns"].to_numpy()[chosen], table["end_ns"].to_numpy()[chosen]
    first_ns, last_ns = bounds.get(number, (int(start_ns.min(initial=0)), int(end_ns.max(initial=0))))
    return {
        "n": number,
        "t": first_ns,  # when the round began, since the run did
        "l": max(last_ns, int(end_ns.max(initial=last_ns))) - first_ns,  # until the last activity
        "e": last_ns - first_ns,  # until the round was over
        "s": np.diff(start_ns, prepend=first_ns).tolist(),
        "d": (end_ns - start_ns).tolist(),
        **{name: column[chosen].tolist() for name, column in columns.items()},
    }


def _in_words(runs: Sequence[dict[str, Any]]) -> str:
    told = []
    for run in runs:
        last = run["rounds"][-1]
        lasted = written(last["e"] / NS_PER_S, TIME)
        told.append(f"round {last['n']} of {run['name']} lasts {lasted} and has {len(last['s'])} activities")
    return f"Timeline of one round at a time, a row a user or node and a bar an activity. {'; '.join(told)}."
