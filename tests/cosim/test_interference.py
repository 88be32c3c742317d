"""What cells hear of each other."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from channel_models.fading import NoFading
from channel_models.links import RadioLinks
from cosim.access.base import Access
from cosim.access.equal_share import EqualShare
from cosim.access.max_rate import MaxRate
from cosim.access.round_robin import RoundRobin
from cosim.access.tdma import Tdma
from cosim.cells.air import Air
from cosim.cells.shared import SharedCell
from cosim.clock import Clock
from cosim.interference import ActiveInterference, ConstantInterference, Ether, NoInterference

SECOND = 1_000_000_000
BANDWIDTH_HZ = 1e6
NOISE_W = 1.380649e-23 * 290.0 * BANDWIDTH_HZ
USER_W, EDGE_W = 0.2, 10.0
OWN, CROSS = 1e-11, 1e-13  # users 0 and 2 are near edge 0, users 1 and 3 near edge 1
MEANS = [np.array([OWN, CROSS, OWN, CROSS]), np.array([CROSS, OWN, CROSS, OWN])]
NOBODY = np.empty(0, dtype=np.int64)


def two_cells(direction: Any, access: Callable[[], Access] = EqualShare) -> tuple[Clock, list[SharedCell]]:
    clock, uplink = Clock(), direction == "uplink"
    power_w = np.full(4, USER_W) if uplink else np.full(2, EDGE_W)
    ether = Ether(direction=direction, power_w=power_w, gain=lambda edge, links: MEANS[edge][links], edges=2)
    cells = []
    for edge, means in enumerate(MEANS):
        links = RadioLinks(
            mean_gain=means,
            transmit_power_w=np.full(4, USER_W if uplink else EDGE_W),
            noise_figure_db=0.0,
            fading=NoFading(block_ns=SECOND),
        )
        air = Air(links=links, bandwidth_hz=BANDWIDTH_HZ, splits_power=not uplink)
        heard = ActiveInterference(ether=ether, edge=edge)
        cells.append(SharedCell(clock=clock, air=air, access=access(), interference=heard))
    return clock, cells


def rate_bps(power_w: float, *heard_w: float) -> float:
    """Of an own link over the whole band under these interferers, by hand."""
    return float(BANDWIDTH_HZ * np.log2(1 + power_w * OWN / (NOISE_W + sum(heard_w))))


def test_a_noise_rise_is_a_power_relative_to_the_noise() -> None:
    assert ConstantInterference(noise_w=2e-14, noise_rise_db=3.0).received_w(NOBODY) == pytest.approx(
        2e-14 * (10**0.3 - 1)
    )
    assert ConstantInterference(noise_w=2e-14, power_w=1e-12).received_w(NOBODY) == 1e-12
    assert NoInterference().received_w(NOBODY) == 0


@pytest.mark.parametrize(
    "given", [{}, {"power_w": 1.0, "noise_rise_db": 1.0}, {"power_w": -1.0}, {"noise_rise_db": np.inf}]
)
def test_neither_both_nor_less_than_nothing_is_an_error(given: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="give either power_w or noise_rise_db"):
        ConstantInterference(noise_w=1.0, **given)


@pytest.mark.parametrize(("access", "noise_rise_db"), [(EqualShare, 3.0), (RoundRobin, 3.0), (MaxRate, 0.0)])
def test_constant_interference_is_noise_on_the_part_of_the_band_one_has(
    make_cell: Any, access: Callable[[], Access], noise_rise_db: float
) -> None:
    """Twice the noise and half of it with a power rise of 3 dB: two users, each with half of the cell."""
    links = RadioLinks(
        mean_gain=np.full(2, OWN),
        transmit_power_w=np.full(2, EDGE_W),
        noise_figure_db=0.0,
        fading=NoFading(block_ns=SECOND),
    )
    heard = ConstantInterference(noise_w=NOISE_W, noise_rise_db=noise_rise_db)
    clock, cell = make_cell(
        links=links, access=access(), splits_power=True, bandwidth_hz=BANDWIDTH_HZ, interference=heard
    )
    done = [cell.begin(link, 500_000).done for link in range(2)]
    clock.env.run()
    expected_s = 8e6 / rate_bps(EDGE_W, NOISE_W * (10 ** (noise_rise_db / 10) - 1))
    assert all(event.triggered for event in done)
    assert clock.now_s == pytest.approx(expected_s, rel=1e-8)


def test_without_anybody_there_nothing_is_heard() -> None:
    clock, (cell, _) = two_cells("uplink")
    cell.begin(0, 10**6)
    clock.env.run()
    assert clock.now_s == pytest.approx(8e6 / rate_bps(USER_W), rel=1e-8)


@pytest.mark.parametrize(("direction", "power_w"), [("uplink", USER_W), ("downlink", EDGE_W)])
def test_a_neighbour_who_comes_and_goes_slows_the_transfer_meanwhile(direction: str, power_w: float) -> None:
    """One second alone, one under interference, the rest alone."""
    clock, (cell, neighbour) = two_cells(direction)
    transfer = cell.begin(0, 10**7)
    disturbing: list[Any] = []
    clock.at(SECOND, lambda: disturbing.append(neighbour.begin(1, 10**9)))
    clock.at(2 * SECOND, lambda: neighbour.stop(disturbing[0]))
    clock.run(transfer.done)
    alone_bps, disturbed_bps = rate_bps(power_w), rate_bps(power_w, power_w * CROSS)
    assert clock.now_s == pytest.approx(2 + (8e7 - alone_bps - disturbed_bps) / alone_bps, rel=1e-8)
    carried = disturbing[0].remaining_bits
    assert carried == pytest.approx(8e9 - disturbed_bps, rel=1e-8)  # it was disturbed as well


@pytest.mark.parametrize(
    ("access", "on_air"),
    [(EqualShare, USER_W * 2), (RoundRobin, USER_W), (MaxRate, USER_W), (Tdma, USER_W)],
)
def test_two_users_of_the_other_cell_are_heard_as_its_access_lets_them_send(
    access: Callable[[], Access], on_air: float
) -> None:
    clock, (cell, neighbour) = two_cells("uplink", access)
    transfer = cell.begin(0, 10**6)
    for link in (1, 3):
        neighbour.begin(link, 10**9)
    clock.run(transfer.done)
    assert clock.now_s == pytest.approx(8e6 / rate_bps(USER_W, on_air * CROSS), rel=1e-8)


def test_a_neighbours_change_costs_one_plan_and_none_where_nothing_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plans: list[SharedCell] = []
    original = SharedCell._look_ahead
    monkeypatch.setattr(SharedCell, "_look_ahead", lambda cell: (plans.append(cell), original(cell))[1])
    clock, (cell, neighbour) = two_cells("uplink")
    for link in (1, 3):
        neighbour.begin(link, 10**6)
    clock.run(clock.at(1))
    assert plans.count(cell) == 0
    assert plans.count(neighbour) == 1
    cell.begin(0, 10**6)
    clock.run(clock.at(2))
    assert (plans.count(cell), plans.count(neighbour)) == (1, 2)
