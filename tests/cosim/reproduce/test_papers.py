"""The contract of papers: whoever adds one finds here what ``cosim reproduce`` relies on."""

from dataclasses import replace
from math import isfinite
from pathlib import Path

import pytest

from cosim import registry
from cosim.reproduce.papers.base import Paper
from cosim.reproduce_command import _draw, _scenario
from cosim.scenario.entries import entries

NAMES = list(registry.FAMILIES["papers"])


@pytest.fixture(params=NAMES)
def paper(request: pytest.FixtureRequest) -> Paper:
    found: Paper = registry.find("papers", request.param)()
    return found


def test_a_papers_scenarios_are_valid_also_for_a_look_and_have_the_baseline(paper: Paper, tmp_path: Path) -> None:
    for experiment in paper.experiments.values():
        for file in experiment.data.values():
            (tmp_path / file).parent.mkdir(exist_ok=True)
            (tmp_path / file).write_text("text,category\na text,a class\n")
        looks = [replace(experiment, quickly=more) for more in ((), experiment.quickly or ())]
        labels = [[entry.label for entry in entries(_scenario(look, tmp_path, quick=True))] for look in looks]
        assert labels[0] == labels[1]
        assert experiment.baseline in labels[0]


def test_a_look_at_what_is_trained_needs_no_data(paper: Paper) -> None:
    looked_at = [each for each in paper.experiments.values() if each.quickly is not None]
    assert len(looked_at) == (1 if paper.experiments else 0)
    assert not any(each.data for each in looked_at)


@pytest.mark.slow
def test_theory_has_numbers_and_pictures(paper: Paper, tmp_path: Path) -> None:
    theory = paper.theory(tmp_path, quick=True)
    assert all(isfinite(row.ours) for row in theory.rows)
    assert all(row.why or row.tolerance is None for row in theory.rows)
    assert [row.name for row in theory.rows if row.within is False] == []
    for figure in theory.figures:
        _draw(figure, tmp_path)
    pictures = sorted(tmp_path.glob("*.png"))
    assert len(pictures) == len(theory.figures)
    assert all(picture.stat().st_size > 10_000 for picture in pictures)
    assert all(picture.with_suffix(".csv").is_file() for picture in pictures)
