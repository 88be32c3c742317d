"""The main loop: build a world, let the story happen, collect what it left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from channel_models.transfer import TransferNeverFinishes
from cosim.observer import Observer, Row
from cosim.scenario.entries import Entry
from cosim.scenario.errors import ScenarioError
from cosim.scenario.models import Scenario
from cosim.world import World, build_world

if TYPE_CHECKING:
    from cosim.preparation import Prepared
    from training.lab import Lab
    from training.runtime import Runtime
    from training.store import Store


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run, finished or interrupted, with all that its results are made of."""

    scenario: Scenario
    entry: Entry
    prepared: Prepared
    world: World
    runtime: Runtime
    observer: Observer
    wall_time_s: float
    finished: bool


def run(
    scenario: Scenario, entry: Entry, tell: Callable[[Row], None] = lambda _: None, *, threads: int | None = None
) -> Run:
    """Run one scheme; ``tell`` hears of every round. Ctrl-C ends the run early, with the rounds it has.

    ``threads`` are the cores it may use where the scenario does not say; None is all there are.

    Raises:
        ScenarioError: the scenario asks for something that its corpus, model or radio cannot give.
    """
    from cosim.preparation import prepare  # noqa: PLC0415 - training comes with it, and only runs need it
    from training.learning import Learning  # noqa: PLC0415
    from training.runtime import Unavailable  # noqa: PLC0415

    began = time.perf_counter()
    try:
        store = _store(scenario)
        prepared = prepare(scenario, store, threads)
        runtime = _runtime(scenario, prepared.lab, store)
        learning = Learning(runtime)
        world = build_world(scenario, runtime, prepared.rows)
        observer = Observer(world, learning, scenario.evaluation, entry.options.rounds, tell)
        scheme = entry.scheme(world, learning, entry.options, observer)
    except ValueError as error:
        raise ScenarioError(f"{scenario.name}: {error}") from error

    finished = True
    try:
        world.clock.run(scheme.tell())
    except (TransferNeverFinishes, Unavailable) as error:
        raise ScenarioError(f"{scenario.name}: {error}") from error
    except KeyboardInterrupt:
        finished = False
    finally:
        runtime.close()
    return Run(
        scenario=scenario,
        entry=entry,
        prepared=prepared,
        world=world,
        runtime=runtime,
        observer=observer,
        wall_time_s=time.perf_counter() - began,
        finished=finished,
    )


def _store(scenario: Scenario) -> Store | None:
    from training.store import Store, default_folder  # noqa: PLC0415 - with NumPy behind it

    return Store(default_folder(), scenario.host.cache_size) if scenario.host.cache else None


def _runtime(scenario: Scenario, lab: Lab, store: Store | None) -> Runtime:
    from training.deferred import DeferredRuntime  # noqa: PLC0415
    from training.runtime import AnalyticRuntime, EagerRuntime  # noqa: PLC0415

    if scenario.execution == "analytic":
        return AnalyticRuntime(lab)
    if scenario.execution == "eager":
        return EagerRuntime(lab)
    return DeferredRuntime(lab, store, scenario.host.pending)
