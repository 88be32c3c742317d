"""Builds the simulated world that a scenario describes. Every draw is keyed by (seed, purpose, entity, index)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from channel_models.availability import AlwaysOn
from channel_models.randomness import Stream
from cosim.bands import Bands
from cosim.cells.build import build_cells
from cosim.clock import Clock
from cosim.coverage import Coverage
from cosim.devices import Faster, SteadySpeed, TimeModel, read_population, read_profile
from cosim.faults.build import repeats, set_paces, users_may_stop
from cosim.handover import Handovers
from cosim.memory import Ledger
from cosim.network import Network, Wire
from cosim.nodes import Cloud, Edge, Node, Services, User
from cosim.presence import come_and_go, crash_and_restart
from cosim.processor import Processor
from cosim.radio import availability, handover_rule
from cosim.recorder import Happening, Recorder
from cosim.scenario.compute import Compute, FleetCompute
from cosim.scenario.models import Fleet, Scenario
from cosim.scenario.payloads import Payloads

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    import simpy
    from numpy.typing import NDArray

    from cosim.cell import Cell
    from cosim.scenario.parts import AvailabilityPart
    from training.runtime import Runtime


@dataclass(frozen=True, kw_only=True)
class World:
    """All that exists in one run."""

    seed: int
    clock: Clock
    recorder: Recorder
    ledger: Ledger
    users: list[User]
    edges: list[Edge]
    cloud: Node
    network: Network
    coverage: Coverage
    bands: Bands
    payloads: Payloads
    batch_size: int
    dropout: bool
    users_may_stop: bool
    on_crash: list[Callable[[Edge], None]]
    """Whoever wants to know that an edge server has crashed."""

    @property
    def nodes(self) -> list[Node]:
        """Everybody who computes."""
        return [*self.users, *self.edges, self.cloud]

    @property
    def limited(self) -> bool:
        """Whether any node's memory has a limit."""
        return any(node.memory_bytes is not None for node in self.nodes)

    def may_serve(self, user: User) -> list[Edge]:
        """The edge servers that reach the user now, or may come to do so."""
        return self.edges if user.link.may_change else [user.link.serving]

    def batch_rows(self, user: User, index: int) -> tuple[int, ...]:
        """The rows of the user's ``index``-th mini-batch: a function of seed, user, index and what the user holds."""
        from training.batches import batch_rows  # noqa: PLC0415 - training comes with it

        return batch_rows(user.rows, self.batch_size, index, self._batch_seeds[user.index])

    def batches_an_epoch(self, user: User) -> int:
        """How many mini-batches go once through what the user holds."""
        from training.batches import batches_an_epoch  # noqa: PLC0415 - training comes with it

        return batches_an_epoch(user.samples, self.batch_size)

    @cached_property
    def _batch_seeds(self) -> list[int]:
        stream = Stream(self.seed, "batches")
        return [stream.seed_of(user.index, 0) for user in self.users]

    def mask_draw(self, user: User, index: int) -> int:
        """The seed of the dropout masks of that mini-batch; 0 without dropout, where equal rows are equal work."""
        return Stream(self.seed, "dropout").seed_of(user.index, index) if self.dropout else 0


def build_world(scenario: Scenario, runtime: Runtime, rows: Sequence[NDArray[np.int64]]) -> World:
    """Users (holding ``rows``), edge servers, cloud, cells and wires of ``scenario``."""
    clock = Clock()
    recorder = Recorder(clock)
    ledger = Ledger()
    services = Services(clock=clock, recorder=recorder, ledger=ledger, runtime=runtime)
    (processor,) = _processors(scenario.cloud.compute, [1.0])
    cloud = Cloud(name="cloud", processor=processor, services=services, memory_bytes=scenario.cloud.memory)
    memories = _memories(scenario.seed, "edge", scenario.edges)
    edges = [
        Edge(name=f"edge{i}", index=i, processor=processor, services=services, memory_bytes=memories[i])
        for i, processor in enumerate(_fleet(scenario.seed, "edge", scenario.edges.count, scenario.edges.compute))
    ]
    ranks = scenario.users.ranks or (None,)
    memories = _memories(scenario.seed, "user", scenario.users)
    coverage = Coverage(scenario)
    nearest = coverage.nearest.tolist()
    users = [
        User(
            name=f"user{i}",
            index=i,
            edge=edges[nearest[i]],
            rows=rows[i],
            rank=ranks[i % len(ranks)],
            processor=processor,
            services=services,
            memory_bytes=memories[i],
        )
        for i, processor in enumerate(_fleet(scenario.seed, "user", scenario.users.count, scenario.users.compute))
    ]
    network = _network(scenario, coverage, clock, recorder, cloud)
    on_crash: list[Callable[[Edge], None]] = []

    def crashed(edge: Edge) -> None:
        for tell in on_crash:
            tell(edge)

    for story in _happenings(scenario, coverage, users, edges, crashed):
        clock.process(story)
    set_paces(scenario, users, cloud)
    return World(
        seed=scenario.seed,
        clock=clock,
        recorder=recorder,
        ledger=ledger,
        users=users,
        edges=edges,
        cloud=cloud,
        network=network,
        coverage=coverage,
        bands=Bands(scenario, clock, coverage, network, users),
        payloads=scenario.payloads,
        batch_size=scenario.data.batch_size,
        dropout=scenario.model.lora.dropout > 0,
        users_may_stop=users_may_stop(scenario.faults),
        on_crash=on_crash,
    )


