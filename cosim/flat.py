"""Settings and results without levels: ``radio.bandwidth``, ``final.perplexity``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def flat(section: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """All values, by their keys with dots between the levels."""
    found: dict[str, Any] = {}
    for name, value in section.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found
