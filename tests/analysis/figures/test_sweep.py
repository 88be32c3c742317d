import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest

from analysis.figures.drawing import draw
from analysis.figures.kinds import Sweep
from analysis.figures.sweep import is_geometric, sweep_data
from analysis.load import Results, load

MHZ = 1e6


def world(mhz: float, users: int = 2) -> dict[str, Any]:
    return {"radio": {"bandwidth": f"{mhz * MHZ} Hz"}, "users": {"count": users}}


@pytest.fixture
def swept(make_run: Callable[..., Path], tmp_path: Path) -> Results:
    """Two schemes, three bandwidths and three seeds; what takes longer has less bandwidth and a higher seed."""
    for label in ("b", "a"):
        for mhz in (5, 10, 20):
            for seed in range(3):
                slowness = (1 + seed) * 20 / mhz * (2 if label == "a" else 1)
                make_run(f"{label}/{mhz}/{seed}", label=label, seed=seed, slowness=slowness, settings=world(mhz))
    return load(tmp_path / "b", tmp_path / "a")


def duration_s(runs: Results, label: str, mhz: float) -> list[float]:
    """How long each seed of a scheme took, by the last of its rounds."""
    return [
        max(row.sim_time_s for row in run.rounds.itertuples())
        for run in runs
        if run.label == label and run.settings["radio.bandwidth"].value == mhz * MHZ
    ]


def test_points_are_means_over_seeds_in_the_order_of_schemes_and_values(swept: Results) -> None:
    data = sweep_data(swept, "radio.bandwidth")
    assert list(data.columns) == [
        *("line", "hue", "radio.bandwidth", "sim_time_s", "sim_time_s_low", "sim_time_s_high", "seeds")
    ]
    assert data["line"].tolist() == ["b"] * 3 + ["a"] * 3
    assert data["radio.bandwidth"].tolist() == [5e6, 10e6, 20e6] * 2
    assert set(data["seeds"]) == {3}
    for row in data.to_dict("records"):
        expected = duration_s(swept, row["line"], row["radio.bandwidth"] / MHZ)
        assert row["sim_time_s"] == pytest.approx(fmean(expected))
        assert row["sim_time_s_high"] - row["sim_time_s"] == pytest.approx(
            4.3027 * np.std(expected, ddof=1) / math.sqrt(3), rel=1e-4
        )  # Student's t, two degrees of freedom


def test_another_setting_that_was_varied_is_a_line_of_its_own(make_run: Callable[..., Path], tmp_path: Path) -> None:
    for mhz in (5, 10):
        for users in (16, 4):
            make_run(f"{mhz}/{users}", label="a", slowness=users / mhz, settings=world(mhz, users))
    runs = load(tmp_path)
    data = sweep_data(runs, "radio.bandwidth")
    assert data[["line", "sim_time_s"]].to_numpy().tolist() == [
        *(["users 4", 18.0 * 4 / 5], ["users 4", 18.0 * 4 / 10]),
        *(["users 16", 18.0 * 16 / 5], ["users 16", 18.0 * 16 / 10]),
    ]
    other = sweep_data(runs, "users.count", hue="radio.bandwidth")
    assert other["hue"].unique().tolist() == ["radio bandwidth 5 MHz", "radio bandwidth 10 MHz"]


def test_hue_shares_a_colour_and_the_rest_a_line_style(make_run: Callable[..., Path], tmp_path: Path) -> None:
    for label in ("a", "b"):
        for mhz in (5, 10, 20):
            for users in (4, 8):
                make_run(f"{label}/{mhz}/{users}", label=label, settings=world(mhz, users))
    (axes,) = draw(load(tmp_path), Sweep(x="radio.bandwidth", hue="users.count")).figure.axes
    looks = {line.get_label(): (line.get_color(), line.get_linestyle()) for line in axes.get_lines()}
    assert list(looks) == ["users 4, a", "users 4, b", "users 8, a", "users 8, b"]
    (a4, b4, a8, b8) = looks.values()
    assert a4[0] == b4[0] != a8[0] == b8[0]
    assert a4[1] == a8[1] != b4[1] == b8[1]


def test_axes_have_units_the_swept_values_as_ticks_and_a_band(swept: Results) -> None:
    (axes,) = draw(swept, Sweep(x="radio.bandwidth")).figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Radio bandwidth (MHz)", "Simulated time (min)")
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.get_xticklabels()] == ["5", "10", "20"]
    assert len(axes.collections) == 2
    legend = axes.get_legend()
    assert legend is not None
    assert legend.get_title().get_text() == "mean of 3 seeds; band: 95% confidence"
    upper = axes.collections[0].get_paths()[0].vertices[:, 1].max()
    assert upper == pytest.approx(sweep_data(swept, "radio.bandwidth")["sim_time_s_high"].iloc[0] / 60)


def test_many_lines_have_bars_a_little_apart_for_bands(make_run: Callable[..., Path], tmp_path: Path) -> None:
    for users in range(2, 8):
        for seed in range(3):
            for mhz in (5, 10):
                make_run(f"{users}/{mhz}/{seed}", label="a", seed=seed, settings=world(mhz, users))
    figure = draw(load(tmp_path), Sweep(x="radio.bandwidth")).figure
    (axes,) = figure.axes
    places = [float(np.asarray(line.get_xdata())[0]) for line in axes.get_lines()]
    assert places == sorted(places)
    assert np.mean(places) == pytest.approx(5, rel=1e-3)
    assert max(places) < 5.2
    legend = axes.get_legend()
    assert legend is not None
    assert legend.get_title().get_text() == "mean of 3 seeds; bar: 95% confidence"


