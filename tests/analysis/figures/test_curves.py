from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.axes import Axes

from analysis.figures.curves import curves_data, learned, learning_data
from analysis.figures.drawing import draw
from analysis.figures.kinds import Curves
from analysis.load import Results, load


def axes_of(results: Results, x: str = "sim_time_s", y: str = "perplexity") -> Axes:
    return draw(results, Curves(x=x, y=y)).figure.axes[0]


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


@pytest.fixture
def seeds(make_run: Callable[..., Path]) -> Results:
    """Three seeds of one scheme, the last of which was not evaluated in round 1; and one seed of another."""
    values = [(40.0, 30.0, 20.0), (44.0, 36.0, 22.0), (42.0, None, 27.0)]
    runs = [
        make_run(f"a{seed}", label="a", seed=seed, slowness=1.0 + seed, perplexities=found)
        for seed, found in enumerate(values)
    ]
    return load(*runs, make_run("b"))


def test_a_point_is_the_mean_of_both_axes_over_the_seeds_that_all_have_the_round(seeds: Results) -> None:
    data = curves_data(seeds)
    assert list(data.columns) == [
        *("label", "round", "sim_time_s", "perplexity", "perplexity_low", "perplexity_high", "seeds")
    ]
    points = data.drop(columns=["perplexity_low", "perplexity_high"]).to_numpy().tolist()
    assert points == [
        ["a", 0, 0.0, 42.0, 3],
        ["a", 2, 36.0, 23.0, 3],
        ["b", 0, 0.0, 40.0, 1],
        ["b", 1, 9.0, 30.0, 1],
        ["b", 2, 18.0, 20.0, 1],
    ]
    half_width = 4.3027 * (13 / 3) ** 0.5  # Student's t of two degrees of freedom; variance of 20, 22, 27 is 13
    assert data["perplexity_high"].iloc[1] == pytest.approx(23.0 + half_width, rel=1e-4)
    assert data["perplexity_low"].iloc[1] == pytest.approx(23.0 - half_width, rel=1e-4)


def test_the_band_is_drawn_about_the_line_and_named(seeds: Results) -> None:
    axes = axes_of(seeds)
    band, nothing = axes.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx(curves_data(seeds)["perplexity_high"].max())
    assert not len(nothing.get_paths())  # of one seed
    legend = axes.get_legend()
    assert legend is not None
    assert legend.get_title().get_text() == "mean of 1 to 3 seeds; band: 95% confidence"


@pytest.mark.parametrize(
    ("column", "summed"),
    [
        ("traffic_bytes", ["uplink_bytes", "downlink_bytes", "backhaul_bytes"]),
        ("energy_j", ["user_energy_j", "edge_energy_j", "cloud_energy_j"]),
    ],
)
def test_sums_are_of_all_links_and_all_nodes(make_run: Callable[..., Path], column: str, summed: list[str]) -> None:
    results = load(make_run("a"))
    for row, point in zip(results[0].rounds.itertuples(), learning_data(results, x=column).itertuples(), strict=True):
        assert getattr(point, column) == sum(getattr(row, name) for name in summed)


def test_what_was_learned_is_perplexity_or_else_accuracy(make_run: Callable[..., Path], nothing_learned: Any) -> None:
    text, classes = make_run("text"), make_run("classes", perplexities=(None, None, None))
    assert learned(load(text)) == "perplexity"
    assert learned(load(text, classes)) == "accuracy"
    with pytest.raises(ValueError, match="some run recorded neither perplexity nor accuracy"):
        learned(load(text, make_run("analytic", **nothing_learned)))


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
        ("traffic_bytes", "perplexity", "Traffic (kB)", "Perplexity"),
        ("energy_j", "perplexity", "Energy (J)", "Perplexity"),
    ],
)
def test_axes_name_their_quantity_and_unit(
    make_run: Callable[..., Path], x: str, y: str, x_label: str, y_label: str
) -> None:
    axes = axes_of(load(make_run("splitfed")), x, y)
    assert (axes.get_xlabel(), axes.get_ylabel()) == (x_label, y_label)


def test_a_run_that_cost_nothing_leaves_the_axis_linear(make_run: Callable[..., Path]) -> None:
    folder = make_run("centralised")
    rounds = pd.read_parquet(folder / "rounds.parquet")
    rounds.assign(uplink_bytes=0).to_parquet(folder / "rounds.parquet")
    assert axes_of(load(folder, make_run("splitfed")), x="uplink_bytes").get_xscale() == "linear"


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
        learning_data(both)


def test_an_unknown_column_is_refused_with_the_known_ones(make_run: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match=r"'wall_time_s' is not a column of rounds; known are round, sim_time_s"):
        learning_data(load(make_run("splitfed")), x="wall_time_s")
