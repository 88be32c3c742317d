"""What a sweep varies, as a scenario file says it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from cosim.scenario.section import Count, Flag, Section, default


def _values(given: Any) -> Any:
    if not isinstance(given, (list, str)):
        raise ValueError("expected a list of values, or a progression in quotes, such as '10:100:10'")
    return given


def _seeds(given: Any) -> Any:
    if given is not None and not isinstance(given, str):
        raise ValueError("expected seeds in quotes, such as '0:5' (0 to 4) or '0,3,7'")
    return given


class Sweep(Section):
    """The points of `cosim sweep`: every combination, matching entries, or a sample of all there are."""

    vary: dict[str, Annotated[list[Any] | str, BeforeValidator(_values)]] = default(
        {}, "by key, values or a progression: {radio.bandwidth: [5 MHz, 10 MHz], users.count: '10:100:10'}"
    )
    zip: Flag = default(False, "the first values of all keys together, then the second ones; else every combination")
    seeds: Annotated[str | None, BeforeValidator(_seeds)] = default(
        None, "several, in quotes: '0:5' (0 to 4) or '0,3,7'; else the scenario's"
    )
    samples: Count | None = default(None, "so many points at random; else all")
    compare: Flag = default(False, "every scheme of the `compare` list at each point; else the first one alone")