def _fleet(seed: int, role: str, count: int, compute: FleetCompute) -> list[Processor]:
    """Processors whose speeds are drawn from the file of devices or within the spread, one draw for each."""
    if compute.capacities is not None:
        factors = read_population(compute.capacities).draw(_capacity(seed, role), count)
    else:
        factors = 1 + compute.spread * (2 * Stream(seed, f"{role} speed").uniform(np.arange(count), 0) - 1)
    return _processors(compute, factors.tolist())


def _memories(seed: int, role: str, fleet: Fleet) -> list[float] | list[None]:
    """Bytes of memory of each node: the device's in the file, else those that are dealt in turn, else no limit."""
    count, capacities = fleet.count, fleet.compute.capacities
    if fleet.memory:
        return [fleet.memory[i % len(fleet.memory)] for i in range(count)]
    given = None if capacities is None else read_population(capacities).memories(_capacity(seed, role), count)
    return given or [None] * count


def _capacity(seed: int, role: str) -> Stream:
    """What says which row of a file of devices each node is."""
    return Stream(seed, f"{role} capacity")


def _processors(compute: Compute, factors: Sequence[float]) -> list[Processor]:
    """Processors that are ``factors`` times as fast as ``compute`` says; kappa f^2 a cycle is kappa f^3 watts."""
    time, frequency_hz = _time_model(compute), compute.frequency or 0.0
    return [
        Processor(
            time=Faster(than=time, factor=factor),
            power_w=compute.power + compute.kappa * (frequency_hz * factor) ** 3,
            jobs=compute.jobs,
        )
        for factor in factors
    ]


def _time_model(compute: Compute) -> TimeModel:
    if compute.speed is not None:
        return SteadySpeed(flops_per_s=compute.speed * compute.utilisation)
    assert compute.profile is not None  # as Compute has checked
    return Faster(than=read_profile(compute.profile), factor=compute.factor)


def _network(scenario: Scenario, coverage: Coverage, clock: Clock, recorder: Recorder, cloud: Node) -> Network:
    def wires() -> list[Wire]:
        backhaul, edges = scenario.backhaul, scenario.edges.count
        own = [Wire(rate_bps=backhaul.rate, latency_s=backhaul.latency) for _ in range(edges)]
        return own if backhaul.sharing == "dedicated" else own[:1] * edges

    return Network(
        clock=clock,
        recorder=recorder,
        cloud=cloud,
        uplinks=build_cells(scenario, clock, coverage, "uplink"),
        federated_uplinks=_federated_uplinks(scenario, clock, coverage),
        downlinks=build_cells(scenario, clock, coverage, "downlink"),
        to_cloud=wires(),
        from_cloud=wires(),
        resumes=scenario.radio.interrupted == "resumes",
        repeats=repeats(scenario),
    )


def _federated_uplinks(scenario: Scenario, clock: Clock, coverage: Coverage) -> list[Cell] | None:
    """The same cells in another band, if the federated server has one."""
    band_hz = scenario.radio.federated_bandwidth
    return None if band_hz is None else build_cells(scenario, clock, coverage, "uplink", band_hz)


def _happenings(
    scenario: Scenario,
    coverage: Coverage,
    users: Sequence[User],
    edges: Sequence[Edge],
    crashed: Callable[[Edge], None],
) -> list[Generator[simpy.Event, object, None]]:
    """The stories of what befalls the users' links, whatever the scheme does; none where nothing can."""
    radio, rule = scenario.radio, handover_rule(scenario.radio)
    kinds: dict[Happening, AvailabilityPart] = {
        "absence": scenario.users.availability,
        "outage": radio.outages,
        "dropout": scenario.faults.dropouts,
    }
    found = []
    if coverage.in_one_plane and coverage.tracks is not None and coverage.edges > 1:
        found.append(Handovers(coverage, rule, radio.handover.interruption, users, edges).story())
    for kind, part in kinds.items():
        model = availability(part, scenario.seed, kind)
        if not isinstance(model, AlwaysOn):
            found += [come_and_go(user, model, kind) for user in users]
    running = availability(scenario.faults.edge_crashes, scenario.seed, "crash")
    if not isinstance(running, AlwaysOn):
        found += [crash_and_restart(edge, users, running, crashed) for edge in edges]
    for user in users:
        user.link.may_change = bool(found)
    return found
