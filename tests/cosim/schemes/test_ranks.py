"""Users whose adapters have different ranks: each pays for its own, and all are averaged."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from cosim import results, tables
from cosim.runner import Run
from cosim.scenario import Scenario, ScenarioError
from cosim.scenario.checks import check_against_files
from cosim.scenario.entries import entries

Runner = Callable[..., Run]

ROUNDS, USERS, BLOCKS, HIDDEN = 2, 3, 4, 32
OF_A_RANK = 4 * (HIDDEN + 3 * HIDDEN)  # bytes of LoRA on c_attn of one block: a row of A, a column of B
RANKS = [1, 4, 2]
SPEED = {"compute": {"speed": "1 GFLOP/s", "spread": 0.5, "power": "5 W"}}

AVERAGED: dict[str, dict[str, Any]] = {
    "federated": {"name": "federated"},
    "splitfed": {"name": "splitfed", "cut": 1},
    "splitfed in three parts": {"name": "splitfed", "cut": [1, 3]},
    "splitfed shared": {"name": "splitfed", "cut": 1, "server": "shared"},
    "splitllm": {"name": "splitllm", "cut": [1, 3]},
}


def users(*ranks: int) -> dict[str, Any]:
    return {"users": {"count": USERS, **SPEED, "ranks": list(ranks)}}


def traffic(run: Run) -> dict[str, int]:
    events, memory = tables.events_frame(run), tables.memory_frame(run)
    return dict(results.summarise(run, events, memory)["traffic_bytes"])


def adapters(run: Run) -> torch.Tensor:
    assert run.observer.last is not None
    return torch.cat([state.weights for state in run.runtime.values(run.observer.last.adapters)])


@pytest.mark.parametrize("scheme", AVERAGED.values(), ids=AVERAGED)
def test_eager_and_deferred_simulate_and_learn_the_same(scheme: dict[str, Any], run_small: Runner) -> None:
    """To the nanosecond, and with one client a pass to the bit."""
    host = {"device": "cpu", "threads": 1, "cache": False, "tokens": 1}
    eager, deferred = (run_small(scheme, **users(*RANKS), host=host, execution=how) for how in ("eager", "deferred"))
    assert eager.world.recorder.activities == deferred.world.recorder.activities
    assert torch.equal(adapters(eager), adapters(deferred))


@pytest.mark.parametrize("scheme", AVERAGED.values(), ids=AVERAGED)
def test_equal_ranks_are_the_models_own(scheme: dict[str, Any], run_small: Runner) -> None:
    plain, said = run_small(scheme), run_small(scheme, **users(4))
    assert plain.world.recorder.activities == said.world.recorder.activities
    assert plain.observer.rows == said.observer.rows


def test_everyone_sends_and_receives_its_own_rank(run_small: Runner) -> None:
    own = ROUNDS * BLOCKS * OF_A_RANK * sum(RANKS)
    assert traffic(run_small({"name": "federated"}, **users(*RANKS))) == {
        "uplink": own,
        "downlink": own,
        "backhaul": 2 * own,
    }


def test_a_server_receives_an_average_as_wide_as_its_widest_copy(run_small: Runner) -> None:
    """Users 0 and 2 are at edge 0, with ranks 1 and 2; user 1 is at edge 1, with rank 4."""
    run = run_small({"name": "splitfed", "cut": 1}, **users(*RANKS))
    server = ROUNDS * 3 * OF_A_RANK
    through = ROUNDS * OF_A_RANK * sum(RANKS)  # users' parts, by way of their edges
    assert traffic(run)["backhaul"] == server * (2 + 4) + server * sum(RANKS) + 2 * through


def test_lower_ranks_take_less_memory_and_less_time(run_small: Runner) -> None:
    low, high = (run_small({"name": "federated"}, **users(rank)) for rank in (1, 4))
    peaks = [tables.memory_frame(run).query("node == 'user0'").set_index("kind")["peak_bytes"] for run in (low, high)]
    assert peaks[1]["optimiser"] == 4 * peaks[0]["optimiser"]
    assert low.world.clock.now_ns < high.world.clock.now_ns


@pytest.mark.parametrize(
    ("scheme", "ranks", "said"),
    [
        ({"name": "federated"}, [4, 5], r"users.ranks = \[4, 5\]: the adapter's rank is 4"),
        ({"name": "split_learning", "cut": 1}, [4, 2], r"users.ranks = \[4, 2\]: split_learning hands one adapter"),
    ],
)
def test_ranks_that_cannot_be_are_refused_at_once(
    scheme: dict[str, Any], ranks: list[int], said: str, small_scenario: Callable[..., Scenario]
) -> None:
    scenario = small_scenario(scheme, **users(*ranks))
    with pytest.raises(ScenarioError, match=said):
        check_against_files(scenario, entries(scenario))
