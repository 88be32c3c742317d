"""SplitFT's tables: the paper's traffic from simulated rounds, and what goes with the cut and with the rank there."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from cosim.reproduce.gpt2 import Gpt2Small
from cosim.reproduce.splitft import policies, tables
from cosim.reproduce.splitft.tables import Point
from cosim.reproduce.training import LearningCurve, Trained

SLOPE_MB, CONSTANT_MB = 1.8432, 3431.16
"""Of the paper's traffic against the ranks of a client's blocks together, as decoded."""


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> list[Point]:
    return tables.points(Gpt2Small.below(tmp_path_factory.mktemp("splitft"), "splitft_gpt2.yaml"))


def test_every_number_of_which_something_is_known_is_as_it_should_be(points: list[Point]) -> None:
    judged = [row for row in tables.rows(points) if row.within is not None]
    assert len(judged) == 2 * len(tables.PAPER_MB)
    assert [row.name for row in judged if not row.within] == []


def test_traffic_is_linear_in_the_ranks_with_the_papers_slope_and_constant(points: list[Point]) -> None:
    batches = tables.batches_fitted(points)
    ranks = np.array([tables.RANK * (point.cut - 1) + point.cut_rank for point in points], dtype=float)
    traffic = np.array([tables.traffic_mb(point, batches) for point in points])
    slope, constant = np.polyfit(ranks, traffic, 1)
    assert slope == pytest.approx(SLOPE_MB, rel=1e-9)  # whole bytes
    assert constant == pytest.approx(CONSTANT_MB, abs=tables.TOLERANCE_MB)
    assert np.abs(traffic - slope * ranks - constant).max() < 1e-6


def test_a_deeper_cut_takes_longer_and_the_rank_at_the_cut_hardly_any_time(points: list[Point]) -> None:
    by_cut = sorted((point for point in points if point.cut_rank == 8), key=lambda point: point.cut)
    assert all(deep.round_s > shallow.round_s for shallow, deep in pairwise(by_cut))
    at_two = [point.round_s for point in points if point.cut == 2]
    assert max(at_two) < 1.01 * min(at_two)


def run_of(seconds: float, losses: Sequence[float]) -> LearningCurve:
    """Evaluated at equal intervals until the end."""
    counts = range(len(losses))
    return LearningCurve(
        rounds=list(counts),
        samples=list(counts),
        loss=losses,
        accuracy=[0.0 for _ in counts],
        seconds=[seconds * count / counts[-1] for count in counts],
        air_bytes=[0.0 for _ in counts],
    )


def test_policies_are_compared_with_the_best_cut_of_each_seed() -> None:
    """Cut 2 is the first seed's best and cut 5 the second's: 8 of 10 s and 5 of 4 s are 20 % less, and 25 % more."""
    first, second = [6.0, 4.0], [6.0, 3.5]
    trained = Trained(
        target="perplexity <= 60",
        seconds_to_target={"delay": 6.5, "cut-2": 7.5, "cut-5": 8.0},
        curves={
            "delay": [run_of(8.0, first), run_of(5.0, second)],
            "cut-2": [run_of(10.0, first), run_of(5.0, second)],
            "cut-5": [run_of(12.0, first), run_of(4.0, second)],
        },
    )
    rows = {row.group.split(",")[0]: row for row in policies.rows(trained)}
    assert rows["less time for it all than at the best fixed cut of a seed"].ours == pytest.approx(-2.5)
    assert rows["the same"].ours == pytest.approx(-25.0)
    assert rows["losses of different cuts"].within is True
    apart = replace(trained, curves={**trained.curves, "cut-5": [run_of(12.0, [6.0, 4.5]), run_of(4.0, second)]})
    assert [row.ours for row in policies.rows(apart) if row.within is False] == [0.5]
