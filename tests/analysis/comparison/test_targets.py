"""What it takes to learn so much."""

from collections.abc import Callable
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from analysis.comparison.targets import Target, costs_to, default_target, parse_target
from analysis.load import load
from analysis.result import Result


def perplexity(value: float) -> Target:
    return Target(metric="perplexity", value=value)


def test_the_costs_are_those_at_the_end_of_the_first_evaluated_round_that_reaches_it(
    make_run: Callable[..., Path],
) -> None:
    run = Result(make_run("run", perplexities=(40.0, 30.0, 20.0)))
    assert costs_to(run, perplexity(35.0)) == {
        "time_to_target_s": 9.0,  # not in between, where nobody looked
        "traffic_to_target_bytes": 3 * 4000,
        "user_energy_to_target_j": 10.0,
        "energy_to_target_j": 3 * 10.0,
    }
    assert costs_to(run, perplexity(30.0))["time_to_target_s"] == 9.0
    assert costs_to(run, perplexity(29.9))["time_to_target_s"] == 18.0
    assert costs_to(run, perplexity(40.0))["time_to_target_s"] == 0.0


def test_rounds_that_were_not_evaluated_reach_nothing(make_run: Callable[..., Path]) -> None:
    run = Result(make_run("run", perplexities=(40.0, None, 20.0)))
    assert costs_to(run, perplexity(35.0))["time_to_target_s"] == 18.0


def test_a_target_stays_reached_though_the_metric_gets_worse_again(make_run: Callable[..., Path]) -> None:
    run = Result(make_run("run", perplexities=(40.0, 20.0, 50.0)))
    assert costs_to(run, perplexity(25.0))["time_to_target_s"] == 9.0


def test_accuracy_is_to_be_at_least_so_much(make_run: Callable[..., Path]) -> None:
    run = Result(make_run("run", accuracies=(0.1, 0.2, 0.4)))
    assert costs_to(run, Target(metric="accuracy", value=0.2))["time_to_target_s"] == 9.0


def test_what_is_never_reached_costs_no_number(make_run: Callable[..., Path]) -> None:
    assert all(isnan(cost) for cost in costs_to(Result(make_run("run")), perplexity(19.0)).values())


def test_by_default_it_is_the_best_that_every_run_reaches(make_run: Callable[..., Path]) -> None:
    runs = [
        make_run("good", perplexities=(40.0, 30.0, 20.0)),
        make_run("bad", perplexities=(40.0, 33.0, 35.0)),
    ]
    assert default_target(load(*runs)) == perplexity(33.0)
    assert not isnan(costs_to(Result(runs[1]), perplexity(33.0))["time_to_target_s"])


def test_of_classes_the_default_is_an_accuracy_and_of_analytic_runs_there_is_none(
    make_run: Callable[..., Path], nothing_learned: Any
) -> None:
    classes = [
        make_run(name, perplexities=(None, None, None), accuracies=(0.1, best, 0.2))
        for name, best in (("a", 0.5), ("b", 0.4))
    ]
    assert default_target(load(*classes)) == Target(metric="accuracy", value=0.4)
    assert default_target(load(*classes, make_run("analytic", **nothing_learned))) is None


@pytest.mark.parametrize("text", ["perplexity=120", " perplexity = 1.2e2 "])
def test_a_target_is_read_from_text(text: str) -> None:
    assert parse_target(text) == perplexity(120.0)
    assert str(parse_target(text)) == "perplexity ≤ 120"


@pytest.mark.parametrize("text", ["", "perplexity", "loss=3", "perplexity=low", "accuracy=nan", "accuracy=inf", "=3"])
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected perplexity=NUMBER or accuracy=NUMBER"):
        parse_target(text)
