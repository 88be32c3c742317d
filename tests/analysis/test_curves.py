from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes

from analysis.curves import learning_data
from analysis.figures import learning_curve
from analysis.load import Results, load


def axes_of(results: Results, x: str = "sim_time_s", y: str = "perplexity") -> Axes:
    return learning_curve(results, x, y).axes[0]


def test_the_data_are_the_rounds_of_every_run_in_the_order_given(make_run: Callable[..., Path]) -> None:
    data = learning_data(load(make_run("slow", slowness=2.0), make_run("fast")))
    assert list(data.columns) == ["label", "seed", "round", "sim_time_s", "perplexity"]
    assert data.to_numpy().tolist() == [
        ["slow", 0, 0, 0.0, 40.0],
        ["slow", 0, 1, 18.0, 30.0],
        ["slow", 0, 2, 36.0, 20.0],
        ["fast", 0, 0, 0.0, 40.0],
        ["fast", 0, 1, 9.0, 30.0],
        ["fast", 0, 2, 18.0, 20.0],
    ]


def test_rounds_that_were_not_evaluated_are_left_out(make_run: Callable[..., Path]) -> None:
    data = learning_data(load(make_run("sparse", perplexities=(40.0, None, 20.0))))
    assert list(data["round"]) == [0, 2]


def test_each_run_is_a_labelled_line_through_its_points(make_run: Callable[..., Path]) -> None:
    axes = axes_of(load(make_run("slow", slowness=10.0), make_run("fast", slowness=2.0)))
    slow, fast = axes.get_lines()
    assert list(slow.get_xdata()) == pytest.approx([0, 1.5, 3])
    assert list(slow.get_ydata()) == [40, 30, 20]
    assert list(fast.get_xdata()) == pytest.approx([0, 0.3, 0.6])
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["slow", "fast"]


@pytest.mark.parametrize(
    ("x", "y", "x_label", "y_label"),
    [
        ("sim_time_s", "perplexity", "Simulated time (s)", "Perplexity"),
        ("round", "accuracy", "Round", "Accuracy"),
        ("uplink_bytes", "user_energy_j", "Uplink (kB)", "User energy (J)"),
        ("round", "sim_time_s", "Round", "Simulated time (s)"),
    ],
)
def test_axes_name_their_quantity_and_unit(
    make_run: Callable[..., Path], x: str, y: str, x_label: str, y_label: str
) -> None:
    axes = axes_of(load(make_run("splitfed")), x, y)
    assert (axes.get_xlabel(), axes.get_ylabel()) == (x_label, y_label)


@pytest.mark.parametrize(("slowness", "scale"), [(10.0, "linear"), (10.5, "symlog")])
def test_time_is_logarithmic_when_runs_end_over_ten_times_apart(
    make_run: Callable[..., Path], slowness: float, scale: str
) -> None:
    axes = axes_of(load(make_run("fast"), make_run("slow", slowness=slowness)))
    assert axes.get_xscale() == scale
    assert ("logarithmic" in axes.get_xlabel()) == (scale == "symlog")
    assert axes.get_xlim()[0] == 0


def test_a_run_that_learned_nothing_is_named_instead_of_drawn_empty(
    make_run: Callable[..., Path], nothing_learned: Any
) -> None:
    both = load(make_run("learned"), make_run("analytic", **nothing_learned))
    with pytest.raises(ValueError, match="analytic: perplexity was never recorded"):
        learning_curve(both)


def test_an_unknown_column_is_refused_with_the_known_ones(make_run: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match=r"'wall_time_s' is not a column of rounds; known are round, sim_time_s"):
        learning_curve(load(make_run("splitfed")), x="wall_time_s")
