"""The contract of papers: whoever adds one finds here what ``cosim reproduce`` relies on."""

from math import isfinite
from pathlib import Path

import pytest

from cosim import registry
from cosim.reproduce.papers.base import Paper
from cosim.reproduce.training import PAPERS
from cosim.reproduce_command import _draw
from cosim.scenario import load_scenario
from cosim.scenario.entries import entries

NAMES = list(registry.FAMILIES["papers"])


@pytest.fixture(params=NAMES)
def paper(request: pytest.FixtureRequest) -> Paper:
    found: Paper = registry.find("papers", request.param)()
    return found


def test_a_papers_scenario_is_valid_also_for_a_look_and_has_the_baseline(paper: Paper) -> None:
    if paper.scenario is None:
        assert not paper.quickly
        return
    labels = [
        [entry.label for entry in entries(load_scenario(PAPERS / paper.scenario, list(overrides)))]
        for overrides in ((), paper.quickly)
    ]
    assert labels[0] == labels[1]
    assert paper.baseline in labels[0]


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
