"""CELLM's numbers: the papers' payloads byte by byte, the formula of a round's delay, and factors counted by hand."""

from collections.abc import Sequence
from fractions import Fraction
from math import log, sqrt
from pathlib import Path

import pytest

from cosim.reproduce.cellm import delays, learning, payloads
from cosim.reproduce.cellm.delays import Setting, Study
from cosim.reproduce.gpt2 import Gpt2Small
from cosim.reproduce.row import Row
from cosim.reproduce.training import LearningCurve, Trained

ONE, QUARTER, SIXTEENTH = Fraction(1), Fraction(1, 4), Fraction(1, 16)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = Study(Gpt2Small.below(tmp_path_factory.mktemp("cellm"), "cellm_gpt2.yaml"))
    delays.against_density(study, [ONE, QUARTER])
    delays.against_ratio(study, [1, 9])
    return study


def test_payloads_are_those_of_the_table() -> None:
    """In megabytes, as rounded there; 9.50 MB dense."""
    found = {row.name: row for row in payloads.rows() if row.unit == "MB"}
    assert {name: float(f"{row.ours:.3g}") for name, row in found.items()} == {
        "density 1/4, values": 2.37, "density 1/4, bitmap": 2.67, "density 1/4, coo": 4.75,
        "density 1/16, values": 0.594, "density 1/16, bitmap": 0.89, "density 1/16, coo": 1.19,
        "density 1/64, values": 0.148, "density 1/64, bitmap": 0.445, "density 1/64, coo": 0.297,
    }  # fmt: skip
    assert all(row.within for row in payloads.rows())
    times = {row.name: round(row.ours, 1) for row in payloads.rows() if row.unit == "times"}
    assert times["density 1/16, bitmap"] == 10.7 and times["density 1/16, coo"] == 8.0


def test_a_round_takes_as_long_as_the_formula_says(study: Study) -> None:
    judged = [row for row in study.rows() if row.known == "derived"]
    assert len(judged) == 3 + 2 * 2 + 2 - 1  # one of density 1/4 both ways is of both curves
    assert [row.name for row in judged if not row.within] == []


def test_at_equal_powers_rates_are_as_the_shares_of_time(study: Study) -> None:
    dense = study.round(Setting(download=ONE, upload=ONE, ratio=9))
    assert dense.up_s / dense.down_s == pytest.approx(9.0, rel=1e-6)  # whole nanoseconds
    assert dense.numbers == 2_359_296  # FLASC's, but for the head's 20 x 768


def test_a_sparse_upload_helps_the_more_the_slower_the_uplink_is(study: Study) -> None:
    gains = []
    for ratio in (1, 9):
        dense, sparse = (study.round(Setting(download=ONE, upload=up, ratio=ratio)) for up in (ONE, SIXTEENTH))
        gains.append(dense.delay_s / sparse.delay_s)
    assert 1.0 < gains[0] < gains[1]


def curve(perplexity: Sequence[float], bytes_a_round: float) -> LearningCurve:
    counts = range(len(perplexity))
    return LearningCurve(
        rounds=list(counts),
        samples=list(counts),
        loss=[log(each) for each in perplexity],
        accuracy=[0.0 for _ in counts],
        seconds=[2.0 * count for count in counts],
        air_bytes=[bytes_a_round * count for count in counts],
    )


TRAINED = Trained(
    target="",
    seconds_to_target={},
    curves={
        "dense": [curve([400.0, 100.0, 60.0, 25.0], 8e6), curve([400.0, 25.0, 20.0, 16.0], 8e6)],
        "cellm-quarter": [curve([400.0, 100.0, 30.0, 24.0], 2e6), curve([400.0, 15.0], 2e6)],
        "cellm-sixteenth": [curve([400.0, 24.0], 5e5), curve([400.0, 300.0], 5e5)],
        "adapter_lth": [curve([400.0, 25.0], 4e6), curve([400.0, 17.0, 16.0], 4e6)],
    },
)


def named(rows: Sequence[Row], words: str) -> dict[str, float]:
    return {row.name: row.ours for row in rows if row.group.startswith(words)}


def test_levels_are_shares_of_dense_loras_fall_of_the_loss() -> None:
    levels = learning.levels_of(TRAINED.curves["dense"], 0.5)
    assert levels == pytest.approx([log(sqrt(400.0 * 25.0)), log(sqrt(400.0 * 16.0))])


def test_bytes_and_time_are_those_at_the_first_evaluation_that_reaches() -> None:
    rows = learning.rows(TRAINED, "made-up", classes=False)
    whole = f"{1.0:.0%} of dense LoRA's learning"
    assert named(rows, f"bytes over the air to {whole}") == pytest.approx(
        {"dense": 24.0, "cellm-quarter": 4.0, "adapter_lth": 6.0}  # MB: (24 + 24) / 2, (6 + 2) / 2, (4 + 8) / 2
    )
    assert named(rows, f"simulated time to {whole}") == {"dense": 6.0, "cellm-quarter": 4.0, "adapter_lth": 3.0}


def test_who_does_not_come_so_far_has_no_number_and_it_is_said() -> None:
    rows = learning.rows(TRAINED, "made-up", classes=False)
    missed = [row for row in rows if row.group.startswith("seeds that reach 100%")]
    assert [(row.name, row.ours, row.unit) for row in missed] == [("cellm-sixteenth: not all", 1.0, "of 2")]


def test_factors_stand_beside_the_papers() -> None:
    rows = [
        row
        for row in learning.rows(TRAINED, "made-up", classes=False)
        if row.group.startswith("times the bytes to 100%")
    ]
    assert {row.name: row.ours for row in rows} == {
        "dense over cellm-quarter": 6.0,
        "adapter_lth over cellm-quarter": 1.5,
        "dense over the best cellm": 6.0,
        "the most of the other sparse over the best cellm": 1.5,
    }
    assert [row.paper for row in rows] == [None, None, 10.0, 5.0]
    assert {row.known for row in rows} == {"ours", "stated"}


def test_without_cellm_there_are_no_factors() -> None:
    assert learning.factors({"dense": 24.0, "adapter_lth": 6.0}, "") == []


def test_labels_are_those_of_the_scenario() -> None:
    from cosim.reproduce.training import PAPERS
    from cosim.scenario import load_scenario
    from cosim.scenario.entries import entries

    labels = {entry.label for entry in entries(load_scenario(Path(PAPERS / "cellm.yaml"), []))}
    assert {learning.DENSE, *learning.CELLM, *learning.SPARSE} <= labels
