"""Makes what a scenario's faults say."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

from channel_models.availability import AlwaysOn
from cosim.faults.pace import Pace
from cosim.faults.repeats import Repeats
from cosim.radio import availability

if TYPE_CHECKING:
    from cosim.nodes import Node, User
    from cosim.scenario.faults import Faults
    from cosim.scenario.models import Scenario
    from cosim.scenario.parts import AvailabilityPart


def repeats(scenario: Scenario) -> Repeats | None:
    """What comes of transmissions by radio; None where all arrive."""
    faults = scenario.faults
    if faults.losses is None and faults.corruption is None:
        return None
    return Repeats(seed=scenario.seed, losses=faults.losses, corruption=faults.corruption)


def set_paces(scenario: Scenario, users: Sequence[User], cloud: Node) -> None:
    """Users that are slower for a while, and a cloud that pauses."""
    faults = scenario.faults
    if faults.stragglers is not None:
        _set(users, faults.stragglers.steady, scenario.seed, "stragglers", faults.stragglers.factor)
    _set([cloud], faults.cloud_pauses, scenario.seed, "cloud pauses", inf)


def _set(nodes: Sequence[Node], part: AvailabilityPart, seed: int, purpose: str, factor: float) -> None:
    steady = availability(part, seed, purpose)
    if not isinstance(steady, AlwaysOn):
        for who, node in enumerate(nodes):
            node.processor.pace = Pace(node=node.name, who=who, steady=steady, factor=factor)


def users_may_stop(faults: Faults) -> bool:
    """Whether anything can end what a user does in a round before it is done."""
    gives_up = faults.losses is not None and faults.losses.attempts is not None
    return gives_up or any(part.name != "always" for part in (faults.dropouts, faults.edge_crashes))
