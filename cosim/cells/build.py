"""The cells of a scenario: for each the leanest way of carrying transfers that is exact under its circumstances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from channel_models.fading import NoFading
from channel_models.noise import noise_w
from channel_models.randomness import Stream
from channel_models.trace import TraceReplay
from cosim.access.dedicated import Dedicated
from cosim.access.equal_share import EqualShare
from cosim.access.round_robin import RoundRobin
from cosim.cells.air import Air
from cosim.cells.instant import InstantCell
from cosim.cells.lanes import LaneCell
from cosim.cells.own_band_cell import OwnBandCell
from cosim.cells.shared import SharedCell
from cosim.cells.virtual_time import VirtualTimeCell
from cosim.clock import to_ns
from cosim.interference import ActiveInterference, Ether
from cosim.radio import sites_m
from cosim.recordings import read_traces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from channel_models.links import RadioLinks
    from cosim.access.base import Access
    from cosim.cell import Cell
    from cosim.clock import Clock
    from cosim.coverage import Coverage
    from cosim.interference import Interference
    from cosim.radio import Direction
    from cosim.scenario.models import Scenario
    from cosim.scenario.radio import Radio, RateTrace


def build_cells(
    scenario: Scenario,
    clock: Clock,
    coverage: Coverage,
    direction: Direction,
    bandwidth_hz: float | None = None,
    policies: Sequence[Access] | None = None,
) -> list[Cell]:
    """One direction of the cells of all edge servers: the scenario's band and access, unless others are given.

    Raises:
        ValueError: a part that cannot be made, or recordings that cannot be read.
    """
    if direction == "downlink" and scenario.radio.downlink == "neglected":
        return [InstantCell(clock=clock)] * coverage.edges
    links = coverage.links(direction)
    trace = trace_of(scenario.radio, direction)
    if trace is not None:
        return _recorded(scenario, clock, coverage, direction, links, trace)
    ether = _ether(clock, coverage, direction, links)
    cells = []
    for edge, its_links in enumerate(links):
        air = air_of(scenario.radio, its_links, direction, bandwidth_hz)
        if policies is None:
            access = access_of(scenario, direction, np.flatnonzero(coverage.nearest == edge))
        else:
            access = policies[edge]
        noise = float(noise_w(air.bandwidth_hz, its_links.noise_figure_db))
        interference = interference_of(scenario, noise, ether, edge)
        settled = not (coverage.in_one_plane and coverage.tracks)
        cells.append(cell_of(clock, air, access, interference, settled=settled))
    return cells


def cell_of(clock: Clock, air: Air, access: Access, interference: Interference, *, settled: bool) -> Cell:
    """A cell in which transfers end as they do in a ``SharedCell``, but for rounding; ``settled`` if users stay in it.

    Under interference that changes, every change concerns all. Else users with bands of their own do not depend on each
    other, and an equal share of a constant rate is known in virtual time.
    """
    if not isinstance(interference, ActiveInterference):
        received_w = interference.received_w(np.empty(0, dtype=np.int64))
        if isinstance(access, Dedicated) and settled and isinstance(received_w, float):
            return OwnBandCell(clock=clock, air=air, access=access, interference_w=received_w)
        alike = isinstance(access, RoundRobin) or (isinstance(access, EqualShare) and air.splits_power)
        if alike and isinstance(air.links.fading, NoFading):
            return VirtualTimeCell(clock=clock, air=air, interference_w=received_w)
    return SharedCell(clock=clock, air=air, access=access, interference=interference)


def access_of(scenario: Scenario, direction: Direction, attached: NDArray[np.int64]) -> Access:
    """The access policy of one direction of one cell, with these users ``attached`` to it at first.

    Raises:
        ValueError: one that cannot be made.
    """
    radio = scenario.radio
    part = (radio.uplink_access if direction == "uplink" else radio.downlink_access) or radio.access
    model: Access = part.build(users=scenario.users.count, attached=attached, block_ns=to_ns(radio.coherence_time))
    return model


def air_of(radio: Radio, links: RadioLinks, direction: Direction, bandwidth_hz: float | None = None) -> Air:
    """What the direction has of band, power and time; the band is the scenario's unless another is given."""
    uplink = direction == "uplink"
    time_share = 1.0
    if radio.uplink_time is not None:
        time_share = radio.uplink_time if uplink else 1.0 - radio.uplink_time
    band_hz = bandwidth_hz or radio.bandwidth
    return Air(links=links, bandwidth_hz=band_hz, splits_power=not uplink, time_share=time_share)


def trace_of(radio: Radio, direction: Direction) -> RateTrace | None:
    """The recordings that stand in for one direction, if any do."""
    return radio.uplink_trace if direction == "uplink" else radio.downlink_trace


def interference_of(scenario: Scenario, noise: float, ether: Ether, edge: int) -> Interference:
    """What one direction of one cell hears of the others, beside so much noise in watts.

    Raises:
        ValueError: a model that cannot be made.
    """
    model: Interference = scenario.radio.interference.build(noise_w=noise, ether=ether, edge=edge)
    if isinstance(model, ActiveInterference) and sites_m(scenario.radio, scenario.edges.count) is None:
        raise ValueError("no cell hears another in the layout 'separate'; give radio.layout line, hexagonal or places")
    return model


def _ether(clock: Clock, coverage: Coverage, direction: Direction, links: list[RadioLinks]) -> Ether:
    def gain(edge: int, users: NDArray[np.int64]) -> NDArray[np.float64]:
        if coverage.tracks is None:
            gains: NDArray[np.float64] = coverage.start_gain[edge][users]
            return gains
        return coverage.reaches[edge].mean_gain(users, np.array([clock.now_ns]))[:, 0]

    if direction == "uplink":
        power_w = links[0].transmit_power_w
    else:
        power_w = np.array([its.transmit_power_w[0] for its in links])
    return Ether(direction=direction, power_w=power_w, gain=gain, edges=coverage.edges)


def _recorded(
    scenario: Scenario,
    clock: Clock,
    coverage: Coverage,
    direction: Direction,
    links: list[RadioLinks],
    trace: RateTrace,
) -> list[Cell]:
    """Cells in which each user has its recording, and on the downlink an equal part of the edge server's power."""
    lanes = TraceReplay(traces=read_traces(trace), stream=Stream(scenario.seed, f"{direction} trace"))
    cells: list[Cell] = []
    for edge, its_links in enumerate(links):
        parts = 1 if direction == "uplink" else max(1, int(np.count_nonzero(coverage.nearest == edge)))
        cells.append(LaneCell(clock=clock, lanes=lanes, on_air_w=its_links.transmit_power_w / parts))
    return cells
