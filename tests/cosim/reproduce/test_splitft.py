"""SplitFT's tables: the paper's traffic from simulated rounds, and what goes with the cut and with the rank there."""

from itertools import pairwise

import numpy as np
import pytest

from cosim.reproduce.gpt2 import Gpt2Small
from cosim.reproduce.splitft import tables
from cosim.reproduce.splitft.tables import Point

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
