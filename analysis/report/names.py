"""What the page calls each run."""

from analysis.load import Results


def names(results: Results) -> tuple[str, ...]:
    """The labels of the runs if no two have the same, else what tells their folders apart."""
    labels = tuple(run.label for run in results)
    return labels if len(set(labels)) == len(labels) else results.names
