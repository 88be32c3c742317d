"""What the page calls each run."""

from collections.abc import Iterator

from analysis.load import Results
from analysis.result import Result


def names(results: Results) -> tuple[str, ...]:
    """The labels of the runs if no two have the same, else what tells their folders apart."""
    labels = tuple(run.label for run in results)
    return labels if len(set(labels)) == len(labels) else results.names


def named_runs(results: Results) -> Iterator[tuple[str, Result]]:
    """Each run after its name."""
    return zip(names(results), results, strict=True)
