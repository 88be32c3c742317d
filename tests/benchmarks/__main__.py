"""make bench: what cosim costs, as ratios measured in one run; takes minutes.

python -m tests.benchmarks
"""

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.benchmarks import allocation, engine, many_adapters, memory, radio, replay, sweeps
from tests.benchmarks.measuring import Measured

THEMES = (engine, radio, allocation, many_adapters, replay, sweeps, memory)


def main() -> None:
    """Measure and print."""
    table = Table("what", "measured", "should be", title="cosim benchmarks")
    progress = Console(stderr=True)
    for row in track([row for theme in THEMES for row in theme.rows()], "measuring", console=progress, transient=True):
        found = row()
        for line in [found] if isinstance(found, Measured) else found:
            table.add_row(*line)
    Console().print(table)


if __name__ == "__main__":
    main()
