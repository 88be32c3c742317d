"""However training is executed, the same is simulated and the same is learned."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from cosim import runner, tables
from cosim.runner import Run
from cosim.scenario import Scenario, ScenarioError
from cosim.scenario.entries import Entry
from cosim.schemes.federated import Federated
from cosim.schemes.telling import Acts

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


THREADS = "two threads"
"""Of a mode that ``test_threads_change_no_bit`` is about, too: tried with the slow tests."""


@pytest.fixture(
    scope="module", params=[pytest.param(mode, marks=pytest.mark.slow) if mode == THREADS else mode for mode in MODES]
)
def deferred(request: pytest.FixtureRequest, scheme: dict[str, Any], run_small: Runner) -> Run:
    return run_small(scheme, **LR, **MODES[request.param])


def adapter(run: Run) -> torch.Tensor:
    assert run.observer.last is not None
    return torch.cat([state.weights for state in run.runtime.values(run.observer.last.adapters)])


def column(run: Run, *names: str) -> list[list[Any]]:
    return [[row[name] for name in names] for row in run.observer.rows]


def test_the_same_is_simulated_to_the_nanosecond_and_the_byte(deferred: Run, eager: Run) -> None:
    assert deferred.world.recorder.activities == eager.world.recorder.activities
    assert tables.memory_frame(deferred).equals(tables.memory_frame(eager))
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


BOUND = 7.53
"""Nats a token; the untrained model has 7.54."""


class UntilGoodEnough(Federated):
    """Federated learning that rests after the first round whose mean loss is below ``BOUND``."""

    def story(self) -> Acts:
        enough = False
        for _ in self.rounds():
            if not enough:
                yield from self.each(self.train, self.world.users)
                yield from self.average()
                losses = self.look()
                enough = sum(losses) / len(losses) < BOUND

    def look(self) -> list[float]:
        return self.learning.values(self._round.losses)

    def refresh(self, copies: Any) -> Acts:
        for stage in copies:
            yield from self.adopt(stage, self.averages[0])


class AssumingTheWorst(UntilGoodEnough):
    """The same, which says what to take the losses to be where they are not computed."""

    def look(self) -> list[float]:
        return self.learning.values(self._round.losses, assume=[99.0] * len(self._round.losses))


class NeverLooking(UntilGoodEnough):
    """The same without an end of its own."""

    def look(self) -> list[float]:
        return [99.0]


@pytest.fixture
def run_branching(small_scenario: Callable[..., Scenario]) -> Callable[..., Run]:
    def run(scheme: type[UntilGoodEnough], execution: str, **sections: Any) -> Run:
        scenario = small_scenario({"name": "federated"}, execution=execution, training={"lr": 0.05}, **sections)
        options = Federated.Options(name="federated", rounds=6, local_steps=2)
        return runner.run(scenario, Entry(label="branching", scheme=scheme, options=options))

    return run


def test_a_scheme_that_decides_by_values_decides_alike_in_every_execution_that_has_them(
    run_branching: Callable[..., Run],
) -> None:
    eager = run_branching(UntilGoodEnough, "eager")
    last = max(activity.round for activity in eager.world.recorder.activities)
    assert 1 < last < 6, "it has decided to rest, and not at once"
    for scheme in (UntilGoodEnough, AssumingTheWorst):
        deferred = run_branching(scheme, "deferred", **ONE_CLIENT_A_PASS)
        assert deferred.world.recorder.activities == eager.world.recorder.activities
        assert torch.equal(adapter(deferred), adapter(eager))


def test_an_analytic_run_of_a_scheme_that_decides_by_values_is_refused_in_one_line(
    run_branching: Callable[..., Run],
) -> None:
    with pytest.raises(ScenarioError, match=r"^small: execution = 'analytic': the scheme decides by 'loss'") as caught:
        run_branching(UntilGoodEnough, "analytic")
    assert "\n" not in str(caught.value)


def test_an_analytic_run_takes_values_to_be_what_the_scheme_says(run_branching: Callable[..., Run]) -> None:
    assumed, unconditional = (run_branching(scheme, "analytic") for scheme in (AssumingTheWorst, NeverLooking))
    assert assumed.world.recorder.activities == unconditional.world.recorder.activities
    assert assumed.observer.rows[-1]["round"] == 6
    assert assumed.runtime.jobs_run == 0
