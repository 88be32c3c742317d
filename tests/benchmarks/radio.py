"""What the radio costs: transfers against slots, virtual time against planning anew, and how large a world may be."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import simpy

from channel_models.fading import BlockRayleigh, Fading, NoFading
from channel_models.links import RadioLinks
from channel_models.randomness import Stream
from cosim.access.base import Access
from cosim.access.dedicated import Dedicated
from cosim.access.round_robin import RoundRobin
from cosim.cell import Cell
from cosim.cells.air import Air
from cosim.cells.build import cell_of
from cosim.cells.shared import SharedCell
from cosim.clock import Clock
from cosim.coverage import Coverage
from cosim.interference import NoInterference
from cosim.scenario.models import Scenario
from tests.benchmarks.engine import TIMEOUTS, bare_timeouts
from tests.benchmarks.measuring import Measured, median_ratio, quickstart, seconds

MS = 1_000_000
USERS, UPLOADS = 50, 20
UPLOAD_BYTES = 125_000
SLOT_S = 1e-3
FLOWS = 2000
REPETITIONS = 3


class Drawn:
    """Rayleigh blocks of a millisecond that were drawn in advance, and begin anew when they end."""

    block_ns = MS

    def __init__(self, users: int, blocks: int) -> None:
        fading = BlockRayleigh(stream=Stream(0, "fading"), block_ns=MS)
        self._gains = fading.power_gain(np.arange(users), 0, blocks)

    def power_gain(self, links: np.ndarray, first_block: int, blocks: int) -> np.ndarray:
        """See ``Fading.power_gain``."""
        which = np.arange(first_block, first_block + blocks) % self._gains.shape[1]
        gains: np.ndarray = self._gains[links[:, None], which]
        return gains


def air(users: int, fading: Fading) -> Air:
    """Uplinks with this fading."""
    links = RadioLinks(
        mean_gain=10.0 ** -np.linspace(11, 12, users),
        transmit_power_w=np.full(users, 0.2),
        noise_figure_db=5.0,
        fading=fading,
    )
    return Air(links=links, bandwidth_hz=20e6, splits_power=False)


def by_transfer(there: Air, access: Access) -> dict[tuple[int, int], float]:
    """Ends in seconds of uploads that each user makes one after another, in our cell."""
    clock = Clock()
    cell = cell_of(clock, there, access, NoInterference(), settled=True)
    ends: dict[tuple[int, int], float] = {}

    def user(link: int) -> Any:
        for number in range(UPLOADS):
            yield cell.begin(link, UPLOAD_BYTES).done
            ends[link, number] = clock.now_s

    for link in range(USERS):
        clock.process(user(link))
    clock.env.run()
    return ends


def by_slot(bits_of: Callable[[int, int], float]) -> dict[tuple[int, int], float]:
    """The same with a SimPy event a slot and user, each of whom knows how many bits a slot carries for it."""
    env = simpy.Environment()
    ends: dict[tuple[int, int], float] = {}

    def user(link: int) -> Any:
        slot = 0
        for number in range(UPLOADS):
            left = UPLOAD_BYTES * 8.0
            while left > 0.0:
                left -= bits_of(link, slot)
                slot += 1
                yield env.timeout(1)
            ends[link, number] = slot * SLOT_S

    for link in range(USERS):
        env.process(user(link))
    env.run()
    return ends


def asked(there: Air, access: Dedicated) -> Callable[[int, int], float]:
    """Bits of a slot, by asking the channel in each."""
    links = [np.array([link]) for link in range(USERS)]
    parts = [access.part(link)[:, None] for link in links]
    return lambda link, slot: float(there.in_part(links[link], parts[link], 0.0, slot, 1)[0][0, 0]) * SLOT_S


def tabulated(there: Air, access: Dedicated) -> Callable[[int, int], float]:
    """Bits of a slot, looked up in a table that is worked out a thousand slots at a time for all."""
    everybody, pages = np.arange(USERS), []
    parts = access.part(everybody)[:, None]

    def bits_of(link: int, slot: int) -> float:
        number, rest = divmod(slot, 1024)
        while number >= len(pages):
            rates, _ = there.in_part(everybody, parts, 0.0, 1024 * len(pages), 1024)
            pages.append((rates * SLOT_S).tolist())
        bits: float = pages[number][link][rest]
        return bits

    return bits_of


def transfers_against_slots() -> list[Measured]:
    """An event a transfer against an event a slot and user; the channel is drawn before, for all of them."""
    drawn, access = Drawn(USERS, 1 << 14), Dedicated(users=USERS, attached=np.arange(USERS))
    lines, found = [], {}

    def ours() -> None:
        found["ours"] = by_transfer(air(USERS, drawn), access)

    for how, repetitions, target in ((asked, 1, ">= 100 x"), (tabulated, REPETITIONS, "")):

        def theirs(how: Any = how) -> None:
            found["theirs"] = by_slot(how(air(USERS, drawn), access))

        ours()
        pairs = [(min(seconds(ours) for _ in range(3)), seconds(theirs)) for _ in range(repetitions)]
        apart_s = [found["theirs"][key] - end_s for key, end_s in found["ours"].items()]
        assert min(apart_s) > -1e-9, "a slot version is never sooner"
        assert max(apart_s) <= UPLOADS * SLOT_S, "nor later by more than a slot an upload"
        what = (
            f"{USERS} x {UPLOADS} uploads, 1 ms blocks: an event a slot, rates {how.__name__}, against ours, CPU time"
        )
        best_s = min(pair[0] for pair in pairs)
        result = f"{median_ratio(pairs):.0f} x ({1e3 * best_s:.0f} ms; ends at most {1e3 * max(apart_s):.1f} ms apart)"
        lines.append(Measured(what, result, target))
    return lines


def adapters(clock: Clock, cell: Cell) -> None:
    """Messages of 25 to 75 kB, each half a millisecond after another, until the last has ended."""

    def source() -> Any:
        for link in range(FLOWS):
            cell.begin(link, 25_000 + 25 * (link * 7919 % FLOWS))
            yield clock.at(clock.now_ns + MS // 2)

    clock.process(source())
    clock.env.run()


def virtual_time_against_anew() -> Measured:
    """The lean cell against the shared one, which plans anew whenever a message comes or goes."""

    def lean() -> None:
        clock = Clock()
        adapters(clock, cell_of(clock, steady, RoundRobin(), NoInterference(), settled=True))

    def anew() -> None:
        clock = Clock()
        adapters(clock, SharedCell(clock=clock, air=steady, access=RoundRobin(), interference=NoInterference()))

    steady = air(FLOWS, NoFading(block_ns=20 * MS))
    lean()
    pairs = [(min(seconds(lean) for _ in range(REPETITIONS)), seconds(anew))]
    what = f"{FLOWS} flows in a cell, steady rates, shared time: planned anew against virtual time, CPU time"
    return Measured(what, f"{median_ratio(pairs):.0f} x ({1e3 * min(pairs)[0]:.0f} ms)", ">= 100 x")


def large_world() -> list[Measured]:
    """Many users for some rounds, with delays alone, against bare timeouts."""
    users, rounds = 10_000, 10
    began = time.perf_counter()
    run = quickstart(
        "execution=analytic",
        f"users.count={users}",
        "edges.count=100",
        "radio.access=round_robin",
        "radio.fading=none",
        "data.partition=iid",
        "data.sequence_length=16",
        "data.batch_size=1",
        "scheme={name: federated, rounds: 10, local_steps: 1}",
        "compare=[]",
        "host.cache=false",
    )
    wall_s = time.perf_counter() - began
    rate = len(run.world.recorder.activities) / wall_s
    bare = TIMEOUTS / seconds(bare_timeouts)
    return [
        Measured(
            f"analytic, {users:,} users x {rounds} rounds, 100 cells in virtual time, wall time",
            f"{wall_s:.1f} s",
            "< 60 s",
        ),
        Measured("of these, activities a second against bare SimPy timeouts", f"{rate:,.0f} to {bare:,.0f}", ""),
    ]


def placing() -> Measured:
    """Places, path loss and shadowing of many users."""
    users = 100_000
    tree = {"name": "many", "scheme": {"name": "federated"}, "users": {"count": users}, "edges": {"count": 100}}
    scenario = Scenario.model_validate(tree)
    taken_s = min(seconds(lambda: Coverage(scenario).start_gain) for _ in range(REPETITIONS))
    return Measured(f"{users:,} users placed, path loss and shadowing drawn, CPU time", f"{taken_s:.2f} s", "< 2 s")


def rows() -> list[Callable[[], Measured | list[Measured]]]:
    """All of this file, each to be measured when called."""
    return [transfers_against_slots, virtual_time_against_anew, large_world, placing]
