"""The leaner ways of carrying transfers end them as the shared cell does, which plans block by block."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channel_models.cqi import CqiRate
from channel_models.fading import BlockRayleigh, NoFading
from channel_models.links import RadioLinks
from channel_models.randomness import Stream
from channel_models.rates import Shannon
from channel_models.transfer import TransferNeverFinishes
from cosim.access.dedicated import Dedicated
from cosim.access.equal_share import EqualShare
from cosim.access.round_robin import RoundRobin
from cosim.cells.air import Air
from cosim.cells.build import cell_of
from cosim.cells.own_band import OwnBand
from cosim.cells.own_band_cell import OwnBandCell
from cosim.cells.shared import SharedCell
from cosim.cells.virtual_time import VirtualTimeCell
from cosim.clock import Clock
from cosim.interference import ConstantInterference, NoInterference

MS = 1_000_000
USERS = 4
TICKS_NS = 12  # an end is rounded up to the tick, and what comes after it may shift by as much, at most once a transfer
GENTLE_PER_DB = 0.5  # a waterfall that fails often at any SINR
ROUNDING = 1e-6  # relative, of energy: some ticks in a millisecond

POWERS = (1.0, 0.5, 0.3, 0.8)

CASES = {
    "dedicated": (OwnBandCell, Dedicated(users=USERS, attached=np.arange(USERS)), True),
    "parts": (OwnBandCell, Dedicated(users=USERS, attached=np.arange(USERS), parts=(0.5, 0.2, 0.2, 0.1)), True),
    "equal_share": (VirtualTimeCell, EqualShare(), False),
    "round_robin": (VirtualTimeCell, RoundRobin(), False),
}
SCHEDULES = st.lists(
    st.tuples(st.integers(0, 40 * MS), st.integers(0, USERS - 1), st.integers(0, 40_000), st.integers(0, 60 * MS)),
    min_size=1,
    max_size=9,
)


def air(fading: bool, splits_power: bool, seed: int = 0, rate: Any = None, time_share: float = 1.0) -> Air:
    links = RadioLinks(
        mean_gain=10.0 ** -np.linspace(10.5, 12, USERS),
        transmit_power_w=np.full(USERS, 0.2),
        noise_figure_db=5.0,
        fading=BlockRayleigh(stream=Stream(seed, "fading"), block_ns=MS) if fading else NoFading(block_ns=MS),
        rate=rate or Shannon(),
    )
    return Air(links=links, bandwidth_hz=5e6, splits_power=splits_power, time_share=time_share)


def outcome(clock: Clock, cell: Any, schedule: list[tuple[int, int, int, int]]) -> np.ndarray:
    """End, energy and bits left of each transfer (start, link, bytes, longest); those too long are stopped."""
    found = np.empty((len(schedule), 3))

    def story(number: int, start_ns: int, link: int, nbytes: int, longest_ns: int):
        yield clock.at(start_ns)
        transfer = cell.begin(link, nbytes)
        yield transfer.done | clock.at(start_ns + longest_ns + number)  # no two at one instant, whose order may differ
        cell.stop(transfer)
        found[number] = clock.now_ns, transfer.energy_j, transfer.remaining_bits

    for number, entry in enumerate(schedule):
        clock.process(story(number, *entry))
    clock.env.run()
    return found


@pytest.mark.parametrize("name", sorted(CASES))
@settings(max_examples=25, deadline=None)
@given(schedule=SCHEDULES, interference_w=st.sampled_from([0.0, 1e-12]), time_share=st.sampled_from([1.0, 0.3]))
def test_a_leaner_cell_is_the_shared_one_to_the_tick(
    name: str, schedule: list[tuple[int, int, int, int]], interference_w: float, time_share: float
) -> None:
    lean_kind, access, fading = CASES[name]
    there = air(fading, splits_power=True, time_share=time_share)
    heard = ConstantInterference(noise_w=1.0, power_w=interference_w)
    lean_clock, full_clock = Clock(), Clock()
    lean = cell_of(lean_clock, there, access, heard, settled=True)
    assert isinstance(lean, lean_kind)
    full = SharedCell(clock=full_clock, air=there, access=access, interference=heard)
    ours, theirs = outcome(lean_clock, lean, schedule), outcome(full_clock, full, schedule)
    assert ours[:, 0] == pytest.approx(theirs[:, 0], abs=TICKS_NS)
    assert ours[:, 1] == pytest.approx(theirs[:, 1], rel=ROUNDING, abs=1e-8)
    tick_bits = 0.1  # at most some 60 Mbit/s
    assert ours[:, 2] == pytest.approx(theirs[:, 2], abs=TICKS_NS * tick_bits)


@given(schedule=SCHEDULES, deals=st.lists(st.integers(0, 80 * MS), max_size=3), seed=st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_bands_dealt_anew_end_transfers_as_the_shared_cell_does(
    schedule: list[tuple[int, int, int, int]], deals: list[int], seed: int
) -> None:
    """Whatever is under way goes on in its new band, with its new share of power."""
    found = []
    for kind in (OwnBandCell, SharedCell):
        clock, there = Clock(), air(True, False, seed)
        access = CASES["dedicated"][1]
        shared = {"interference": NoInterference()} if kind is SharedCell else {"interference_w": 0.0}
        cell = kind(clock=clock, air=there, access=access, **shared)

        def dealer(cell: Any = cell, clock: Clock = clock):
            for number, instant in enumerate(sorted(set(deals))):
                yield clock.at(instant)
                parts, powers = (tuple(np.roll(each, number).tolist()) for each in ([0.5, 0.2, 0.2, 0.1], POWERS))
                cell.divide(Dedicated(users=USERS, attached=np.arange(USERS), parts=parts, powers=powers))

        clock.process(dealer())
        found.append(outcome(clock, cell, schedule))
    ours, theirs = found
    bit_ns = 1e9 / 2e4  # what is left is rounded up to the bit, at no less than 20 kbit/s
    each = bit_ns * len(deals) + TICKS_NS
    assert ours[:, 0] == pytest.approx(theirs[:, 0], abs=each * len(schedule))
    assert ours[:, 1] == pytest.approx(theirs[:, 1], rel=ROUNDING, abs=1e-6 * len(schedule) * (1 + len(deals)))


class TestPowersOfOnesOwn:
    """A share of power goes with a band on the uplink; the edge server splits its own as it splits the band."""

    LINK, NBYTES = 2, 30_000

    def found(self, kind: type, splits_power: bool, powers: tuple[float, ...] | None) -> Any:
        clock, there = Clock(), air(False, splits_power)
        access = Dedicated(users=USERS, attached=np.arange(USERS), powers=powers)
        heard = {"interference": NoInterference()} if kind is SharedCell else {"interference_w": 0.0}
        cell = kind(clock=clock, air=there, access=access, **heard)
        return outcome(clock, cell, [(0, self.LINK, self.NBYTES, 10**12)])[0]

    @pytest.mark.parametrize("kind", [OwnBandCell, SharedCell])
    def test_rate_and_energy_are_those_of_the_power(self, kind: type) -> None:
        end_ns, energy_j, _ = self.found(kind, False, POWERS)
        band_hz, power_w = 5e6 / USERS, 0.2 * POWERS[self.LINK]
        snr = 10**-11.5 * power_w / (1.380649e-23 * 290 * 10**0.5 * band_hz)
        took_s = self.NBYTES * 8 / (band_hz * np.log2(1 + snr))
        assert end_ns == pytest.approx(took_s * 1e9, abs=1)
        assert energy_j == pytest.approx(power_w * took_s, rel=ROUNDING)

    @pytest.mark.parametrize("kind", [OwnBandCell, SharedCell])
    def test_the_downlink_knows_nothing_of_them(self, kind: type) -> None:
        assert (self.found(kind, True, POWERS) == self.found(kind, True, None)).all()

    @pytest.mark.parametrize("kind", [OwnBandCell, SharedCell])
    def test_whole_powers_need_not_be_said(self, kind: type) -> None:
        assert (self.found(kind, False, (1.0,) * USERS) == self.found(kind, False, None)).all()

    @pytest.mark.parametrize("kind", [OwnBandCell, SharedCell])
    def test_repetitions_are_those_at_the_sinr_of_the_power(self, kind: type) -> None:
        ends = []
        for round_trip_s in (0.0, 8e-3):
            rate, clock = CqiRate(round_trip_s=round_trip_s, waterfall_per_db=GENTLE_PER_DB), Clock()
            access = Dedicated(users=USERS, attached=np.arange(USERS), powers=POWERS)
            heard = {"interference": NoInterference()} if kind is SharedCell else {"interference_w": 0.0}
            cell = kind(clock=clock, air=air(False, False, rate=rate), access=access, **heard)
            clock.run(cell.begin(self.LINK, self.NBYTES).done)
            ends.append(clock.now_ns)
        sinr = 10**-11.5 * 0.2 * POWERS[self.LINK] / (1.380649e-23 * 290 * 10**0.5 * 5e6 / USERS)
        late_s = float(CqiRate(round_trip_s=8e-3, waterfall_per_db=GENTLE_PER_DB).delay_s(np.array([sinr]))[0])
        assert late_s > 1e-6
        assert ends[1] - ends[0] == pytest.approx(late_s * 1e9, abs=1)


def test_bands_of_ones_own_stay_such() -> None:
    cell = OwnBandCell(clock=Clock(), air=air(True, False), access=CASES["dedicated"][1], interference_w=0.0)
    with pytest.raises(TypeError, match="expected bands of the users' own, got RoundRobin"):
        cell.divide(RoundRobin())


def test_the_lean_ways_are_taken_only_where_they_are_exact() -> None:
    clock, nothing = Clock(), NoInterference()
    dedicated = CASES["dedicated"][1]

    def kind(there: Air, access: Any, settled: bool = True) -> type:
        return type(cell_of(clock, there, access, nothing, settled=settled))

    assert kind(air(True, True), dedicated) is OwnBandCell
    assert kind(air(True, True), dedicated, settled=False) is SharedCell  # visitors may take some of the parts
    assert kind(air(False, False), RoundRobin()) is VirtualTimeCell
    assert kind(air(True, False), RoundRobin()) is SharedCell
    assert kind(air(False, True), EqualShare()) is VirtualTimeCell
    assert kind(air(False, False), EqualShare()) is SharedCell  # a user's power concentrates in its part of the band


def test_a_band_of_ones_own_is_unaffected_by_whoever_is_active() -> None:
    def end_ns(others: list[int]) -> float:
        clock = Clock()
        cell = cell_of(clock, air(True, False), CASES["dedicated"][1], NoInterference(), settled=True)
        return float(
            outcome(clock, cell, [(7, 2, 30_000, 10**12), *((9, link, 90_000, 10**12) for link in others)])[0, 0]
        )

    assert end_ns([]) == end_ns([0, 1, 3])


def test_messages_of_one_user_go_one_after_another() -> None:
    clock = Clock()
    cell = cell_of(clock, air(False, False), CASES["dedicated"][1], NoInterference(), settled=True)
    ends = outcome(clock, cell, [(0, 1, 10_000, 10**12)] * 3)[:, 0]
    assert np.diff(ends) == pytest.approx([ends[0]] * 2, abs=2)


def test_an_own_band_knows_its_bits_over_any_stretch_and_page() -> None:
    there = air(True, True)
    lanes = OwnBand(air=there, access=CASES["dedicated"][1], interference_w=0.0)
    share = there.links.rates_bps(np.array([1]), 5e6 / USERS, 1 / USERS, 0, 3000)[0]
    edges = np.concatenate([[0.0], np.cumsum(share) * 1e-3])
    for begin, end in ((0, 1), (3, 1024), (1000, 1100), (5, 2900)):
        assert lanes.bits_between(1, begin * MS, end * MS) == pytest.approx(edges[end] - edges[begin], rel=1e-9)
        bits = int(edges[end] - edges[begin])
        end_ns = lanes.end_ns(1, begin * MS, bits)
        assert lanes.bits_between(1, begin * MS, end_ns - 1) < bits <= lanes.bits_between(1, begin * MS, end_ns) + 1e-4


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_hopeless_link_is_an_error_at_once(name: str) -> None:
    _, access, fading = CASES[name]
    there = air(fading, splits_power=True)
    weak = RadioLinks(
        mean_gain=np.full(USERS, 1e-30),
        transmit_power_w=np.ones(USERS),
        noise_figure_db=5.0,
        fading=there.links.fading,
    )
    cell = cell_of(
        Clock(), Air(links=weak, bandwidth_hz=1e6, splits_power=True), access, NoInterference(), settled=True
    )
    with pytest.raises(TransferNeverFinishes, match=r"radio: user 1 has at best .* bit/s, at which 1000000 bytes take"):
        cell.begin(1, 10**6)


class TestRepetitions:
    """Blocks that are sent again make the last bit late, and cost the cell no further time."""

    @pytest.mark.parametrize("name", sorted(CASES))
    def test_the_end_is_later_by_the_mean_delay_at_the_sinr_of_the_last_block(self, name: str) -> None:
        _, access, _ = CASES[name]
        ends = []
        for round_trip_s in (0.0, 8e-3):
            there = air(
                fading=False, splits_power=True, rate=CqiRate(round_trip_s=round_trip_s, waterfall_per_db=GENTLE_PER_DB)
            )
            clock = Clock()
            cell = cell_of(clock, there, access, NoInterference(), settled=True)
            done = cell.begin(2, 30_000).done
            clock.run(done)
            ends.append(clock.now_ns)
        sinr = 10**-11.5 * 0.2 / (1.380649e-23 * 290 * 10**0.5 * 5e6)
        delay_s = float(CqiRate(round_trip_s=8e-3, waterfall_per_db=GENTLE_PER_DB).delay_s(np.array([sinr]))[0])
        assert delay_s > 1e-6
        assert ends[1] - ends[0] == pytest.approx(delay_s * 1e9, abs=1)

    def test_who_comes_after_need_not_wait_for_it(self) -> None:
        clock = Clock()
        there = air(fading=False, splits_power=True, rate=CqiRate(round_trip_s=1.0, waterfall_per_db=GENTLE_PER_DB))
        cell = cell_of(clock, there, RoundRobin(), NoInterference(), settled=True)
        first, second = cell.begin(2, 30_000), cell.begin(2, 30_000)
        clock.env.run()
        assert first.done.value == pytest.approx(second.done.value)
        assert first.energy_j + second.energy_j < 0.2 * 1.0  # nothing is radiated while the repetitions are awaited

    def test_a_transfer_that_is_stopped_meanwhile_is_never_done(self) -> None:
        clock = Clock()
        there = air(fading=False, splits_power=True, rate=CqiRate(round_trip_s=100.0, waterfall_per_db=GENTLE_PER_DB))
        cell = cell_of(clock, there, EqualShare(), NoInterference(), settled=True)
        transfer = cell.begin(2, 30_000)
        clock.run(clock.at(300 * MS, lambda: cell.stop(transfer)))
        clock.env.run()
        assert transfer.remaining_bits == 0
        assert not transfer.done.triggered
