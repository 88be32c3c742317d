"""Where the numbers of a report come from: software, machine, command, data."""

from analysis.load import Results
from analysis.report.names import named_runs
from analysis.settings import leaves

Facts = tuple[tuple[str, str], ...]


def origins(results: Results) -> list[tuple[tuple[str, ...], Facts]]:
    """Runs, and what is known of their origin; those of the same origin together."""
    found: dict[Facts, list[str]] = {}
    for name, run in named_runs(results):
        told = [(" ".join(keys).replace("_", " "), _written(value)) for keys, value in leaves(run.provenance)]
        facts = tuple(fact for fact in told if fact[1])
        found.setdefault(facts, []).append(name)
    return [(tuple(names), facts) for facts, names in found.items()]


def _written(value: object) -> str:
    """A list as its parts side by side; nothing of null."""
    if value is None:
        return ""
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
