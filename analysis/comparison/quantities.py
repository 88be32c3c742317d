"""What runs are compared by: the numbers of one run, each with its title, its units and which way is better."""

from dataclasses import dataclass
from math import nan

import pandas as pd

from analysis.comparison.targets import METRICS, Best, Target, costs_to
from analysis.load import Results
from analysis.result import Result
from analysis.units import ENERGY, MEMORY, PERCENT, PLAIN, TIME, TRAFFIC, Ladder

CHANGE = "perplexity_change_percent"


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A number of a run: its title and units for people, and where the summary holds it, unless it is worked out."""

    title: str
    ladder: Ladder
    keys: tuple[str, ...] = ()
    best: Best | None = "lowest"
    ends_group: bool = False


TARGET_QUANTITIES = {
    "time_to_target_s": Quantity(title="Time to target", ladder=TIME),
    "traffic_to_target_bytes": Quantity(title="Traffic to target", ladder=TRAFFIC),
    "user_energy_to_target_j": Quantity(title="Users' energy to target", ladder=ENERGY),
    "energy_to_target_j": Quantity(title="All energy to target", ladder=ENERGY, ends_group=True),
}

QUANTITIES = {
    "rounds": Quantity(title="Rounds", ladder=PLAIN, keys=("rounds",), best=None),
    "sim_time_s": Quantity(title="Simulated time", ladder=TIME, keys=("sim_time_s",), ends_group=True),
    "perplexity_before": Quantity(title="Perplexity before", ladder=PLAIN, keys=("initial", "perplexity"), best=None),
    "perplexity_after": Quantity(
        title="Perplexity after", ladder=PLAIN, keys=("final", "perplexity"), best=METRICS["perplexity"]
    ),
    CHANGE: Quantity(title="Perplexity change", ladder=PERCENT),
    "accuracy_before": Quantity(title="Accuracy before", ladder=PLAIN, keys=("initial", "accuracy"), best=None),
    "accuracy_after": Quantity(
        title="Accuracy after",
        ladder=PLAIN,
        keys=("final", "accuracy"),
        best=METRICS["accuracy"],
        ends_group=True,
    ),
    **TARGET_QUANTITIES,
    "uplink_bytes": Quantity(title="Uplink traffic", ladder=TRAFFIC, keys=("traffic_bytes", "uplink")),
    "downlink_bytes": Quantity(title="Downlink traffic", ladder=TRAFFIC, keys=("traffic_bytes", "downlink")),
    "backhaul_bytes": Quantity(
        title="Backhaul traffic", ladder=TRAFFIC, keys=("traffic_bytes", "backhaul"), ends_group=True
    ),
    "user_memory_bytes": Quantity(title="User peak memory", ladder=MEMORY, keys=("peak_memory_bytes", "user")),
    "edge_memory_bytes": Quantity(title="Edge peak memory", ladder=MEMORY, keys=("peak_memory_bytes", "edge")),
    "cloud_memory_bytes": Quantity(
        title="Cloud peak memory", ladder=MEMORY, keys=("peak_memory_bytes", "cloud"), ends_group=True
    ),
    "user_energy_j": Quantity(title="Energy of users", ladder=ENERGY, keys=("energy_j", "user")),
    "edge_energy_j": Quantity(title="Energy of edges", ladder=ENERGY, keys=("energy_j", "edge")),
    "cloud_energy_j": Quantity(title="Energy of cloud", ladder=ENERGY, keys=("energy_j", "cloud"), ends_group=True),
}
"""In the order of tables."""


def measured(results: Results, target: Target | None) -> pd.DataFrame:
    """A row a run, indexed by ``label``, the name of its series, and ``seed``: all `QUANTITIES`, in base units.

    NaN is what a run did not record, has not come to yet, or, of the target's, never reached.
    """
    rows = [numbers(run, target) for runs in results.series.values() for run in runs]
    series = [(name, run.seed) for name, runs in results.series.items() for run in runs]
    index = pd.MultiIndex.from_tuples(series, names=["label", "seed"])
    return pd.DataFrame(rows, index=index, columns=list(QUANTITIES), dtype=float)


def numbers(run: Result, target: Target | None) -> dict[str, float]:
    """All `QUANTITIES` of a run, in base units; NaN as in `measured`."""
    row = {name: run.total(*quantity.keys) for name, quantity in QUANTITIES.items() if quantity.keys}
    row[CHANGE] = 100 * (row["perplexity_after"] / row["perplexity_before"] - 1)
    return row | (costs_to(run, target) if target else dict.fromkeys(TARGET_QUANTITIES, nan))
