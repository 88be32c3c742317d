from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from analysis.figures.drawing import draw
from analysis.figures.kinds import Memory
from analysis.figures.memory import MOST_NODES, memory_data
from analysis.figures.style import MEMORY_STYLES
from analysis.load import load

KIB = 1024


def holding(folder: Path, peaks: Mapping[str, Mapping[str, int]], limit: float = float("nan")) -> Path:
    """Let the nodes of a run hold so many KiB of each kind, of ``limit`` bytes; role and name are in the key."""
    rows = [
        {
            "node": node,
            "role": node.rstrip("0123456789"),
            "kind": kind,
            "peak_bytes": kib * KIB,
            "limit_bytes": limit,
        }
        for node, kinds in peaks.items()
        for kind, kib in kinds.items()
    ]
    pd.DataFrame(rows).to_parquet(folder / "memory.parquet")
    return folder


def user(number: int) -> dict[str, int]:
    """Kinds that peak at different times: all together less than their sum."""
    return {"weights": 10, "activations": 5 + number, "buffers": 3, "total": 14 + number}


def users(count: int) -> dict[str, dict[str, int]]:
    return {f"user{number}": user(number) for number in range(count)} | {"cloud": {"weights": 1, "total": 1}}


def test_of_one_run_each_node_is_shown(make_run: Callable[..., Path]) -> None:
    folder = holding(make_run("a"), users(3))
    data = memory_data(load(folder))
    expected = {(node, kind): kib * KIB for node, kinds in users(3).items() for kind, kib in kinds.items()}
    found = {}
    for row in data.itertuples():
        found[row.row, row.kind] = row.peak_bytes
    assert found == expected


def test_of_many_nodes_the_one_with_the_highest_total_is_shown_whole(make_run: Callable[..., Path]) -> None:
    folder = holding(make_run("a"), users(MOST_NODES + 1))
    data = memory_data(load(folder))
    shown = data[data["role"] == "user"]
    assert set(shown["node"]) == {f"user{MOST_NODES}"}
    assert dict(zip(shown["kind"], shown["peak_bytes"] / KIB, strict=True)) == user(MOST_NODES)


def test_of_several_runs_the_worst_node_of_each_among_all_seeds_is_shown(make_run: Callable[..., Path]) -> None:
    first = holding(make_run("a0", label="a"), users(2))
    second = holding(make_run("a1", label="a", seed=1), {"user0": user(7), "user1": user(2)})
    other = holding(make_run("b"), users(1))
    data = memory_data(load(first, second, other))
    shown = data[(data["role"] == "user") & (data["kind"] == "total")]
    assert shown[["row", "seed", "node", "peak_bytes"]].to_numpy().tolist() == [
        ["a", 1, "user0", 21 * KIB],
        ["b", 0, "user0", 14 * KIB],
    ]


def test_kinds_begin_at_zero_and_are_not_stacked(make_run: Callable[..., Path]) -> None:
    drawn = draw(load(holding(make_run("a"), users(1))), Memory())
    axes = drawn.figure.axes[0]
    bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert {bar.get_x() for bar in bars} == {0}
    widths = {to_hex(bar.get_facecolor()).upper(): bar.get_width() for bar in bars}
    for kind, kib in user(0).items():
        color = "#FFFFFF" if kind == "total" else MEMORY_STYLES[kind].color
        assert widths[color] == pytest.approx(kib)
    rows = sorted((bar.get_y(), bar.get_y() + bar.get_height()) for bar in bars if bar.get_facecolor()[:3] != (1, 1, 1))
    assert all(end <= begin for (_, end), (begin, _) in pairwise(rows))
    assert axes.get_xlabel() == "Peak memory (KiB)"


def test_limits_are_lines(make_run: Callable[..., Path]) -> None:
    def drawn_limits(folder: Path) -> list[tuple[float, ...]]:
        axes = draw(load(folder), Memory()).figure.axes[0]
        return [tuple(path.vertices[:, 0]) for lines in axes.collections for path in lines.get_paths()]

    assert drawn_limits(holding(make_run("limited"), users(2), 20.0 * KIB)) == [(20.0, 20.0)] * 2
    assert drawn_limits(holding(make_run("free"), users(2))) == []


def test_titles_say_whose_peak_it_is(make_run: Callable[..., Path]) -> None:
    def titles(*folders: Path) -> list[str]:
        return [axes.get_title(loc="left") for axes in draw(load(*folders), Memory()).figure.axes]

    few, many = holding(make_run("few"), users(2)), holding(make_run("many"), users(MOST_NODES + 1))
    assert titles(few) == ["Users", "Cloud"]
    assert titles(many) == [f"Worst user of {MOST_NODES + 1}", "Cloud"]
    assert titles(few, many) == [f"Worst user of {MOST_NODES + 1}", "Cloud"]


def test_every_kind_of_memory_has_a_look() -> None:
    from cosim.memory import MEMORY_KINDS

    assert tuple(MEMORY_STYLES) == MEMORY_KINDS


def test_a_run_that_has_written_nothing_is_refused(make_run: Callable[..., Path]) -> None:
    folder = make_run("a")
    (folder / "memory.parquet").unlink()
    with pytest.raises(ValueError, match=r"no run has written memory\.parquet yet"):
        memory_data(load(folder))
