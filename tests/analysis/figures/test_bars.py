from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer

from analysis.figures.bars import delay_data
from analysis.figures.drawing import draw
from analysis.figures.kinds import Delay
from analysis.figures.style import KIND_STYLES
from analysis.load import Results, load

SECONDS_PER_MINUTE = 60.0


def bars_of(axes: Axes) -> dict[str, BarContainer]:
    """The segments of each kind of delay, by its name in the legend."""
    return {bars.get_label(): bars for bars in axes.containers if isinstance(bars, BarContainer)}


@pytest.fixture
def results(make_run: Callable[..., Path]) -> Results:
    return load(make_run("slow", slowness=10.0), make_run("fast"))


def test_the_data_hold_each_kind_of_each_run(results: Results) -> None:
    data = delay_data(results).set_index(["label", "kind"])["delay_s"]
    for result in results:
        assert data[result.label].to_dict() == pytest.approx(result.summary["delay_s"])


def test_segments_are_as_long_as_the_delays_and_lie_end_to_end(results: Results) -> None:
    segments = bars_of(draw(results, Delay()).figure.axes[0]).values()
    for position, result in enumerate(results):
        end = 0.0
        for (kind, seconds), bars in zip(result.summary["delay_s"].items(), segments, strict=True):
            segment = bars.patches[position]
            assert segment.get_x() == pytest.approx(end)
            assert segment.get_width() == pytest.approx(seconds / SECONDS_PER_MINUTE), kind
            end += segment.get_width()
        assert end == pytest.approx(result.summary["sim_time_s"] / SECONDS_PER_MINUTE)


def test_each_kind_keeps_its_colour_and_hatch_and_absent_kinds_are_not_in_the_legend(results: Results) -> None:
    for result in results:
        result.events.query("kind != 'user_compute'").to_parquet(result.path / "events.parquet")
    figure = draw(load(*(result.path for result in results)), Delay()).figure
    bars = bars_of(figure.axes[0])
    assert list(bars) == ["Edge compute", "Cloud compute", "Uplink", "Downlink", "Backhaul", "Waiting"]
    uplink = bars["Uplink"].patches[0]
    assert to_hex(uplink.get_facecolor()).upper() == KIND_STYLES["uplink"].color
    assert bars["Waiting"].patches[0].get_hatch() == KIND_STYLES["waiting"].hatch
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(bars)


def test_the_total_stands_at_the_end_of_each_bar_in_its_own_unit(results: Results) -> None:
    axes = draw(results, Delay()).figure.axes[0]
    assert axes.get_xlabel() == "Time, mean over users (min)"
    assert [text.get_text().strip() for text in axes.texts] == ["3 min", "18 s"]
    assert [text.get_position()[0] for text in axes.texts] == pytest.approx([3, 18 / SECONDS_PER_MINUTE])


def test_the_first_run_is_on_top(results: Results) -> None:
    axes = draw(results, Delay()).figure.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["slow", "fast"]
    assert axes.yaxis_inverted()
