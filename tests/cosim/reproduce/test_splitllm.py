"""SplitLLM's numbers: the paper's, those derived from formulas, and the shapes that theory gives them."""

from collections.abc import Sequence
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
import pytest

from cosim.reproduce.curve import Curve
from cosim.reproduce.gpt2 import Gpt2Small
from cosim.reproduce.row import Row
from cosim.reproduce.splitllm import delays, learning, memory, memory_rows
from cosim.reproduce.splitllm.memory import EDGES, SPLITLLM, USERS, Reduction, Server, peaks_bytes, side_by_side
from cosim.reproduce.training import LearningCurve, Trained

B, S, H, V, R = 4, 512, 768, 50257, 8
BLOCK = 12 * H**2 + 13 * H
EXACT = 1e-9


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Gpt2Small:
    return Gpt2Small.below(tmp_path_factory.mktemp("gpt2"), "splitllm_gpt2.yaml")


@pytest.fixture(scope="module")
def found(world: Gpt2Small) -> list[Reduction]:
    return memory.reductions(world, USERS, EDGES)


@pytest.fixture(scope="module")
def held(world: Gpt2Small, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, int]]:
    return memory.kept_runs(world, tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="module")
def rows(world: Gpt2Small, found: list[Reduction], held: dict[str, dict[str, int]]) -> list[Row]:
    return memory_rows.rows(world, found, held)


@pytest.fixture(scope="module")
def curves(world: Gpt2Small) -> dict[str, Curve]:
    return {curve.measured: curve for curve in delays.against_users(world, (3, 6, 12), (0, 1))}


def test_every_number_of_which_something_is_known_is_as_it_should_be(rows: list[Row]) -> None:
    known = [row for row in rows if row.known != "ours"]
    assert len(known) == 1 + 2 * len(USERS) * len(EDGES) + 5 + 2
    assert [row.name for row in known if row.within is not True] == []


def test_the_papers_number_is_reached_with_ten_users_and_three_pairs(found: list[Reduction]) -> None:
    (at,) = [each for each in found if (each.users, each.edges) == (10, 3)]
    assert round(at.replicated) == 74


def test_the_servers_memory_and_its_reduction_are_linear_in_the_pairs(found: list[Reduction]) -> None:
    for users in USERS:
        for percent in ("replicated", "shared"):
            line = [getattr(each, percent) for each in found if each.users == users]
            assert np.diff(line, 2) == pytest.approx(0.0, abs=0.01)  # percent: adapters of a pair, kept by the cloud
            assert (np.diff(line) < 0).all()


def test_the_reduction_rises_with_the_users(found: list[Reduction]) -> None:
    for edges in EDGES:
        assert (np.diff([each.shared for each in found if each.edges == edges]) > 0).all()


def test_users_and_edge_servers_hold_the_same_however_many_users_there_are(world: Gpt2Small) -> None:
    held = [peaks_bytes(world.run(SPLITLLM, side_by_side(users, 3))) for users in USERS]
    assert len({(each["user"], each["edge"]) for each in held}) == 1


def test_who_holds_what_in_every_scheme(held: dict[str, dict[str, int]]) -> None:
    assert list(held) == ["splitllm", "splitfed", "splitfed-three", "split_learning", "federated", "centralised"]
    users = {label: peaks["user"] for label, peaks in held.items()}
    assert users["splitllm"] == users["splitfed"] == users["split_learning"] < users["federated"] / 7
    assert users["centralised"] == held["centralised"]["edge"] == 0
    clouds = {label: peaks["cloud"] for label, peaks in held.items()}
    assert clouds["splitfed"] > clouds["splitfed-three"] > clouds["splitllm"] > clouds["split_learning"]
    assert held["splitfed-three"]["edge"] > 2 * held["splitllm"]["edge"]  # activations of four users, not of one


def test_an_instance_of_the_cloud_is_what_the_formula_has(world: Gpt2Small) -> None:
    """Weights, training state, saved activations, logits, and what came in and goes out; averages come on top."""
    weights, state = 4 * (6 * BLOCK + V * H + 2 * H), 16 * 6 * 4 * H * R
    formula = weights + state + 6 * 44 * B * S * H + 16 * B * (S - 1) * V + 8 * B * S * H
    peak = peaks_bytes(world.run(SPLITLLM, side_by_side(10, 1)))["cloud"]
    assert peak == pytest.approx(formula, rel=0.01)  # norms' statistics, and 12 MB of buffers that never meet


def test_instances_with_weights_of_their_own_hold_them_as_often() -> None:
    assert Server(peak_bytes=100, weights_bytes=10, instances=4).replicated_bytes == 130
    smaller, larger = (Server(peak_bytes=peak, weights_bytes=10, instances=1) for peak in (25, 100))
    assert memory.reduction(smaller, larger, 8, 2) == Reduction(users=8, edges=2, replicated=75.0, shared=75.0)


