"""What pilot runs are, and how many rounds they took."""

from math import inf, nan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.calibration import Point
from cosim.pilot import common_target, parse_runs, pilot, points_to, rounds_until
from cosim.scenario import Scenario, ScenarioError, load_scenario
from cosim.scenario.entries import entries
from cosim.scenario.section import Section
from cosim.schemes.splitfed import SplitFed

QUICKSTART = Path(__file__).parents[2] / "scenarios" / "quickstart.yaml"
OPTIMISED = "scheme={name: fedsllm, cut: 3, rounds: 7, convergence: {a: 2, v: 1}}"
CURVES = {(1, 0): [6.0, 5.0, 4.5, 4.6], (4, 0): [6.0, 4.0, 3.0, 2.0]}


class NoSteps(SplitFed):
    """A scheme that knows nothing of local steps."""

    class Options(Section):
        name: str
        label: str = ""
        rounds: int = 1

        def problems(self, scenario: Scenario) -> list[str]:
            return []


BETWEEN = 0.035
"""Of a round, off the truth; a straight line is off by up to 0.086 there: max of log2(2 / (2 - x)) - x."""


@given(limit=st.floats(1.0, 5.0), rounds=st.floats(0.0, 5.9))
def test_between_two_ends_it_is_nearly_where_a_loss_that_halves_is(limit: float, rounds: float) -> None:
    losses = [limit + 3.0 * 0.5**number for number in range(8)]
    assert rounds_until(losses, limit + 3.0 * 0.5**rounds) == pytest.approx(rounds, abs=BETWEEN)


@given(losses=st.lists(st.floats(0.1, 10.0), min_size=2, max_size=8, unique=True), share=st.floats(0.0, 1.0))
def test_it_is_never_outside_the_round_in_which_the_target_was_reached(losses: list[float], share: float) -> None:
    target = min(losses) + share * (max(losses) - min(losses))
    found = rounds_until(losses, target)
    reached = next(number for number, loss in enumerate(losses) if loss <= target)
    assert max(0, reached - 1) <= found <= reached


@pytest.mark.parametrize(
    ("losses", "target", "rounds"),
    [
        ([6.0, 5.0, 4.0], 4.5, 1.5),
        ([6.0, 5.0, 4.0], 4.0, 2.0),
        ([6.0, 5.0, 4.0], 5.5, 0.5),
        ([6.0, 4.0, 5.0, 3.0], 4.0, 1.0),  # stays reached though the loss rises again
        ([6.0, 5.0, 4.0], 6.0, 0.0),
        ([6.0, 5.0, 4.0], 3.9, inf),
        ([6.0, nan, nan], 5.0, inf),
        ([6.0, 4.0, nan], 5.0, 0.5),  # then it diverged
        ([6.0, nan, 4.0], 5.0, 2.0),
    ],
)
def test_the_first_time_counts(losses: list[float], target: float, rounds: float) -> None:
    assert rounds_until(losses, target) == pytest.approx(rounds, abs=1e-9)  # a root is looked for


def test_by_default_the_target_is_the_best_that_all_reach() -> None:
    assert common_target(CURVES) == 4.5
    assert points_to(CURVES, 4.5) == [Point(1, 0, 2.0), Point(4, 0, rounds_until(CURVES[4, 0], 4.5))]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (4.0, r"^not reached by n = 1 local steps, seed 0 \(4.5\); try more --rounds, or choose another$"),
        (1.0, r"^not reached by n = 1 local steps, seed 0 \(4.5\); n = 4 local steps, seed 0 \(2\); try"),
        (6.0, r"^reached before any training by n = 1 .* \(6\); n = 4 local steps, seed 0 \(6\); choose a lower one$"),
    ],
)
def test_a_run_that_says_nothing_is_named(target: float, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        points_to(CURVES, target)


def test_runs_that_learn_nothing_have_no_target() -> None:
    curves = {(1, 0): [6.0, nan], (2, 0): [6.0, 5.0]}
    with pytest.raises(ValueError, match="reached before any training by n = 1 local steps"):
        points_to(curves, common_target(curves))


def test_every_number_of_steps_is_an_entry_and_all_else_is_the_same() -> None:
    read = load_scenario(QUICKSTART, ["evaluation.every=4"])
    runs = entries(pilot(read, {1: None, 16: None}))
    assert [(run.label, run.options.local_steps, run.options.rounds) for run in runs] == [
        ("steps-1", 1, 8),
        ("steps-16", 16, 8),
    ]
    assert {run.options.model_copy(update={"label": "", "local_steps": 0}).model_dump_json() for run in runs} == {
        entries(read)[0].options.model_copy(update={"local_steps": 0}).model_dump_json()
    }
    assert pilot(read, {1: None, 16: None}).evaluation.every == 1
    assert [run.options.rounds for run in entries(pilot(read, {1: 30, 16: 5}))] == [30, 5]


def test_what_theory_has_for_rounds_does_not_cut_a_pilot_short() -> None:
    for run in entries(pilot(load_scenario(QUICKSTART, [OPTIMISED]), dict.fromkeys((1, 4, 64)))):
        model = run.options.convergence.model()
        assert model.rounds(model.accuracy(run.options.local_steps)) >= run.options.rounds == 7


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("execution=analytic", "execution = 'analytic': such a run learns nothing"),
        (f"scheme={{name: '{__name__}:NoSteps'}}", f"scheme.name = '{__name__}:NoSteps': has no local_steps"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(said: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        pilot(load_scenario(QUICKSTART, [said, "compare=[]"]), {1: None, 2: None})


@pytest.mark.parametrize(
    ("rounds", "runs"),
    [
        (None, {1: None, 4: None, 16: None}),
        ("24", {1: 24, 4: 24, 16: 24}),
        ("12, 24,6", {1: 24, 4: 12, 16: 6}),
    ],
)
def test_steps_and_their_rounds_are_read_from_text(rounds: str | None, runs: dict[int, int | None]) -> None:
    found = parse_runs("4, 1,16", rounds)
    assert found == runs
    assert list(found) == [1, 4, 16]


@pytest.mark.parametrize("text", ["", "4", "4,4", "1,2,2", "0,1", "1:5", "1,two", "-1,2", "1.5,2"])
def test_what_are_no_steps_is_refused(text: str) -> None:
    with pytest.raises(ScenarioError, match=f"^--steps {text}: expected .*, such as 1,2,4,8,16$"):
        parse_runs(text, None)


@pytest.mark.parametrize("text", ["", "0", "many", "1,2", "1,2,3,4", "1,2,0"])
def test_what_are_no_rounds_is_refused(text: str) -> None:
    with pytest.raises(ScenarioError, match=f"^--rounds {text}: expected .* or one for each of --steps 1,2,4$"):
        parse_runs("1,2,4", text)
