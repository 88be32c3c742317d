"""When do numbers not depend on the cut? The rule that lets the parts of a model learn as one.

A cut changes no number as long as every part takes the same steps from the same state: payloads are exact tensors, a
step updates all parts from one forward or none, the optimiser works element by element, and all parts are averaged
with the same participants and weights at the same time. Then the adapters of the parts are slices of one adapter of
the whole model throughout, and a step is one pass over it. The rule is checked on the graph of tasks itself: as soon
as something stands between a forward and its backward, or two parts go different ways, their states are no longer
slices of one result, and the phases run part by part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from training.adapters import Part
from training.jobs import Intern, Operation, Value, Whole

if TYPE_CHECKING:
    from training.lab import Lab


def joined(lab: Lab, adapters: Sequence[Value]) -> Value | None:
    """The one adapter of which ``adapters`` are, in their order, all the slices; None if there is none."""
    first = adapters[0]
    if len(adapters) == 1:
        return first if first.part in (None, lab.whole) else None
    edge = 0
    for value in adapters:
        if value.result.key != first.result.key or value.part is None or value.part.first != edge:
            return None
        edge = value.part.last
    return Value(first.result) if edge == lab.whole.last else None


@lru_cache
def over(part: Part, operation: Operation) -> Operation:
    """``operation`` on another part; one object for the thousands of users who wait for the same."""
    return replace(operation, part=part)  # type: ignore[type-var]  # of those that have one


def element_wise(operation: Operation, values: Sequence[Value], intern: Intern) -> Whole | None:
    """An operation that treats every number of an adapter alike does to slices what it does to the whole."""
    part = values[0].part
    if part is None or any(value.part != part for value in values):
        return None
    return Whole(intern(operation, [Value(value.result) for value in values]), part)