def test_a_server_that_takes_one_mini_batch_after_another_saves_little(rows: list[Row]) -> None:
    """Two servers of one instance: the cloud's is as much smaller as it has blocks less, and fewer adapters."""
    (one,) = [row for row in rows if "one after another" in row.name]
    assert 14.0 < one.ours < 17.0  # 1 - 2402 / 2793 MB is 14 %; the state of ten adapters adds to the larger


def test_nobody_shares_a_cell_or_an_edge_server_in_splitllm(curves: dict[str, Curve]) -> None:
    queue = curves["edge server queue per mini-batch"].delay_s
    assert (queue[SPLITLLM] == 0.0).all()
    assert queue[delays.THREE_PARTS][-1] > 0.0


def test_split_fed_rounds_grow_with_the_users_and_splitllms_do_not(curves: dict[str, Curve]) -> None:
    for measured in ("round delay", "uplink time of an activation", "cloud queue per mini-batch"):
        assert (np.diff(curves[measured].delay_s[memory.SPLITFED]) > 0).all()
    rounds = curves["round delay"].delay_s
    spread = np.ptp(rounds[SPLITLLM]) / rounds[SPLITLLM][0]
    assert spread < 0.2 < rounds[memory.SPLITFED][-1] / rounds[memory.SPLITFED][0] - 1  # other users, other places


def test_a_rounds_delay_by_its_mini_batches_is_that_delay_over_them(curves: dict[str, Curve]) -> None:
    steps = 4
    for scheme, active in ((SPLITLLM, np.array([3, 3, 3])), (memory.SPLITFED, np.array([3, 6, 12]))):
        shares = curves["round delay per mini-batch"].delay_s[scheme] * active * steps
        assert shares == pytest.approx(curves["round delay"].delay_s[scheme], rel=EXACT)


def test_rows_of_delays_are_ratios_at_the_most_users(curves: dict[str, Curve]) -> None:
    found = {row.name: row.ours for row in delays.rows(list(curves.values()))}
    assert "edge server queue per mini-batch" not in found  # nobody waits there: no ratio
    rounds = curves["round delay"].delay_s
    assert found["round delay"] == rounds[memory.SPLITFED][-1] / rounds[SPLITLLM][-1]


def curve(perplexity: Sequence[float], samples: int) -> LearningCurve:
    counts = range(len(perplexity))
    return LearningCurve(
        rounds=list(counts),
        samples=[samples * count for count in counts],
        loss=[log(each) for each in perplexity],
        accuracy=[0.0 for _ in counts],
        seconds=[float(count) for count in counts],
        air_bytes=[0.0 for _ in counts],
    )


def test_perplexities_are_compared_where_both_have_come() -> None:
    """Rounds of 10 and of 20 samples: after 20, three rounds and two stand against each other, or two and two."""
    ours, theirs = curve([100.0, 60.0, 44.0], samples=10), curve([100.0, 55.0, 40.0], samples=20)
    assert learning.above_percent([ours], [theirs], "samples") == pytest.approx(100 * (44 / 55 - 1))
    assert learning.above_percent([ours], [theirs], "rounds") == pytest.approx(100 * (44 / 40 - 1))
    both = learning.above_percent([ours, theirs], [theirs, theirs], "rounds")
    assert both == pytest.approx(50 * (44 / 40 - 1))  # the mean over seeds, of which one is equal


def test_rows_of_learning_judge_like_beside_like() -> None:
    trained = Trained(
        target="perplexity <= 60",
        seconds_to_target={},
        curves={
            "splitllm": [curve([100.0, 60.0, 41.0], 10)],
            "splitllm-replicated": [curve([100.0, 70.0, 50.0], 10)],
            "splitfed": [curve([100.0, 70.0], 20)],
            "splitfed-shared": [curve([100.0, 40.0], 20)],
        },
    )
    found = {row.name: row for row in learning.rows(trained)}
    judged = {name: (round(row.ours, 6), row.within) for name, row in found.items() if "equal" in name}
    assert judged == {
        "equal samples, one last part for all": (2.5, True),
        "equal rounds, a last part for each": (0.0, None),
        "equal samples, a last part for each": (round(100 * (50 / 70 - 1), 6), None),
    }
    assert found["splitllm"].ours == pytest.approx(41.0)  # by way of the loss
    worse = replace(trained, curves={**trained.curves, "splitllm": [curve([100.0, 60.0, 41.5], 10)]})
    assert {row.name for row in learning.rows(worse) if row.within is False} == {"equal samples, one last part for all"}


def test_the_configuration_is_gpt2_smalls_and_its_runs_need_no_weights(world: Gpt2Small) -> None:
    assert {file.name for file in Path(world.model).iterdir()} == {
        "config.json", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    run = world.run("centralised")
    assert run.finished and run.prepared.lab.foundation.blocks == 12
    assert peaks_bytes(run)["cloud"] > 4 * (12 * BLOCK + (V + 1024) * H + 2 * H)