def test_words_stand_side_by_side_in_the_order_given(make_run: Callable[..., Path]) -> None:
    runs = load(
        *(make_run(name, label="a", settings={"radio": {"pathloss": {"name": name}}}) for name in ("uma", "inh"))
    )
    (axes,) = draw(runs, Sweep(x="radio.pathloss.name", y="uplink_bytes")).figure.axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["uma", "inh"]
    assert np.asarray(axes.get_lines()[0].get_xdata()).tolist() == [0, 1]


MODELS = ("indoor hotspot, mixed office", "urban macro with shadowing", "urban micro street canyon", "rural macro")


@pytest.mark.parametrize(
    ("settings", "scale"),
    [
        ([world(float(mhz)) for mhz in np.geomspace(1, 100, 20)], "log"),
        ([world(float(mhz)) for mhz in np.geomspace(5, 8, 20)], "log"),
        ([world(float(mhz)) for mhz in np.linspace(1, 100, 30)], "linear"),
        ([world(mhz) for mhz in (10, 10.2, 10.3, 200)], "log"),
        ([{"radio": {"bandwidth": name}} for name in MODELS], "linear"),
    ],
    ids=["geometric", "within a decade", "arithmetic", "uneven", "words"],
)
def test_names_of_values_do_not_run_into_each_other(
    make_run: Callable[..., Path], tmp_path: Path, settings: list[dict[str, Any]], scale: str
) -> None:
    for place, setting in enumerate(settings):
        make_run(f"{place}", label="a", settings=setting)
    figure = draw(load(tmp_path), Sweep(x="radio.bandwidth")).figure
    (axes,) = figure.axes
    assert axes.get_xscale() == scale
    figure.canvas.draw()
    low, high = axes.get_xlim()
    named = {tick.get_text(): tick for tick in axes.get_xticklabels() if low <= tick.get_position()[0] <= high}
    assert len(named) >= 3
    if any(tick.get_rotation() for tick in named.values()):
        assert list(named) == list(MODELS)
        return  # slanted, they stand above each other
    ends = [(box.x0, box.x1) for box in (tick.get_window_extent() for tick in named.values())]
    assert all(before[1] < after[0] for before, after in pairwise(sorted(ends)))


@pytest.mark.parametrize(
    ("values", "geometric"),
    [
        ([5, 10, 20, 40], True),
        ([1, 2, 5, 10, 20, 50], True),
        ([1, 10, 100], True),
        ([10, 20, 30], False),
        ([1, 2, 3, 4], False),
        ([0, 1, 10], False),
        ([5, 10], False),
    ],
)
def test_a_geometric_progression_is_told_from_an_arithmetic_one(values: list[float], geometric: bool) -> None:
    assert is_geometric(values) is geometric


def test_any_number_of_the_summary_can_be_drawn(swept: Results) -> None:
    (axes,) = draw(swept, Sweep(x="radio.bandwidth", y="delay_s.uplink")).figure.axes
    assert axes.get_ylabel() == "Delay, uplink (min)"


@pytest.mark.parametrize(
    ("x", "y", "hue", "says"),
    [
        ("radio.width", "sim_time_s", None, r"'radio\.width' is no key of the runs' scenarios"),
        ("radio.bandwidth", "sim_time_s", "radio.width", r"'radio\.width' is no key"),
        ("radio.bandwidth", "delay_s.sidelink", None, r"delay_s\.sidelink is 'missing', not a number"),
    ],
)
def test_what_the_runs_do_not_have_is_refused(swept: Results, x: str, y: str, hue: str | None, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        sweep_data(swept, x, y, hue)


def test_what_no_run_learned_is_refused(make_run: Callable[..., Path], nothing_learned: Any) -> None:
    runs = [make_run(f"{mhz}", label="a", settings=world(mhz), **nothing_learned) for mhz in (5, 10)]
    with pytest.raises(ValueError, match="perplexity_after: no run has it; an analytic run"):
        sweep_data(load(*runs), "radio.bandwidth", "perplexity_after")


def test_a_scheme_without_the_setting_is_the_same_at_all_its_values(
    make_run: Callable[..., Path], tmp_path: Path
) -> None:
    for cut in (1, 2, 4):
        make_run(f"split-{cut}", label="split", slowness=cut, settings={"scheme": {"cut": [cut]}})
    make_run("whole", label="whole", slowness=3)
    data = sweep_data(load(tmp_path), "scheme.cut")
    assert data["line"].tolist() == ["split"] * 3 + ["whole"] * 3
    assert data["scheme.cut"].tolist() == [1, 2, 4] * 2
    assert data["sim_time_s"].tolist() == [18.0, 36.0, 72.0, 54.0, 54.0, 54.0]


def test_an_axis_of_values_far_apart_may_be_logarithmic(make_run: Callable[..., Path], tmp_path: Path) -> None:
    for mhz in (1, 10, 100):
        make_run(f"{mhz}", label="a", slowness=100 / mhz, settings=world(mhz))
    (axes,) = draw(load(tmp_path), Sweep(x="radio.bandwidth", scale="log")).figure.axes
    assert axes.get_yscale() == "log"
    assert axes.get_ylabel() == "Simulated time (min)"  # 18 s, 3 and 30 min: the unit of the middle one
    assert axes.get_ylim()[0] == pytest.approx(0.95 * 0.3)


def test_what_has_no_logarithm_is_told(make_run: Callable[..., Path], tmp_path: Path) -> None:
    for mhz in (1, 10):
        make_run(f"{mhz}", label="a", settings=world(mhz))
    with pytest.raises(ValueError, match="scale = 'log': some values are not above 0"):
        draw(load(tmp_path), Sweep(x="radio.bandwidth", y="energy_j.cloud", scale="log"))
