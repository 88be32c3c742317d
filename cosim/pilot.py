"""Pilot runs: a scenario's scheme with different numbers of local steps, and the rounds that each takes to a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf

import numpy as np

from cosim.calibration import Point
from cosim.scenario import Scenario, ScenarioError
from cosim.scenario.entries import entries

Curves = Mapping[tuple[int, int], Sequence[float]]
"""Held-out losses at the ends of rounds 0, 1 and so on, by the run's local steps and seed."""


def parse_steps(text: str) -> list[int]:
    """``1,2,4``: at least two different numbers of local steps.

    Raises:
        ScenarioError: something else.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise ScenarioError(f"--steps {text}: expected whole numbers from 1 on, such as 1,2,4,8,16")
    steps = [int(part) for part in parts]
    if len(set(steps)) < max(2, len(steps)):
        raise ScenarioError(f"--steps {text}: expected at least two numbers, each once, such as 1,2,4,8,16")
    return sorted(steps)


def pilot(scenario: Scenario, steps: Sequence[int], rounds: int | None) -> Scenario:
    """The comparison of the scenario's scheme with itself, with these local steps, evaluated after every round.

    ``rounds`` takes the place of the scheme's. A scheme that asks theory how many rounds there are is given one that
    never has fewer: its own is what is to be found.

    Raises:
        ScenarioError: the scheme has no ``local_steps``, or an analytic run, which learns nothing.
    """
    if scenario.execution == "analytic":
        raise ScenarioError("execution = 'analytic': such a run learns nothing; expected deferred or eager")
    entry = entries(scenario)[0]
    options = entry.scheme.Options.model_fields
    if "local_steps" not in options:
        raise ScenarioError(
            f"scheme.name = {entry.options.name!r}: has no local_steps, by which it could be calibrated"
        )
    common = {**scenario.scheme, "rounds": rounds or entry.options.rounds}
    if "convergence" in options:
        common["convergence"] = {"a": common["rounds"], "v": max(steps)}
    first, *others = [{**common, "local_steps": number, "label": f"steps-{number}"} for number in steps]
    every_round = scenario.evaluation.model_copy(update={"every": 1})
    return scenario.model_copy(update={"scheme": first, "compare": tuple(others), "evaluation": every_round})


def rounds_until(losses: Sequence[float], target: float) -> float:
    """Rounds until ``losses``, at the ends of rounds 0, 1 and so on, first are at most ``target``; infinite if never.

    Between the ends of rounds the loss is taken to go straight.
    """
    for number, loss in enumerate(losses):
        if loss <= target:
            if number == 0:
                return 0.0
            before = losses[number - 1]
            return number - 1 + (before - target) / (before - loss)
    return inf


def common_target(curves: Curves) -> float:
    """The best loss that every curve reaches."""
    return max(float(np.nanmin(losses)) for losses in curves.values())


def points_to(curves: Curves, target: float) -> list[Point]:
    """The rounds that each run took, whose losses stand by local steps and seed.

    Raises:
        ValueError: a run never reaches the target, or had reached it before it began.
    """
    found = [Point(steps, seed, rounds_until(losses, target)) for (steps, seed), losses in curves.items()]
    if never := [point for point in found if point.rounds == inf]:
        raise ValueError(f"not reached {_by(never, curves, np.nanmin)}; try more --rounds, or choose another")
    if before := [point for point in found if point.rounds == 0.0]:
        raise ValueError(
            f"reached before any training {_by(before, curves, lambda losses: losses[0])}; choose a lower one"
        )
    return sorted(found)


def _by(points: Sequence[Point], curves: Curves, telling: Callable[[Sequence[float]], float]) -> str:
    """Which runs these are, each with the loss that tells of it."""
    runs = (
        f"{point.steps} local steps, seed {point.seed} ({telling(curves[point.steps, point.seed]):.4g})"
        for point in points
    )
    return "by " + "; ".join(runs)
