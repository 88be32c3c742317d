"""What a sweep varies, as a scenario file says it."""

from __future__ import annotations

from typing import Any

from cosim.scenario.section import Count, Section, default


class Sweep(Section):
    """The points of `cosim sweep`: every combination, matching entries, or a sample of all there are."""

    vary: dict[str, list[Any] | str] = default(
        {}, "by key, values or a progression: {radio.bandwidth: [5 MHz, 10 MHz], users.count: '10:100:10'}"
    )
    zip: bool = default(False, "the first values of all keys together, then the second ones; else every combination")
    seeds: str | None = default(None, "several, in quotes: '0:5' (0 to 4) or '0,3,7'; else the scenario's")
    samples: Count | None = default(None, "so many points at random; else all")
