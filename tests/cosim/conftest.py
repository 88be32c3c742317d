"""A world in small: real clock, recorder, cells and wires; jobs that cost what a test says and compute nothing."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from channel_models.fading import NoFading
from channel_models.links import RadioLinks
from cosim.__main__ import main
from cosim.access.base import Access
from cosim.access.equal_share import EqualShare
from cosim.cells.air import Air
from cosim.cells.shared import SharedCell
from cosim.clock import Clock
from cosim.devices import SteadySpeed
from cosim.interference import Interference, NoInterference
from cosim.memory import Ledger
from cosim.network import Network, Wire
from cosim.nodes import Cloud, Edge, Services, User
from cosim.processor import Processor
from cosim.recorder import Recorder
from training.jobs import Cost, Job, Operation, Output, Ref
from training.runtime import AnalyticRuntime

FLOPS_PER_S = 1_000_000_000  # of every node: a FLOP takes a nanosecond
BANDWIDTH_HZ = 1e6
SNR = 255.0  # log2(1 + 255) = 8 bit/s/Hz, so that a user alone has 8 Mbit/s, a byte a microsecond
NOISE_FIGURE_DB = 7.0
THERMAL_NOISE_W_PER_HZ = 1.380649e-23 * 290.0
USER_W, EDGE_W = 0.2, 10.0
BLOCK_NS = 20_000_000
WIRE_BPS = 80e6  # ten bytes a microsecond
WIRE_LATENCY_S = 0.005


@dataclass(frozen=True, kw_only=True)
class Made(Operation):
    """An operation whose cost and results are given."""

    price: Cost
    results: Mapping[str, Output]

    def outputs(self, lab: Any, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        return self.results

    def cost(self, lab: Any, inputs: Sequence[Ref]) -> Cost:
        return self.price

    def run(self, lab: Any, values: Sequence[Any]) -> Mapping[str, Any]:
        raise NotImplementedError


class TinyWorld:
    """Three users: 0 and 2 under edge server 0, 1 under edge server 1; a FLOP a ns, a byte a us on the radio alone."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.recorder = Recorder(self.clock)
        self.runtime = AnalyticRuntime(lab=None)  # type: ignore[arg-type]
        services = Services(clock=self.clock, recorder=self.recorder, ledger=Ledger(), runtime=self.runtime)

        def place(kind: type[Any], name: str, **own: Any) -> Any:
            processor = Processor(time=SteadySpeed(flops_per_s=FLOPS_PER_S), power_w=3.0)
            return kind(name=name, processor=processor, services=services, **own)

        self.cloud: Cloud = place(Cloud, "cloud")
        self.edges: list[Edge] = [place(Edge, f"edge{i}", index=i) for i in range(2)]
        self.users: list[User] = [
            place(User, f"user{i}", index=i, edge=self.edges[i % 2], rows=np.arange(4)) for i in range(3)
        ]
        self.network = Network(
            clock=self.clock,
            recorder=self.recorder,
            cloud=self.cloud,
            uplinks=[self._cell(USER_W, splits_power=False) for _ in self.edges],
            downlinks=[self._cell(EDGE_W, splits_power=True) for _ in self.edges],
            to_cloud=[Wire(rate_bps=WIRE_BPS, latency_s=WIRE_LATENCY_S) for _ in self.edges],
            from_cloud=[Wire(rate_bps=WIRE_BPS, latency_s=WIRE_LATENCY_S) for _ in self.edges],
        )

    @property
    def nodes(self) -> list[Any]:
        return [*self.users, *self.edges, self.cloud]

    def job(self, *inputs: Ref, lineage: str = "", outputs: Mapping[str, Output] | None = None, **cost: Any) -> Job:
        """A job with this cost."""
        return self.runtime.submit(Made(price=Cost(**cost), results=outputs or {}), *inputs, lineage=lineage)

    def payload(self, nbytes: int, kind: Any = "activation") -> Ref:
        """Something to send."""
        return self.job(outputs={"it": Output(nbytes=nbytes, kind=kind)})["it"]

    def run(self, *stories: Any) -> None:
        """Let the stories happen at once, and all that follows from them."""
        for story in stories:
            self.clock.process(story)
        self.clock.env.run()

    def lines(self) -> list[str]:
        """The record as text: start and end in microseconds, node, act and kind or reason, bytes."""
        return [
            f"{a.start_ns / 1000:g}..{a.end_ns / 1000:g} {a.node} {a.act} {a.reason or a.kind} {a.bytes}"
            for a in self.recorder.activities
        ]

    def _cell(self, power_w: float, *, splits_power: bool) -> SharedCell:
        links = flat_links(users=3, power_w=power_w)
        air = Air(links=links, bandwidth_hz=BANDWIDTH_HZ, splits_power=splits_power)
        return SharedCell(clock=self.clock, air=air, access=EqualShare(), interference=NoInterference())


def flat_links(users: int, power_w: float, block_ns: int = BLOCK_NS) -> RadioLinks:
    """Links without fading whose gain makes the SNR what it is on the whole band."""
    noise_w = THERMAL_NOISE_W_PER_HZ * BANDWIDTH_HZ * 10 ** (NOISE_FIGURE_DB / 10)
    return RadioLinks(
        mean_gain=np.full(users, SNR * noise_w / power_w),
        transmit_power_w=np.full(users, power_w),
        noise_figure_db=NOISE_FIGURE_DB,
        fading=NoFading(block_ns=block_ns),
    )


@pytest.fixture
def tiny() -> TinyWorld:
    """A world of its own for the test."""
    return TinyWorld()


@pytest.fixture(scope="session")
def make_tiny() -> Callable[[], TinyWorld]:
    """Several worlds."""
    return TinyWorld


@pytest.fixture(scope="session")
def make_cell() -> Callable[..., tuple[Clock, SharedCell]]:
    """A cell on a clock of its own, of links that give 8 Mbit/s to a user alone, or of the given ones."""

    def make(
        *,
        splits_power: bool,
        power_w: float = USER_W,
        block_ns: int = BLOCK_NS,
        links: RadioLinks | None = None,
        access: Access | None = None,
        interference: Interference | None = None,
        bandwidth_hz: float = BANDWIDTH_HZ,
        time_share: float = 1.0,
    ) -> tuple[Clock, SharedCell]:
        clock = Clock()
        links = links or flat_links(users=5, power_w=power_w, block_ns=block_ns)
        air = Air(links=links, bandwidth_hz=bandwidth_hz, splits_power=splits_power, time_share=time_share)
        return clock, SharedCell(
            clock=clock, air=air, access=access or EqualShare(), interference=interference or NoInterference()
        )

    return make


@pytest.fixture
def cosim(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The program in this process, from ``main`` to its exit: status, standard output, standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cosim", *map(str, arguments)])
        monkeypatch.setattr(sys, "path", list(sys.path))
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return call
