"""Users whom no message can ever reach, found before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from channel_models.fading import NoFading
from cosim.access.dedicated import Dedicated
from cosim.cells.air import Air, uplink_power

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cosim.access.base import Access
    from cosim.radio import Direction


def require_reach(air: Air, access: Access, attached: NDArray[np.int64], direction: Direction) -> None:
    """Refuse a channel that never changes and carries nothing, however little of the band a user of it has.

    On the uplink a narrower part has the better signal; the narrowest is that of all who are ``attached``.

    Raises:
        ValueError: the rate of any of these users is zero for ever.
    """
    if not isinstance(air.links.fading, NoFading) or not len(attached):
        return
    silent = attached[_best_bps(air, access, attached) <= 0.0]
    if len(silent):
        more = f" and {len(silent) - 1} more" if len(silent) > 1 else ""
        raise ValueError(
            f"radio: the {direction} of user {silent[0]}{more} carries nothing, and never will: the channel does not "
            "change; raise power, or lower cell_radius or shadowing"
        )


def _best_bps(air: Air, access: Access, attached: NDArray[np.int64]) -> NDArray[np.float64]:
    """The highest rate (n,) that each of ``attached`` (n,) can have, whoever else is active."""
    if isinstance(access, Dedicated):
        return _in_part_bps(air, access, attached, access.part(attached))
    whole: NDArray[np.float64] = air.alone_bps(attached, 0.0, 0, 1)[:, 0]
    if access.divides == "time":
        return whole
    return np.maximum(whole, _in_part_bps(air, access, attached, np.full(len(attached), 1.0 / len(attached))))


def _in_part_bps(air: Air, access: Access, links: NDArray[np.int64], parts: NDArray[np.float64]) -> NDArray[np.float64]:
    rates, _ = air.in_part(links, parts[:, None], 0.0, 0, 1, uplink_power(access, links))
    return rates[:, 0]
