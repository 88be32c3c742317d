"""What is drawn of a sweep: what a study names, or else what an axis and a few lines can show."""

import json
from pathlib import Path
from typing import Any

import pytest

from cosim.scenario import load_scenario
from cosim.sweep.figures import NAME, figures, note
from cosim.sweep.request import request

SWEEP = "sweep: {vary: {users.count: [2, 3]}}\n"


def asked(file: Path, *vary: str, **wanted: Any) -> list[Any]:
    scenario = load_scenario(file)
    return figures(scenario, request(scenario.sweep, vary, **wanted))


def test_a_study_says_what_is_drawn(small: Path) -> None:
    with small.open("a", encoding="utf-8") as file:
        file.write(SWEEP + "figures: [{kind: heatmap, x: users.count, y: radio.bandwidth}]\n")
    assert asked(small) == [{"kind": "heatmap", "x": "users.count", "y": "radio.bandwidth"}]


def test_the_figures_of_a_comparison_are_not_those_of_a_sweep(small: Path) -> None:
    with small.open("a", encoding="utf-8") as file:
        file.write("figures: [comparison]\n")
    assert asked(small, "users.count=2,3") == [{"kind": "sweep", "x": "users.count"}]


@pytest.mark.parametrize(
    ("vary", "wanted", "drawn"),
    [
        (["users.count=2,3", "radio.bandwidth=1:5 MHz"], {}, 1),
        (["users.count=2,3", "radio.bandwidth=1:3 MHz"], {"zipped": True}, 0),
        (["users.count=2,3", "radio.bandwidth=1:5 MHz"], {"samples": 3}, 0),
        (["radio.bandwidth=log(1,5) MHz"], {"samples": 3}, 1),
        (["users.count=2,3", "radio.bandwidth=1:5 MHz"], {"compare": True}, 0),
        (["users.count=2,3", "radio.bandwidth=1:5 MHz", "scheme.rounds=1,2"], {}, 0),
        ([], {"seeds": "0:3"}, 0),
    ],
)
def test_what_no_axis_can_show_is_not_drawn(small: Path, vary: list[str], wanted: dict[str, Any], drawn: int) -> None:
    assert len(asked(small, *vary, **wanted)) == drawn


def test_it_is_left_for_those_who_draw(tmp_path: Path) -> None:
    note([{"kind": "sweep", "x": "users.count"}], tmp_path)
    assert json.loads((tmp_path / NAME).read_text()) == [{"kind": "sweep", "x": "users.count"}]
