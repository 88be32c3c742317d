"""A comparison as cells of text, for whoever sets them: the terminal, LaTeX, a page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

import pandas as pd

from analysis.comparison.comparison import Comparison, timed_by
from analysis.comparison.intervals import CONFIDENCE, FEWEST
from analysis.comparison.quantities import QUANTITIES, TARGET_QUANTITIES, Quantity
from analysis.comparison.targets import default_target
from analysis.units import PERCENT, PLAIN, three_digits, unit_for

MOST_COLUMNS = 5
"""Series beyond which each has a line instead of a column, and only headlines."""

SPEED_UP = Quantity(title="Speed-up", ladder=PLAIN, best="highest")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A value, the interval about it if there is one, and whether it stands out."""

    text: str
    interval: str = ""
    marked: bool = False


@dataclass(frozen=True, kw_only=True)
class Line:
    """A quantity with its unit and a cell of it for each series; or a series, with a cell for each quantity."""

    title: str
    cells: Sequence[Cell]
    ends_group: bool = False


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Lines of cells below the titles of the columns; what marks mean, and further ``notes`` on how to read them."""

    columns: Sequence[str]
    lines: Sequence[Line]
    mark: str = ""
    notes: Sequence[str] = ()


def main_sheet(comparison: Comparison) -> Sheet:
    """All quantities that any run recorded, and the speed-up; best values marked. Of many series headlines only."""
    table, lines = comparison.table, []
    for name, quantity in {**QUANTITIES, "speed_up": SPEED_UP}.items():
        if not _is_shown(name, comparison):
            continue
        cells = _cells(table, name, quantity, _best(table[name], quantity))
        if name in TARGET_QUANTITIES:
            cells = _unless_missed(cells, table["reached"], table["seeds"])
        lines.append(Line(title=_title(table[name], quantity), cells=cells, ends_group=quantity.ends_group))
    return _sheet(list(table.index), lines, "best of its kind" if len(table) > 1 else "", _notes(comparison))


def paired_sheet(comparison: Comparison) -> Sheet:
    """Differences of headlines from the baseline, seed by seed; marked where the interval leaves out zero.

    Without lines if no two series have two seeds in common.
    """
    compared = [label for label, baseline in comparison.baselines.items() if baseline not in (None, label)]
    lines = []
    for name in _headlines(comparison):
        quantity = QUANTITIES[name]
        paired = comparison.paired[comparison.paired["quantity"] == name].set_index("label").reindex(compared)
        if (paired["seeds"] > 1).any():
            clear = (paired["difference_low"] > 0) | (paired["difference_high"] < 0)
            cells = _cells(paired, "difference", quantity, clear, signed=True)
            if name in TARGET_QUANTITIES:
                cells = _unless_missed(cells, paired["pairs"], paired["seeds"])
            title = _title(paired["difference"], quantity)
            lines.append(Line(title=title, cells=cells, ends_group=quantity.ends_group))
    means = f"Mean over seeds of the difference from {_standing(comparison)}, with its {CONFIDENCE:.0%} interval"
    return _sheet(compared, lines, "zero lies outside", [means, "All quantities are in paired.csv"])


def _is_shown(name: str, comparison: Comparison) -> bool:
    table = comparison.table
    if name == "speed_up":
        return len(table) > 1
    if len(table) > MOST_COLUMNS and name not in _headlines(comparison):
        return False
    is_missed = name in TARGET_QUANTITIES and comparison.target is not None
    return is_missed or bool(table[name].notna().any())


def _headlines(comparison: Comparison) -> Sequence[str]:
    """The quantities that tell most: what was learned and what the target took, or without it, what the rounds took."""
    if comparison.target is None:
        return "sim_time_s", "uplink_bytes", "user_energy_j"
    return (
        f"{comparison.target.metric}_after",
        "time_to_target_s",
        "traffic_to_target_bytes",
        "energy_to_target_j",
    )


def _sheet(series: Sequence[str], lines: Sequence[Line], mark: str, notes: Sequence[str]) -> Sheet:
    """Lines over few series; of many, each has a line of its own."""
    if len(series) <= MOST_COLUMNS:
        return Sheet(columns=series, lines=lines, mark=mark, notes=notes)
    turned = [Line(title=name, cells=[line.cells[place] for line in lines]) for place, name in enumerate(series)]
    return Sheet(columns=[line.title for line in lines], lines=turned, mark=mark, notes=notes)


def _cells(
    table: pd.DataFrame, name: str, quantity: Quantity, marked: Iterable[bool], *, signed: bool = False
) -> list[Cell]:
    size = unit_for(table[name], quantity.ladder).size
    sign = signed or quantity.ladder is PERCENT
    found = []
    for value, low, high, mark in zip(table[name], table[f"{name}_low"], table[f"{name}_high"], marked, strict=True):
        interval = ""
        if isfinite(low) and low < high:
            interval = f"[{three_digits(low / size, signed=sign)}, {three_digits(high / size, signed=sign)}]"
        found.append(Cell(text=three_digits(value / size, signed=sign), interval=interval, marked=bool(mark)))
    return found


def _title(values: "pd.Series[float]", quantity: Quantity) -> str:
    return unit_for(values, quantity.ladder).named(quantity.title)


def _best(values: "pd.Series[float]", quantity: Quantity) -> "pd.Series[bool]":
    best = values.max() if quantity.best == "highest" else values.min()
    return (values == best) & (quantity.best is not None and values.nunique() > 1)


def _unless_missed(cells: Iterable[Cell], known: "pd.Series[int]", seeds: "pd.Series[int]") -> list[Cell]:
    """The cells, with the count in place of a mean that some seeds of a series do not have."""
    found = []
    for cell, count, of in zip(cells, known, seeds, strict=True):
        missed = "not reached" if count == 0 else f"in {count:.0f} of {of:.0f}"
        found.append(cell if not count < of else Cell(text=missed))
    return found


def _standing(comparison: Comparison) -> str:
    """What the series are compared with, in words."""
    named = {baseline for baseline in comparison.baselines.values() if baseline is not None}
    labels = {comparison.results.series[baseline][0].label for baseline in named}
    return named.pop() if len(named) == 1 else f"{labels.pop()} in the same setting"


def _notes(comparison: Comparison) -> list[str]:
    table, target, several = comparison.table, comparison.target, len(comparison.table) > 1
    notes = []
    if (table["seeds"] > 1).any():
        counts = sorted(set(table["seeds"]))
        seeds = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        few = f"; no interval of fewer than {FEWEST} seeds" if counts[0] < FEWEST else ""
        notes.append(f"Means over {seeds} seeds, below them {CONFIDENCE:.0%} intervals where seeds differ{few}")
    if target:
        best = ", the best that every run reaches" if target == default_target(comparison.results) else ""
        notes.append(f"Target: {target}{best}; at the end of the first evaluated round that does; traffic of all links")
        some = table[table["reached"].between(1, table["seeds"] - 1)]
        if len(some):
            notes.append("“in 2 of 5”: so many seeds reach the target, and a mean over these alone would flatter")
    if several:
        time = QUANTITIES[timed_by(target)].title.lower()
        mean = ", geometric mean" if (table["seeds"] > 1).any() else ""
        notes.append(f"Speed-up: {time} of {_standing(comparison)} over the own{mean}")
    results = comparison.results
    if unfinished := [name for name, run in zip(results.names, results, strict=True) if not run.finished]:
        notes.append(f"Not finished: {', '.join(unfinished)}")
    return notes
