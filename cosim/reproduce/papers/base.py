"""What there is to a paper: numbers that need no training, and schemes that are trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


class Paper(Protocol):
    """A paper whose experiments are done again.

    ``scenario`` is the file, among those of the papers, whose schemes are trained, None if none are; ``variants`` of
    it, by name, are the overrides with which they are, the first one alone for a look, with the overrides ``quickly``.
    ``baseline`` is the label that tables compare the others with.
    """

    scenario: ClassVar[str | None]
    variants: ClassVar[Mapping[str, Sequence[str]]]
    quickly: ClassVar[Sequence[str]]
    baseline: ClassVar[str]

    def theory(self, folder: Path, *, quick: bool) -> Theory:
        """Numbers and figures without training; runs of its own are kept in ``folder``."""
        ...

    def learned(self, trained: Trained, variant: str) -> list[Row]:
        """What real training of a variant has brought; not asked for without a ``scenario``."""
        ...


AS_IT_IS: Mapping[str, Sequence[str]] = {"": ()}
"""The one variant of a scenario that is trained as it stands."""
