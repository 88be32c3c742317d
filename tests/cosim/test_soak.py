"""Ten thousand rounds: a run grows by what it records, packed, and by nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from cosim.runner import Run, run
from cosim.scenario import load_scenario
from cosim.scenario.entries import entries
from cosim.tracking.callback import Callback
from tests.cosim.sweep.conftest import small

__all__ = ["small"]

ROUNDS = 10_000
WARM_ROUNDS = 2_000
"""By when caches of a bounded size are full, and the interpreter has the memory that it keeps."""
LOOK_ROUNDS = 100
BYTES_A_RECORD = 20
"""An activity of 112 bytes and a change of memory of 21 are packed to a tenth to a sixth (zlib), measured."""
BYTES_A_ROW = 1_500
"""A round's row: some twenty numbers with their names, a Python object each."""


class Watch(Callback):
    """Notes how much memory the process holds."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []
        self._process = psutil.Process()

    def round(self, run: Run, row: dict[str, Any]) -> None:
        if row["round"] % LOOK_ROUNDS == 0:
            self.seen.append((row["round"], self._process.memory_info().rss))

    def slope(self) -> float:
        """Bytes a round, of a line through all that was seen after the beginning."""
        rounds, resident = np.array([seen for seen in self.seen if seen[0] >= WARM_ROUNDS]).T
        return float(np.polyfit(rounds, resident, deg=1)[0])


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "scheme",
    ["name: federated", "name: splitfed, cut: 2", "name: federated, aggregation: {name: fedbuff, buffer: 2}"],
)
def test_ten_thousand_rounds_take_no_more_memory_than_what_they_record(
    scheme: str, small: Path, record_property: Callable[[str, object], None]
) -> None:
    overrides = [f"scheme={{{scheme}, rounds: {ROUNDS}}}", "execution=analytic", "users.count=3"]
    scenario, watch = load_scenario(small, overrides), Watch()
    done = run(scenario, entries(scenario)[0], [watch])
    records = len(done.world.recorder.activities) + len(done.world.ledger.changes())
    record_property("bytes a round", watch.slope())
    record_property("records a round", records / ROUNDS)
    assert watch.slope() < BYTES_A_RECORD * records / ROUNDS + BYTES_A_ROW
