"""A world small enough to be run at many points: two users, one round, one mini-batch of one short sequence."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cosim.scenario import load_scenario
from cosim.scenario.loading import read_tree
from cosim.sweep.points import Point, points
from cosim.sweep.request import request

SMALL = """
name: small
scheme: {name: federated, rounds: 2, local_steps: 1}
users: {count: 2}
edges: {count: 1}
model: {base: tiny-gpt2}
data: {corpus: CORPUS, validation: CORPUS/radio.txt, batch_size: 1, sequence_length: 16}
evaluation: {sequences: 2}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The scenario's file."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for author, word in enumerate(("clock", "radio", "server", "user")):
        text = "\n\n".join(f"The {word} of part {part} has {part * author} neighbours." for part in range(40))
        (corpus / f"{word}.txt").write_text(text, encoding="utf-8")
    file = tmp_path / "small.yaml"
    file.write_text(SMALL.replace("CORPUS", str(corpus)), encoding="utf-8")
    return file


def split(file: Path) -> str:
    """The scenario's text, of a scheme that has a cut."""
    return file.read_text(encoding="utf-8").replace("{name: federated,", "{name: splitfed, cut: 2,")


def planned(file: Path, folder: Path, *vary: str, overrides: tuple[str, ...] = (), **wanted: Any) -> list[Point]:
    """The points of ``cosim sweep FILE --vary ...``."""
    scenario = load_scenario(file, overrides)
    asked = request(scenario.sweep, vary, **wanted)
    tree = read_tree(file, overrides)
    return points(tree, str(file), asked.settings(scenario.seed), folder / "points", compare=asked.compare)


class Heard:
    """Notes what a sweep tells."""

    def __init__(self) -> None:
        self.there_before = 0
        self.begun: list[str] = []
        self.cached: list[str] = []
        self.problems: dict[str, str] = {}
        self.losses: list[tuple[str, str]] = []
        self.taken: list[str] = []

    def found(self, points: int) -> None:
        self.there_before = points

    def began(self, point: Point) -> None:
        self.begun.append(point.name)

    def ended(self, point: Point, summary: Mapping[str, Any] | None, *, cached: bool, problem: str) -> None:
        if cached:
            self.cached.append(point.name)
        if problem:
            self.problems[point.name] = problem

    def lost(self, point: Point, problem: str) -> None:
        self.losses.append((point.name, problem))

    def elsewhere(self, point: Point) -> None:
        self.taken.append(point.name)
