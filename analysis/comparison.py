"""The comparison in numbers: a row a run, for a program as a frame or CSV, for a person as a table in the terminal."""

from dataclasses import dataclass
from math import nan
from pathlib import Path
from statistics import fmean
from typing import Literal

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.files import whole_file
from analysis.load import Results
from analysis.units import ENERGY, MEMORY, PERCENT, PLAIN, TIME, TRAFFIC, Ladder, three_digits, unit_for

CHANGE = "perplexity_change_percent"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of the comparison: its title and units for people, and where the summary holds its value."""

    title: str
    ladder: Ladder
    keys: tuple[str, ...] = ()
    best: Literal["lowest", "highest"] | None = "lowest"
    ends_group: bool = False


COLUMNS = {
    "rounds": Column(title="Rounds", ladder=PLAIN, keys=("rounds",), best=None),
    "sim_time_s": Column(title="Simulated time", ladder=TIME, keys=("sim_time_s",), ends_group=True),
    "perplexity_before": Column(title="Perplexity before", ladder=PLAIN, keys=("initial", "perplexity"), best=None),
    "perplexity_after": Column(title="Perplexity after", ladder=PLAIN, keys=("final", "perplexity")),
    CHANGE: Column(title="Perplexity change", ladder=PERCENT),
    "accuracy_before": Column(title="Accuracy before", ladder=PLAIN, keys=("initial", "accuracy"), best=None),
    "accuracy_after": Column(
        title="Accuracy after", ladder=PLAIN, keys=("final", "accuracy"), best="highest", ends_group=True
    ),
    "uplink_bytes": Column(title="Uplink traffic", ladder=TRAFFIC, keys=("traffic_bytes", "uplink")),
    "downlink_bytes": Column(title="Downlink traffic", ladder=TRAFFIC, keys=("traffic_bytes", "downlink")),
    "backhaul_bytes": Column(
        title="Backhaul traffic", ladder=TRAFFIC, keys=("traffic_bytes", "backhaul"), ends_group=True
    ),
    "user_memory_bytes": Column(title="User peak memory", ladder=MEMORY, keys=("peak_memory_bytes", "user")),
    "edge_memory_bytes": Column(title="Edge peak memory", ladder=MEMORY, keys=("peak_memory_bytes", "edge")),
    "cloud_memory_bytes": Column(
        title="Cloud peak memory", ladder=MEMORY, keys=("peak_memory_bytes", "cloud"), ends_group=True
    ),
    "user_energy_j": Column(title="Energy of users", ladder=ENERGY, keys=("energy_j", "user")),
    "edge_energy_j": Column(title="Energy of edges", ladder=ENERGY, keys=("energy_j", "edge")),
    "cloud_energy_j": Column(title="Energy of cloud", ladder=ENERGY, keys=("energy_j", "cloud")),
}


def comparison_table(results: Results) -> pd.DataFrame:
    """A row a series of runs, the mean over seeds, indexed by `label`; columns as in `COLUMNS`, in base units.

    What a run did not record (perplexity where nothing was trained, or classes were) is NaN.
    """
    rows = [
        {
            name: fmean(run.total(*column.keys) for run in runs) if column.keys else nan
            for name, column in COLUMNS.items()
        }
        for runs in results.series.values()
    ]
    frame = pd.DataFrame(rows, index=pd.Index(results.series, name="label"))
    frame["rounds"] = frame["rounds"].astype("int64")
    frame[CHANGE] = 100 * (frame["perplexity_after"] / frame["perplexity_before"] - 1)
    return frame


def print_table(frame: pd.DataFrame, console: Console) -> None:
    """Print a comparison: a line a quantity and a column a run, so that several runs fit a terminal.

    Each quantity has one unit; its best value is bold and starred, unless all runs are equal. What no run recorded has
    no line.
    """
    table = Table(caption="* best of its line" if len(frame) > 1 else None)
    table.add_column("")
    for label in frame.index:
        table.add_column(Text(str(label)), justify="right")
    for name, column in COLUMNS.items():
        values = frame[name].astype(float)
        if values.isna().all():
            continue
        unit = unit_for(values, column.ladder)
        table.add_row(unit.named(column.title), *_cells(values, unit.size, column), end_section=column.ends_group)
    console.print(table)


def to_csv(frame: pd.DataFrame, path: Path | str) -> None:
    """Write a comparison as CSV, in base units; the file appears whole or not at all."""
    with whole_file(Path(path)) as temporary:
        frame.to_csv(temporary)


def _cells(values: "pd.Series[float]", size: float, column: Column) -> list[Text]:
    best = values.max() if column.best == "highest" else values.min()
    has_best = column.best is not None and values.nunique() > 1
    texts = [three_digits(value / size, signed=column.ladder is PERCENT) for value in values]
    return [
        Text(f"{text} *", style="bold") if has_best and value == best else Text(f"{text}  ")
        for text, value in zip(texts, values, strict=True)
    ]
