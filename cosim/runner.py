"""The main loop: build a world, let the story happen, collect what it left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from channel_models.transfer import TransferNeverFinishes
from cosim import libraries, trained_once
from cosim.allocation.problem import NoAllocation
from cosim.cells.out_of_reach import require_reach
from cosim.divergence import Diverged, Divergence
from cosim.garbage import seldom_collected
from cosim.observer import Observer
from cosim.scenario.entries import Entry, single
from cosim.scenario.errors import ScenarioError
from cosim.scenario.models import Scenario
from cosim.stuck import Stuck
from cosim.tracking.callback import Callback
from cosim.world import World, build_world

if TYPE_CHECKING:
    from cosim.preparation import Prepared
    from cosim.schemes.base import Scheme
    from training.lab import Lab
    from training.runtime import Runtime
    from training.store import Store


@dataclass(kw_only=True, eq=False)
class Run:
    """A run, under way or over, with all that its results are made of."""

    scenario: Scenario
    entry: Entry
    prepared: Prepared
    world: World
    runtime: Runtime
    observer: Observer
    scheme: Scheme
    began_s: float
    ended_s: float | None = None
    finished: bool = False
    divergence: Divergence | None = None
    written_to: Path | None = None

    @property
    def over(self) -> bool:
        """Whether it is finished or interrupted."""
        return self.ended_s is not None

    @property
    def wall_time_s(self) -> float:
        """Seconds it has taken so far, of this machine's time."""
        return (time.perf_counter() if self.ended_s is None else self.ended_s) - self.began_s

    @property
    def resolved(self) -> Scenario:
        """The scenario of this run alone, which gives the same result."""
        return single(self.scenario, self.entry)


@seldom_collected()
def run(scenario: Scenario, entry: Entry, callbacks: Sequence[Callback] = (), *, threads: int | None = None) -> Run:
    """Run one scheme; ``callbacks`` hear of it. Ctrl-C ends the run early, with the rounds it has; so does a
    loss that is not finite, which would be the end of it however often it is run.

    ``threads`` are the cores it may use where the scenario does not say; None is all there are.

    Raises:
        ScenarioError: the scenario asks for something that its corpus, model, radio or memory cannot give.
    """
    done = laid_out(scenario, entry, threads)
    from training.runtime import Unavailable  # noqa: PLC0415 - training has come with it

    done.observer.tell = lambda row: _each(callbacks, lambda callback: callback.round(done, row))
    try:
        _each(callbacks, lambda callback: callback.start(done))
        with trained_once.training(done, _store(scenario), lambda: _each(callbacks, lambda each: each.waits(done))):
            done.world.clock.run(done.scheme.tell())
            done.finished = True
    except Diverged as error:
        done.finished, done.divergence = True, error.found
    except Stuck as error:
        waits = done.world.recorder.who_waits()
        raise ScenarioError(f"{scenario.name}: {error}{f' ({waits})' if waits else ''}") from error
    except (TransferNeverFinishes, Unavailable, NoAllocation) as error:
        raise ScenarioError(f"{scenario.name}: {error}") from error
    except KeyboardInterrupt:
        pass
    finally:
        done.runtime.close()
    done.ended_s = time.perf_counter()
    _each(callbacks, lambda callback: callback.end(done))
    return done


def laid_out(scenario: Scenario, entry: Entry, threads: int | None = None) -> Run:
    """A run that has not begun, for which all nodes have memory.

    Raises:
        ScenarioError: as ``run``, where that can be known before.
    """
    libraries.load("cosim.preparation", "training.deferred")  # training comes with it, and only runs need it
    from cosim.preparation import prepare  # noqa: PLC0415
    from training.learning import Learning  # noqa: PLC0415

    began_s = time.perf_counter()
    try:
        store = _store(scenario)
        prepared = prepare(scenario, store, threads, entry.options.optimiser(scenario.training))
        runtime = _runtime(scenario, prepared.lab, store)
        learning = Learning(runtime)
        world = build_world(scenario, runtime, prepared.rows)
        observer = Observer(world, learning, scenario.evaluation)
        scheme = entry.scheme(world, learning, entry.options, observer)
        _require_memory(entry, scheme)
        if entry.options.uses_every_link:
            require_reach(scenario, world.coverage)
    except ValueError as error:
        raise ScenarioError(f"{scenario.name}: {error}") from error
    return Run(
        scenario=scenario,
        entry=entry,
        prepared=prepared,
        world=world,
        runtime=runtime,
        observer=observer,
        scheme=scheme,
        began_s=began_s,
    )


def _require_memory(entry: Entry, scheme: Scheme) -> None:
    """Raise ValueError if any node needs more memory than it has."""
    if not scheme.world.limited:
        return
    try:
        shortage = scheme.needs.shortage(scheme.load())
    except NotImplementedError as error:
        raise ValueError(
            f"{entry.label}: memory is limited, and what nodes do at the same time is not said; it needs {error}"
        ) from error
    if shortage:
        raise ValueError(f"{entry.label}: {shortage}")


def _each(callbacks: Sequence[Callback], tell: Callable[[Callback], None]) -> None:
    for callback in callbacks:
        tell(callback)


def _store(scenario: Scenario) -> Store | None:
    from training.store import Store, default_folder, may_be_trusted  # noqa: PLC0415 - with NumPy behind it

    if not scenario.host.cache:
        return None
    folder = default_folder()
    if not may_be_trusted(folder):
        raise ValueError(
            f"cache {folder}: others can write into it, and so put wrong results there; take that right away "
            "(chmod o-w), or name another with COSIM_CACHE, or say host.cache: false"
        )
    return Store(folder, scenario.host.cache_size)


def _runtime(scenario: Scenario, lab: Lab, store: Store | None) -> Runtime:
    from training.deferred import DeferredRuntime  # noqa: PLC0415
    from training.runtime import AnalyticRuntime, EagerRuntime  # noqa: PLC0415

    if scenario.execution == "analytic":
        return AnalyticRuntime(lab)
    if scenario.execution == "eager":
        return EagerRuntime(lab)
    return DeferredRuntime(lab, store, scenario.host.pending)
