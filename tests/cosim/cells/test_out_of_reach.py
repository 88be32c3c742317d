"""A channel that will never carry anything is found before anything is sent, or as soon as it is clear."""

from typing import Any

import numpy as np
import pytest

from channel_models.transfer import TransferNeverFinishes
from cosim.cells.build import build_cells
from cosim.clock import Clock
from cosim.coverage import Coverage
from cosim.scenario.models import Scenario

FAR = {"cell_radius": "12 km", "shadowing": "0 dB", "rate": "cqi"}
"""Users at kilometres, with less than the -6.7 dB that the lowest CQI needs, in all of the band or a part of it."""


def uplinks(users: int = 2, **radio: Any) -> list[Any]:
    tree = {"name": "far", "scheme": {"name": "federated"}, "users": {"count": users}, "edges": {"count": 1}}
    scenario = Scenario.model_validate({**tree, "radio": {**FAR, **radio}})
    return build_cells(scenario, Clock(), Coverage(scenario), "uplink")


@pytest.mark.parametrize("access", ["dedicated", "equal_share", "round_robin", "tdma", "max_rate", "proportional_fair"])
def test_a_channel_without_fading_below_the_lowest_rate_is_refused_in_one_line(access: str) -> None:
    with pytest.raises(
        ValueError, match=r"radio: the uplink of user 0 and 1 more carries nothing, and never will"
    ) as e:
        uplinks(access=access, fading="none")
    assert "\n" not in str(e.value)


def test_what_is_possible_in_a_narrow_part_of_the_band_is_not_refused() -> None:
    """A part of a hundredth has 20 dB more: users who are too far for the whole band share it."""
    with pytest.raises(ValueError, match="carries nothing"):
        uplinks(users=100, access="tdma", fading="none", cell_radius="2 km")
    (cell,) = uplinks(users=100, access="dedicated", fading="none", cell_radius="2 km")
    assert cell.begin(0, 1000).remaining_bits == 8000


def test_a_channel_whose_rate_has_no_end_is_not_refused() -> None:
    assert uplinks(rate="shannon", fading="none")


def test_a_fading_channel_that_carries_next_to_nothing_is_given_up_after_a_million_blocks() -> None:
    (cell,) = uplinks(access="dedicated", cell_radius="16 km")
    with pytest.raises(TransferNeverFinishes, match=r"user 0 has at best [\d.e-]+ bit/s, at which 1000000000 bytes"):
        cell.begin(0, 10**9)


def test_users_whose_places_change_are_not_refused() -> None:
    walking = {"name": "random_waypoint", "least_speed": "1 m/s", "greatest_speed": "2 m/s"}
    assert np.size(uplinks(fading="none", mobility=walking))
