"""A channel that will never carry anything is found before anything is sent, or as soon as it is clear."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from channel_models.transfer import TransferNeverFinishes
from cosim.cells.build import build_cells
from cosim.cells.out_of_reach import require_reach
from cosim.clock import Clock
from cosim.coverage import Coverage
from cosim.scenario.entries import entries
from cosim.scenario.models import Scenario
from tests.cosim.sweep.conftest import small

Cosim = Callable[..., tuple[int, str, str]]

__all__ = ["small"]

FAR = {"cell_radius": "12 km", "shadowing": "0 dB", "rate": "cqi", "fading": "none"}
"""Users at kilometres, with less than the -6.7 dB that the lowest CQI needs, in all of the band or a part of it."""


def scenario(users: int = 2, **radio: Any) -> Scenario:
    tree = {"name": "far", "scheme": {"name": "federated"}, "users": {"count": users}, "edges": {"count": 1}}
    return Scenario.model_validate({**tree, "radio": {**FAR, **radio}})


def checked(users: int = 2, **radio: Any) -> None:
    there = scenario(users, **radio)
    require_reach(there, Coverage(there))


@pytest.mark.parametrize("access", ["dedicated", "equal_share", "round_robin", "tdma", "max_rate", "proportional_fair"])
def test_a_channel_without_fading_below_the_lowest_rate_is_refused_in_one_line(access: str) -> None:
    with pytest.raises(
        TransferNeverFinishes, match=r"the uplink of user 0 and 1 more carries nothing, and never will"
    ) as told:
        checked(access=access)
    assert "\n" not in str(told.value)


def test_what_is_possible_in_a_narrow_part_of_the_band_is_not_refused() -> None:
    """A part of a hundredth has 20 dB more: users who are too far for the whole band share it."""
    with pytest.raises(TransferNeverFinishes, match="carries nothing"):
        checked(users=100, access="tdma", cell_radius="2 km", downlink="neglected")
    checked(users=100, access="dedicated", cell_radius="2 km", downlink="neglected")


@pytest.mark.parametrize(
    "radio",
    [
        {"rate": "shannon"},
        {"fading": "rayleigh"},
        {"mobility": {"name": "random_waypoint", "least_speed": "1 m/s", "greatest_speed": "2 m/s"}},
    ],
    ids=["a rate without end", "fading", "users who move"],
)
def test_channels_that_may_carry_something_yet_are_not_refused(radio: dict[str, Any]) -> None:
    checked(**radio)


def test_a_fading_channel_that_carries_next_to_nothing_is_given_up_after_a_million_blocks() -> None:
    there = scenario(access="dedicated", cell_radius="16 km", fading="rayleigh")
    (cell,) = build_cells(there, Clock(), Coverage(there), "uplink")
    with pytest.raises(TransferNeverFinishes, match=r"user 0 has at best [\d.e-]+ bit/s, at which 1000000000 bytes"):
        cell.begin(0, 10**9)


FAR_AWAY = [each for key, value in FAR.items() for each in ("--set", f"radio.{key}={value}")]


def test_a_run_ends_before_it_begins_where_each_user_must_send(cosim: Cosim, small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    status, _, wrong = cosim("run", str(small), *FAR_AWAY, "--quiet", "--out", str(out))
    assert status == 2
    assert wrong.startswith("small: radio: the uplink of user 0 and 1 more carries nothing, and never will")
    assert not list(out.iterdir())


def test_who_sends_nothing_is_not_refused(cosim: Cosim, small: Path, tmp_path: Path) -> None:
    call = ("run", str(small), *FAR_AWAY, "--set", "scheme={name: centralised, rounds: 1}", "--quiet")
    assert cosim(*call, "--set", "execution=analytic", "--out", str(tmp_path / "out"))[0] == 0


@pytest.mark.parametrize(
    ("options", "sure"),
    [
        ({"name": "federated"}, True),
        ({"name": "cellm"}, True),
        ({"name": "federated", "clients": 1}, False),
        ({"name": "federated", "allocation": "equal"}, False),
        ({"name": "cellm", "clients": 1}, False),
        ({"name": "fedsllm"}, False),
        ({"name": "splitllm"}, False),
    ],
)
def test_only_where_each_user_is_sure_to_send_in_the_band_as_it_is_divided_is_this_asked(
    options: dict[str, Any], sure: bool
) -> None:
    tree = {"name": "far", "users": {"count": 2}, "edges": {"count": 1}, "scheme": options}
    assert entries(Scenario.model_validate(tree))[0].options.uses_every_link is sure
