"""Peak memory of every node as a table, a run each."""

from dataclasses import dataclass

import pandas as pd

from analysis.load import Results
from analysis.nodes import cloud_first
from analysis.report.names import named_runs
from analysis.result import TOTAL
from analysis.units import MEMORY, three_digits, unit_for

MOST_NODES = 24
"""Of more nodes of one role only those with the highest peaks are told."""


@dataclass(frozen=True, kw_only=True)
class MemoryTable:
    """A row a node, a column a kind of memory, all in one unit."""

    run: str
    unit: str
    kinds: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    left_out: tuple[str, ...]


def memory_tables(results: Results) -> list[MemoryTable]:
    """Of each run that has come to its peaks."""
    return [_table(name, run.memory) for name, run in named_runs(results) if not run.memory.empty]


def _table(name: str, memory: pd.DataFrame) -> MemoryTable:
    """The peaks of a run, nodes with the cloud first; kinds that no node ever held have no column."""
    kinds = [kind for kind in dict.fromkeys(memory["kind"]) if kind != TOTAL]
    wide = memory.pivot_table(index="node", columns="kind", values="peak_bytes", aggfunc="max", fill_value=0)
    wide = wide.reindex(columns=[*kinds, TOTAL], fill_value=0)
    kinds = [kind for kind in kinds if wide[kind].any()]
    unit = unit_for(wide[TOTAL], MEMORY)
    peaks: dict[str, dict[str, float]] = wide.T.to_dict()  # type: ignore[assignment]
    left_out = []
    told: list[str] = []
    for role, nodes in memory.groupby("role", sort=False)["node"].unique().items():
        totals = {node: peaks[node][TOTAL] for node in nodes}
        ranked = sorted(totals, key=lambda node: -totals[node])
        told += ranked[:MOST_NODES]
        if len(ranked) > MOST_NODES:
            most = unit.written(totals[ranked[MOST_NODES]])
            left_out.append(f"{len(ranked) - MOST_NODES} more nodes of role {role} need at most {most} each")
    rows = tuple(
        (node, tuple(three_digits(peaks[node][kind] / unit.size) for kind in (*kinds, TOTAL)))
        for node in sorted(told, key=cloud_first)
    )
    return MemoryTable(run=name, unit=unit.symbol, kinds=(*kinds, TOTAL), rows=rows, left_out=tuple(left_out))
