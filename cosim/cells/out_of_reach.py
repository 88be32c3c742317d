"""Users whom no message can ever reach, found before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from channel_models.fading import NoFading
from channel_models.transfer import TransferNeverFinishes
from cosim.access.dedicated import Dedicated
from cosim.access.equal_share import EqualShare
from cosim.cells.air import Air, uplink_power
from cosim.cells.build import access_of, air_of, trace_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cosim.access.base import Access
    from cosim.coverage import Coverage
    from cosim.radio import Direction
    from cosim.scenario.models import Scenario


def require_reach(scenario: Scenario, coverage: Coverage) -> None:
    """Refuse channels that never change and carry nothing, whoever else is active.

    Of channels that do change, or that others divide, it is found when something is sent.

    Raises:
        TransferNeverFinishes: the rate of a user is zero for ever.
    """
    radio = scenario.radio
    directions: list[Direction] = ["uplink"] if radio.downlink == "neglected" else ["uplink", "downlink"]
    for direction in directions:
        if trace_of(radio, direction) is not None:
            continue
        for edge, links in enumerate(coverage.links(direction)):
            attached = np.flatnonzero(coverage.nearest == edge)
            if isinstance(links.fading, NoFading) and len(attached):
                access = access_of(scenario, direction, attached)
                _require(air_of(radio, links, direction), access, attached, direction)


def _require(air: Air, access: Access, attached: NDArray[np.int64], direction: Direction) -> None:
    silent = attached[_best_bps(air, access, attached) <= 0.0]
    if len(silent):
        more = f" and {len(silent) - 1} more" if len(silent) > 1 else ""
        raise TransferNeverFinishes(
            f"radio: the {direction} of user {silent[0]}{more} carries nothing, and never will: the channel does not "
            "change; raise power, or lower cell_radius or shadowing"
        )


def _best_bps(air: Air, access: Access, attached: NDArray[np.int64]) -> NDArray[np.float64]:
    """The highest rate (n,) that each of ``attached`` (n,) can have; on the uplink a narrower part has a better signal.

    The narrowest equal share is that of all of them. What a policy of the user's own may do nobody knows.
    """
    if isinstance(access, Dedicated):
        return _in_part_bps(air, access, attached, access.part(attached))
    whole: NDArray[np.float64] = air.alone_bps(attached, 0.0, 0, 1)[:, 0]
    if access.divides == "time":
        return whole
    if not isinstance(access, EqualShare):
        return np.full(len(attached), np.inf)
    return np.maximum(whole, _in_part_bps(air, access, attached, np.full(len(attached), 1.0 / len(attached))))


def _in_part_bps(air: Air, access: Access, links: NDArray[np.int64], parts: NDArray[np.float64]) -> NDArray[np.float64]:
    rates, _ = air.in_part(links, parts[:, None], 0.0, 0, 1, uplink_power(access, links))
    return rates[:, 0]
