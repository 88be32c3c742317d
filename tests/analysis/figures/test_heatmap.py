from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from analysis.figures.drawing import draw
from analysis.figures.heatmap import heatmap_data
from analysis.figures.kinds import Heatmap
from analysis.load import Results, load
from analysis.units import three_digits

MHZ = 1e6
WISH = Heatmap(x="radio.bandwidth", y="users.count", value="sim_time_s")


def world(mhz: float, users: int, power_w: float = 1.0) -> dict[str, Any]:
    return {"radio": {"bandwidth": f"{mhz * MHZ} Hz"}, "users": {"count": users, "power": f"{power_w} W"}}


@pytest.fixture
def swept(make_run: Callable[..., Path], tmp_path: Path) -> Results:
    """Three bandwidths, two numbers of users, two seeds, two schemes; one of the pairs was not run."""
    for label in ("a", "b"):
        for mhz in (20, 5, 10):
            for users in (16, 4):
                for seed in range(2):
                    if (label, mhz, users) != ("b", 20, 16):
                        where = f"{label}/{mhz}/{users}/{seed}"
                        slowness = users * (1 + seed) / mhz
                        make_run(where, label=label, seed=seed, slowness=slowness, settings=world(mhz, users))
    return load(tmp_path)


def mean_s(runs: Results, label: str, mhz: float, users: float) -> float:
    return fmean(
        max(row.sim_time_s for row in run.rounds.itertuples())
        for run in runs
        if (run.label, run.settings["radio.bandwidth"].value, run.settings["users.count"].value)
        == (label, mhz * MHZ, users)
    )


def test_cells_are_means_over_seeds_sorted_by_value(swept: Results) -> None:
    data = heatmap_data(swept, WISH.x, WISH.y)
    assert len(data) == 11
    assert data.loc[data["label"] == "a", "radio.bandwidth"].tolist() == [5e6, 5e6, 10e6, 10e6, 20e6, 20e6]
    for row in data.to_dict("records"):
        expected = mean_s(swept, row["label"], row["radio.bandwidth"] / MHZ, row["users.count"])
        assert row["sim_time_s"] == pytest.approx(expected)
        assert row["seeds"] == 2


def test_the_number_in_each_cell_is_its_value_and_what_was_not_run_has_a_dash(swept: Results) -> None:
    figure = draw(swept, WISH).figure
    panels = dict(zip(("a", "b"), figure.axes, strict=False))
    for label, axes in panels.items():
        texts = {text.get_position(): text.get_text() for text in axes.texts}
        for column, mhz in enumerate((5, 10, 20)):
            for row, users in enumerate((4, 16)):
                value = texts[column + 0.5, row + 0.5]
                if (label, mhz, users) == ("b", 20, 16):
                    assert value == "–"
                else:
                    assert value == three_digits(mean_s(swept, label, mhz, users) / 60)


def test_axes_name_settings_values_and_units(swept: Results) -> None:
    first, second, bar = draw(swept, WISH).figure.axes
    assert (first.get_xlabel(), first.get_ylabel()) == ("Radio bandwidth (MHz)", "Users")
    assert [text.get_text() for text in first.get_xticklabels()] == ["5", "10", "20"]
    assert [text.get_text() for text in first.get_yticklabels()] == ["4", "16"]
    assert [axes.get_title(loc="left") for axes in (first, second)] == ["a", "b"]
    assert bar.get_ylabel() == "Simulated time (min)"


def test_a_cell_would_not_mix_what_differs_in_more_than_the_seed(make_run: Callable[..., Path], tmp_path: Path) -> None:
    for power_w in (1.0, 2.0):
        for mhz in (5, 10):
            for users in (4, 8):
                make_run(f"{power_w}/{mhz}/{users}", label="a", settings=world(mhz, users, power_w))
    with pytest.raises(ValueError, match=r"the runs differ in users\.power, too"):
        heatmap_data(load(tmp_path), WISH.x, WISH.y)
