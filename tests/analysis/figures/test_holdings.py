"""Curves of memory: staircases that add up, below what the node has."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.figures.drawing import draw
from analysis.figures.holdings import MOST_STEPS, holdings_data, worst_of_roles
from analysis.figures.kinds import Holdings
from analysis.load import load
from analysis.result import Result

KIB, LIMIT_KIB = 1024, 40.0
CHANGES = [
    (0.0, "weights", 10),
    (1.0, "activations", 5),
    (1.0, "buffers", 2),
    (2.0, "activations", -5),
    (4.0, "buffers", 1),
]
END_S = 18.0


def holding(folder: Path, changes: dict[str, list[tuple[float, str, int]]], limit_kib: float = float("nan")) -> Result:
    """A run whose nodes change what they hold so, in KiB."""
    rows = [(time_s, node, kind, kib * KIB) for node, its in changes.items() for time_s, kind, kib in its]
    held = pd.DataFrame(rows, columns=["time_s", "node", "kind", "bytes"]).sort_values("time_s", kind="stable")
    held.to_parquet(folder / "held.parquet")
    peaks = [
        (node, node.rstrip("0123456789"), "total", float(np.cumsum([kib for _, _, kib in its]).max()) * KIB)
        for node, its in changes.items()
    ]
    memory = pd.DataFrame(peaks, columns=["node", "role", "kind", "peak_bytes"])
    memory.assign(limit_bytes=limit_kib * KIB).to_parquet(folder / "memory.parquet")
    return Result(folder)


def test_the_data_are_what_is_held_from_each_instant_on_to_the_end(make_run: Callable[..., Path]) -> None:
    data = holdings_data(holding(make_run("a"), {"user0": CHANGES}, LIMIT_KIB), ["user0"])
    found = data[["time_s", "weights", "activations", "buffers", "limit_bytes"]] / [1, KIB, KIB, KIB, KIB]
    assert found.to_numpy().tolist() == [
        [0, 10, 0, 0, LIMIT_KIB],
        [1, 10, 5, 2, LIMIT_KIB],
        [2, 10, 0, 2, LIMIT_KIB],
        [4, 10, 0, 3, LIMIT_KIB],
        [END_S, 10, 0, 3, LIMIT_KIB],
    ]


def test_without_a_word_the_worst_node_of_each_role_is_shown_that_holds_anything(make_run: Callable[..., Path]) -> None:
    more = [*CHANGES, (5.0, "transient", 100)]
    result = holding(make_run("a"), {"cloud": CHANGES, "user0": CHANGES, "user1": more, "edge0": [(0.0, "buffers", 0)]})
    assert worst_of_roles(result) == ["user1", "cloud"]
    titles = [axes.get_title(loc="left") for axes in draw(load(result.path), Holdings()).figure.axes]
    assert titles == ["User 1", "Cloud"]


def test_areas_stand_upon_each_other_and_the_limit_is_a_line(make_run: Callable[..., Path]) -> None:
    result = holding(make_run("a"), {"user0": CHANGES}, LIMIT_KIB)
    (axes,) = draw(load(result.path), Holdings(node="user0")).figure.axes
    tops = [max(path.vertices[:, 1].max() for path in area.get_paths()) for area in axes.collections]
    assert tops == [10, 15, 17]
    (limit,) = axes.lines
    assert set(limit.get_ydata()) == {LIMIT_KIB}
    assert axes.get_ylabel() == "Memory (KiB)"
    free = holding(make_run("b"), {"user0": CHANGES})
    assert not draw(load(free.path), Holdings()).figure.axes[0].lines


def test_of_many_changes_the_peaks_stay(make_run: Callable[..., Path]) -> None:
    ups_and_downs = [(step / 1000, "buffers", 1 if step % 2 == 0 else -1) for step in range(5 * MOST_STEPS)]
    spike = [(3.33333, "transient", 50), (3.33334, "transient", -50)]
    result = holding(make_run("a"), {"user0": [*ups_and_downs, *spike]})
    data = holdings_data(result, ["user0"])
    assert len(data) <= MOST_STEPS + 1
    assert data["time_s"].is_monotonic_increasing
    assert data[["buffers", "transient"]].sum(axis=1).max() >= 50 * KIB


def test_a_node_that_is_not_there_is_refused(make_run: Callable[..., Path]) -> None:
    result = holding(make_run("a"), {"user0": CHANGES})
    with pytest.raises(ValueError, match=r"^node = 'user7': .* has no memory of it"):
        holdings_data(result, ["user7"])
