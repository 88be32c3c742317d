"""Where the numbers of a report come from: software, machine, command, data."""

from collections.abc import Iterator, Mapping
from typing import Any

from analysis.load import Results
from analysis.report.names import names

Facts = tuple[tuple[str, str], ...]


def origins(results: Results) -> list[tuple[tuple[str, ...], Facts]]:
    """Runs, and what is known of their origin; those of the same origin together."""
    found: dict[Facts, list[str]] = {}
    for name, run in zip(names(results), results, strict=True):
        facts = tuple((key, value) for key, value in _flat(run.provenance) if value)
        found.setdefault(facts, []).append(name)
    return [(tuple(names), facts) for facts, names in found.items()]


def _flat(section: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key} ")
        else:
            words = " ".join(str(part) for part in value) if isinstance(value, list) else value
            yield f"{prefix}{key}".replace("_", " "), "" if words is None else str(words)
