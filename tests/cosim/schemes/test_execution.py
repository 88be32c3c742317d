"""However training is executed, the same is simulated and the same is learned."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from cosim import results
from cosim.runner import Run

Runner = Callable[..., Run]

HOST = {"device": "cpu", "threads": 1, "cache": False}
ONE_CLIENT_A_PASS = {"host": HOST | {"tokens": 1}}
MODES: dict[str, dict[str, Any]] = {
    "one client a pass": ONE_CLIENT_A_PASS,
    "waves": {"host": HOST},
    "two threads": {"host": HOST | {"threads": 2, "tokens": 32}},
    "at most eight jobs wait": {"host": HOST | {"pending": 8}},
}
LOSS = 1e-6
"""Single precision losses of about 7 nats, summed in another order."""
ADAPTER = 5e-5
"""AdamW's first steps are lr * sign(g): where a gradient is nearly zero, rounding changes a part of a step of 1e-3."""
LR = {"training": {"lr": 1e-3}}

SPENT = ("uplink_bytes", "downlink_bytes", "backhaul_bytes", "user_energy_j", "edge_energy_j", "cloud_energy_j")
LEARNT = ("train_loss", "loss")


@pytest.fixture(scope="module")
def eager(scheme: dict[str, Any], run_small: Runner) -> Run:
    return run_small(scheme, execution="eager", **LR)


@pytest.fixture(scope="module", params=MODES)
def deferred(request: pytest.FixtureRequest, scheme: dict[str, Any], run_small: Runner) -> Run:
    return run_small(scheme, **LR, **MODES[request.param])


def adapter(run: Run) -> torch.Tensor:
    assert run.observer.last is not None
    return torch.cat([state.weights for state in run.runtime.values(run.observer.last.adapters)])


def column(run: Run, *names: str) -> list[list[Any]]:
    return [[row[name] for name in names] for row in run.observer.rows]


def test_the_same_is_simulated_to_the_nanosecond_and_the_byte(deferred: Run, eager: Run) -> None:
    assert deferred.world.recorder.activities == eager.world.recorder.activities
    assert results.memory_frame(deferred).equals(results.memory_frame(eager))
    assert column(deferred, "round", "sim_time_s", *SPENT) == column(eager, "round", "sim_time_s", *SPENT)


def test_the_same_is_learned_but_for_rounding(deferred: Run, eager: Run) -> None:
    torch.testing.assert_close(adapter(deferred), adapter(eager), rtol=0, atol=ADAPTER)
    assert column(deferred, "train_loss")[0] == [None]
    for ours, theirs in zip(column(deferred, *LEARNT)[1:], column(eager, *LEARNT)[1:], strict=True):
        assert ours == pytest.approx(theirs, abs=LOSS)
    moved = adapter(eager) - eager.runtime.lab.layout.initial(eager.runtime.lab.whole, eager.runtime.lab.seed)
    assert moved.abs().max() > 10 * ADAPTER, "it has moved farther than the tolerance"


def test_with_one_client_a_pass_the_same_is_learned_to_the_bit(
    scheme: dict[str, Any], eager: Run, run_small: Runner
) -> None:
    narrow = run_small(scheme, **LR, **ONE_CLIENT_A_PASS)
    assert torch.equal(adapter(narrow), adapter(eager))
    assert narrow.observer.rows == eager.observer.rows


def test_threads_change_no_bit(scheme: dict[str, Any], run_small: Runner) -> None:
    one, two = (run_small(scheme, **LR, host=HOST | {"threads": n, "tokens": 32}) for n in (1, 2))
    assert torch.equal(adapter(one), adapter(two))
    assert one.observer.rows == two.observer.rows


def test_deferred_runs_fewer_jobs_than_there_are_events_where_parts_learn_as_one(run_small: Runner) -> None:
    federated, split = (run_small(scheme, **LR) for scheme in ({"name": "federated"}, {"name": "splitfed", "cut": 1}))
    in_parts = run_small({"name": "splitfed", "cut": 1}, execution="eager", **LR)
    assert split.runtime.jobs_run == federated.runtime.jobs_run < in_parts.runtime.jobs_run / 2
    assert torch.equal(adapter(split), adapter(federated))
