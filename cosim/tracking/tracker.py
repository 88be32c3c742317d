"""Trackers of experiments: somebody else's programs that draw the rounds of many runs as they come."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cosim import registry
from cosim.flat import flat
from cosim.scenario.errors import ScenarioError
from cosim.telling import in_a_line
from cosim.tracking.callback import Callback

if TYPE_CHECKING:
    from cosim.observer import Row
    from cosim.runner import Run
    from cosim.scenario.models import Scenario


class Tracker(Callback):
    """One run in the tracker's own terms; ``folder`` is where the results of the run come to lie.

    ImportError if the tracker's package is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, run: Run) -> None:
        """See ``Callback.start``."""
        name = f"{run.scenario.name}/{run.entry.label}/seed {run.scenario.seed}"
        self.begin(name, settings(run))

    def round(self, run: Run, row: Row) -> None:
        """See ``Callback.round``."""
        self.log(row["round"], row["sim_time_s"], {name: value for name, value in row.items() if value is not None})

    def end(self, run: Run) -> None:
        """See ``Callback.end``."""
        self.close()

    @abstractmethod
    def begin(self, name: str, settings: Mapping[str, str]) -> None:
        """A run of that name and settings."""

    @abstractmethod
    def log(self, number: int, sim_time_s: float, values: Mapping[str, float]) -> None:
        """The numbers of a round: losses, metrics, and the bytes and joules since the start."""

    @abstractmethod
    def close(self) -> None:
        """There is no more to come."""


class Guarded(Callback):
    """Lets a tracker that fails while a run goes on go its way: a warning, and the run goes on without it."""

    def __init__(self, tracker: Callback, name: str) -> None:
        self._tracker: Callback | None = tracker
        self._name = name

    def start(self, run: Run) -> None:
        """See ``Callback.start``; nothing is lost yet, so that an error here ends the run."""
        if self._tracker is not None:
            try:
                self._tracker.start(run)
            except Exception as error:
                raise ScenarioError(f"host.tracking: {self._name} could not start: {_line(error)}") from error

    def round(self, run: Run, row: Row) -> None:
        """See ``Callback.round``."""
        self._try(lambda tracker: tracker.round(run, row))

    def end(self, run: Run) -> None:
        """See ``Callback.end``."""
        self._try(lambda tracker: tracker.end(run))

    def _try(self, act: Callable[[Callback], None]) -> None:
        if self._tracker is None:
            return
        try:
            act(self._tracker)
        except Exception as error:  # whatever another's program does, the run is not lost for it
            self._tracker = None
            warnings.warn(f"host.tracking: {self._name} failed, and is left out: {_line(error)}", stacklevel=2)


def trackers(scenario: Scenario, folder: Path) -> Sequence[Callback]:
    """The trackers of ``host.tracking`` for a run whose results come to lie in ``folder``.

    Raises:
        ScenarioError: one cannot be found, or its package is not installed.
    """
    return [_tracker(f"host.tracking.{number}", name, folder) for number, name in enumerate(scenario.host.tracking)]


def settings(run: Run) -> dict[str, str]:
    """All settings of a run, with dots between the levels of their keys."""
    found = flat(run.resolved.model_dump(mode="json", exclude={"host", "compare", "sweep"}))
    return {key: str(value) for key, value in found.items()}


def _tracker(key: str, name: str, folder: Path) -> Callback:
    try:
        tracker: Callback = registry.find("trackers", name)(folder)
    except ValueError as error:
        raise ScenarioError(f"{key} = {name!r}: {error}") from error
    except ImportError as error:
        raise ScenarioError(
            f"{key} = {name!r}: needs the Python package {error.name}, which is not installed; "
            f"expected after 'pip install {error.name}'"
        ) from error
    return Guarded(tracker, name)


def _line(error: Exception) -> str:
    return in_a_line(error) or type(error).__name__
