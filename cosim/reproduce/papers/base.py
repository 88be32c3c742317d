"""What there is to a paper: numbers that need no training, and schemes that are trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from cosim.reproduce.row import Row
from cosim.reproduce.training import Trained


@dataclass(frozen=True, kw_only=True)
class TableFigure:
    """A figure that a module of the analysis makes of a table, ``drawn(table)``; it becomes ``stem``.png."""

    stem: str
    module: str
    table: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class RunsFigure:
    """A figure of the results in these folders, as scenarios ask for it: ``{"kind": "memory"}``."""

    wish: Mapping[str, Any]
    runs: Sequence[Path]


Figure = TableFigure | RunsFigure


@dataclass(frozen=True, kw_only=True)
class Theory:
    """What there is without training."""

    rows: Sequence[Row]
    figures: Sequence[Figure]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Schemes of a scenario that are trained beside each other on common seeds.

    Attributes:
        scenario: the file, among those of the papers.
        baseline: the label that tables compare the others with.
        overrides: with which the file is read.
        quickly: further ones for a look; None where it is left out then.
        data: files that the user has to have, below the folder of data that is given: paths by the keys that name them.
    """

    scenario: str
    baseline: str
    overrides: Sequence[str] = ()
    quickly: Sequence[str] | None = None
    data: Mapping[str, str] = field(default_factory=dict)


class Paper(Protocol):
    """A paper whose experiments are done again; those that are trained have names."""

    experiments: ClassVar[Mapping[str, Experiment]]

    def theory(self, folder: Path, *, quick: bool) -> Theory:
        """Numbers and figures without training; runs of its own are kept in ``folder``."""
        ...

    def learned(self, trained: Trained, experiment: str) -> list[Row]:
        """What an experiment's real training has brought."""
        ...
