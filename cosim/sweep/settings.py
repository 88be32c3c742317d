"""Which settings the points of a sweep have: combinations, matching entries, or a sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Any

from channel_models.randomness import Stream
from cosim.scenario.errors import ScenarioError
from cosim.sweep.values import Continuous, Listed, Values

Settings = dict[str, Any]
"""The value of each varied key at a point."""


def grid(varied: Mapping[str, Values]) -> Iterator[Settings]:
    """Every combination; the last key changes first.

    Raises:
        ScenarioError: a key has no list of values.
    """
    lists = _lists(varied)
    return (dict(zip(lists, values, strict=True)) for values in product(*lists.values()))


def zipped(varied: Mapping[str, Values]) -> Iterator[Settings]:
    """The first values of all keys, the second ones, and so on.

    Raises:
        ScenarioError: a key has no list of values, or lists are of different lengths.
    """
    lists = _lists(varied)
    if len({len(values) for values in lists.values()}) > 1:
        lengths = ", ".join(f"{key} has {len(values)}" for key, values in lists.items())
        raise ScenarioError(f"--zip: expected as many values of each key; {lengths}")
    return (dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True))


def sampled(varied: Mapping[str, Values], samples: int, seed: int) -> Iterator[Settings]:
    """So many different points at random, each value as likely as another; all there are, if they are not more.

    The first points of a larger sample are those of a smaller one.
    """
    if not any(isinstance(values, Continuous) for values in varied.values()):
        total = prod(len(values) for values in _lists(varied).values())
        samples = min(samples, total)
    stream = Stream(seed, "sweep")
    seen: set[str] = set()
    draw = 0
    while len(seen) < samples:
        point = {
            key: values.at(float(stream.uniform(place, draw))) for place, (key, values) in enumerate(varied.items())
        }
        draw += 1
        if (text := repr(point)) not in seen:
            seen.add(text)
            yield point


def _lists(varied: Mapping[str, Values]) -> dict[str, tuple[Any, ...]]:
    lists = {}
    for key, values in varied.items():
        if not isinstance(values, Listed):
            raise ScenarioError(
                f"{key}: all numbers of a range can only be sampled; say how many of them, or --samples"
            )
        lists[key] = values.values
    return lists
