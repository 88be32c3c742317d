"""The figure of a calibration: what the file says, beside what its runs learned."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.figures.calibration import calibration_data, read
from analysis.figures.drawing import draw
from analysis.figures.kinds import Calibration
from analysis.load import Results, load

A, V, TARGET = 5.0, 4.0, 30.0
SEEDS = (0, 1, 2)
LEARNED = {1: (40.0, 35.0, 30.0), 4: (40.0, 25.0, 20.0)}
"""Losses at the ends of two rounds, by local steps: the target takes two rounds, or two thirds of one."""


def content(**said: Any) -> dict[str, Any]:
    points = [
        {"steps": steps, "seed": seed, "rounds": {1: 2.0, 4: 2 / 3}[steps]} for steps in LEARNED for seed in SEEDS
    ]
    found: dict[str, Any] = {"a": A, "v": V, "r2": 0.9, "v_interval": [3.0, 5.0], "target": {"loss": TARGET}}
    return found | {"points": points} | said


@pytest.fixture
def runs(make_run: Callable[..., Path], tmp_path: Path) -> Results:
    """A calibration, and a run beside it that it knows nothing of."""
    for steps, losses in {**LEARNED, 2: (40.0, 30.0, 25.0)}.items():
        for seed in SEEDS:
            scheme = {"name": "splitfed", "local_steps": steps}
            label = f"steps-{steps}"
            make_run(
                f"pilot/{label}/seed-{seed}", label=label, seed=seed, perplexities=losses, settings={"scheme": scheme}
            )
    (tmp_path / "pilot" / "calibration.json").write_text(json.dumps(content()))
    return load(tmp_path / "pilot")


def test_what_was_learned_is_told_by_local_steps_in_all(runs: Results, tmp_path: Path) -> None:
    learned, _ = calibration_data(runs, read(tmp_path / "pilot" / "calibration.json"))
    assert learned[["local_steps", "round", "local_steps_in_all", "loss", "seeds"]].to_numpy().tolist() == [
        [steps, number, steps * number, losses[number], len(SEEDS)]
        for steps, losses in LEARNED.items()
        for number in range(3)
    ]


def test_points_stand_beside_what_the_theory_has_for_them(runs: Results, tmp_path: Path) -> None:
    _, points = calibration_data(runs, read(tmp_path / "pilot" / "calibration.json"))
    assert points["rounds_to_target"].tolist() == [2.0] * 3 + [2 / 3] * 3
    fitted = [A / (1.0 - 2.0 ** (-steps / V)) for steps in LEARNED for _ in SEEDS]
    np.testing.assert_allclose(points["rounds_fitted"], fitted, rtol=1e-12)  # the same formula, written otherwise


def test_both_panels_are_drawn_with_the_target_and_the_curve_from_runs_of_the_calibration_alone(
    runs: Results, make_run: Callable[..., Path]
) -> None:
    elsewhere = make_run("elsewhere", label="steps-1", settings={"scheme": {"name": "splitfed", "local_steps": 1}})
    drawn = draw(load(*(run.path for run in runs), elsewhere), Calibration())
    left, right = drawn.figure.axes
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["n = 1", "n = 4", "target 30"]
    assert any(set(line.get_ydata()) == {TARGET} for line in left.lines)
    assert "a = 5, v = 4" in right.get_legend().get_texts()[0].get_text()
    curve = right.lines[0]
    np.testing.assert_allclose(curve.get_ydata(), A / (1.0 - 2.0 ** (-np.asarray(curve.get_xdata()) / V)), rtol=1e-12)
    assert [f"{tick:g}" for tick in right.get_xticks()] == ["1", "4"]
    assert len(drawn.data) == 6 + 6


def test_of_an_open_v_only_the_product_is_told(runs: Results, tmp_path: Path) -> None:
    (tmp_path / "pilot" / "calibration.json").write_text(json.dumps(content(v_interval=[3.0, None])))
    right = draw(runs, Calibration()).figure.axes[1]
    assert "a v = 20" in right.get_legend().get_texts()[0].get_text()


@pytest.mark.parametrize(
    "text",
    ["", "[]", json.dumps(content(points=[])), json.dumps(content(a=None)), json.dumps(content(target=3))],
)
def test_what_is_no_calibration_is_named(runs: Results, tmp_path: Path, text: str) -> None:
    (tmp_path / "pilot" / "calibration.json").write_text(text)
    with pytest.raises(ValueError, match=r"calibration.json: not a file of cosim calibrate"):
        draw(runs, Calibration())


def test_runs_of_no_calibration_are_not_drawn(runs: Results, tmp_path: Path) -> None:
    (tmp_path / "pilot" / "calibration.json").unlink()
    with pytest.raises(ValueError, match=r"no calibration.json above it; cosim calibrate leaves one"):
        draw(runs, Calibration())


def test_a_calibration_without_its_runs_is_not_drawn(runs: Results) -> None:
    with pytest.raises(ValueError, match="none of its runs is here"):
        draw(runs.where(lambda run: run.label == "steps-2"), Calibration())
