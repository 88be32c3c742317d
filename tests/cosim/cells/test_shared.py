from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channel_models.cqi import CqiRate
from channel_models.drift import Drifting, Track
from channel_models.fading import BlockRayleigh, NoFading
from channel_models.large_scale import LargeScale
from channel_models.links import RadioLinks
from channel_models.pathloss import LogDistance
from channel_models.randomness import Stream
from channel_models.rates import Shannon, TruncatedShannon
from channel_models.reach import Reach
from channel_models.recorded_mobility import RecordedMobility
from channel_models.shadowing import IndependentShadowing
from channel_models.transfer import TransferNeverFinishes
from cosim.clock import to_s

SECOND = 1_000_000_000
MB = 1_000_000  # bytes; 8 Mbit, a second at the rate of a user alone
POWER_W = 0.2
BANDWIDTH_HZ, SNR = 1e6, 255.0  # of the cells that ``make_cell`` makes
ALONE_BPS = 8e6
HALF_BAND_BPS = BANDWIDTH_HZ / 2 * np.log2(1 + 2 * SNR)  # a user's whole power in half the band
TICK_NS = 1  # an end is rounded up to the tick, and what comes after it may shift by as much
ENERGY_ROUNDING = 1e-9  # relative: a tick in a transfer of a second

Transfers = list[tuple[int, int, int]]  # start in ns, link, bytes

CROWD: Transfers = [
    (0, 0, MB),
    (300_000_123, 1, MB // 2),
    (300_000_123, 2, 3 * MB),
    (1_000_000_000, 3, 10),
    (2_345_678_901, 4, MB),
]


def carry(clock: Any, cell: Any, transfers: Transfers) -> list[tuple[int, float]]:
    """End in ns and energy in joules of each transfer."""
    ends: dict[int, tuple[int, float]] = {}

    def sender(number: int, start_ns: int, link: int, nbytes: int):
        yield clock.at(start_ns)
        energy_j = yield cell.begin(link, nbytes).done
        ends[number] = clock.now_ns, energy_j

    for number, transfer in enumerate(transfers):
        clock.process(sender(number, *transfer))
    clock.env.run()
    return [ends[number] for number in range(len(transfers))]


def rayleigh_links(seed: int, users: int = 5, block_ns: int = 20_000_000) -> RadioLinks:
    gains = 10.0 ** -np.linspace(10, 12, 10)[:users]
    fading = BlockRayleigh(stream=Stream(seed, "fading"), block_ns=block_ns)
    return RadioLinks(mean_gain=gains, transmit_power_w=np.full(users, POWER_W), noise_figure_db=5.0, fading=fading)


def rates_bps(links: RadioLinks, active: list[int], splits_power: bool, block: int) -> np.ndarray:
    """Rates (k,) of the active links in one block, each with its part of the band, maybe also of the power."""
    share = 1 / len(active)
    return links.rates_bps(np.array(active), BANDWIDTH_HZ * share, share if splits_power else 1.0, block, 1)[:, 0]


def slot_by_slot(links: RadioLinks, splits_power: bool, transfers: Transfers) -> list[float]:
    """Ends in ns by walking from block to block, the brute force that one event a transfer must agree with."""
    block_ns, now, ends = links.fading.block_ns, 0.0, [np.nan] * len(transfers)
    left = {number: nbytes * 8.0 for number, (_, _, nbytes) in enumerate(transfers)}
    while left:
        active = [number for number in left if transfers[number][0] <= now]
        later = [transfers[number][0] for number in left if transfers[number][0] > now]
        block = int(now // block_ns)
        edge = min([(block + 1) * block_ns, *later])
        if active:
            rates = rates_bps(links, [transfers[number][1] for number in active], splits_power, block)
            needed_ns = [left[number] / rate * SECOND for number, rate in zip(active, rates, strict=True)]
            edge = min(edge, now + min(needed_ns))
            for number, rate, needed in zip(active, rates, needed_ns, strict=True):
                left[number] -= rate * (edge - now) / SECOND
                if now + needed <= edge:
                    ends[number] = now + needed
                    del left[number]
        now = edge
    return ends


@pytest.mark.parametrize("splits_power", [False, True])
@pytest.mark.parametrize("start_ns", [0, 1, 123_456_789])
def test_a_megabyte_over_eight_megabits_a_second_takes_exactly_one_second(
    make_cell: Callable[..., Any], splits_power: bool, start_ns: int
) -> None:
    ((end_ns, energy_j),) = carry(*make_cell(splits_power=splits_power), [(start_ns, 0, MB)])
    assert end_ns - start_ns == SECOND
    assert energy_j == pytest.approx(POWER_W, rel=ENERGY_ROUNDING)


@pytest.mark.parametrize(("splits_power", "each_bps"), [(False, HALF_BAND_BPS), (True, ALONE_BPS / 2)])
def test_two_equal_users_finish_together_when_theory_says(
    make_cell: Callable[..., Any], splits_power: bool, each_bps: float
) -> None:
    first, second = carry(*make_cell(splits_power=splits_power), [(0, 0, MB), (0, 1, MB)])
    assert first == second
    assert abs(first[0] - MB * 8 / each_bps * SECOND) <= TICK_NS


@pytest.mark.parametrize("splits_power", [False, True])
def test_five_users_take_five_halves_of_the_time_of_two_but_for_the_power_that_a_narrow_band_gathers(
    make_cell: Callable[..., Any], splits_power: bool
) -> None:
    """The congestion of N active users against M: N / M where power is divided with the band, as on the downlink.

    On the uplink each has its whole power in its part of the band, so that it is N / M times the ratio of the
    logarithms, log2(1 + M SNR) / log2(1 + N SNR).
    """
    few, many = (
        max(
            end_ns
            for end_ns, _ in carry(*make_cell(splits_power=splits_power), [(0, link, MB) for link in range(users)])
        )
        for users in (2, 5)
    )
    gathered = 1.0 if splits_power else np.log2(1 + 2 * SNR) / np.log2(1 + 5 * SNR)
    assert many == pytest.approx(5 / 2 * gathered * few, abs=5 * TICK_NS)


@pytest.mark.parametrize(("splits_power", "each_bps"), [(False, HALF_BAND_BPS), (True, ALONE_BPS / 2)])
def test_a_late_arrival_slows_the_first_and_has_the_band_for_itself_at_the_end(
    make_cell: Callable[..., Any], splits_power: bool, each_bps: float
) -> None:
    ends = carry(*make_cell(splits_power=splits_power), [(0, 0, MB), (SECOND // 2, 1, MB)])
    shared_s = 4e6 / each_bps  # the first has 4 Mbit left when the second comes; then the second has 4 Mbit left
    by_hand_s = [0.5 + shared_s, 0.5 + shared_s + 0.5]
    assert [end_ns for end_ns, _ in ends] == pytest.approx([s * SECOND for s in by_hand_s], abs=2 * TICK_NS)
    power_while_shared_w = POWER_W / 2 if splits_power else POWER_W
    by_hand_j = POWER_W * 0.5 + power_while_shared_w * shared_s
    assert [energy_j for _, energy_j in ends] == pytest.approx([by_hand_j, by_hand_j], rel=ENERGY_ROUNDING)


@pytest.mark.parametrize("splits_power", [False, True])
@pytest.mark.parametrize("block_ns", [1_000_000, 7_777_777, 3600 * SECOND])
def test_without_fading_the_length_of_blocks_does_not_matter(
    make_cell: Callable[..., Any], splits_power: bool, block_ns: int
) -> None:
    ends = carry(*make_cell(splits_power=splits_power, block_ns=block_ns), CROWD)
    usual = carry(*make_cell(splits_power=splits_power), CROWD)
    assert [end_ns for end_ns, _ in ends] == pytest.approx([end_ns for end_ns, _ in usual], abs=TICK_NS)


@settings(max_examples=30)
@given(looks_ns=st.lists(st.integers(0, SECOND - 1), max_size=20))
def test_however_often_the_cell_is_looked_at_an_end_stays_where_it_is(
    make_cell: Callable[..., Any], looks_ns: list[int]
) -> None:
    empty_messages = [(look_ns, 1, 0) for look_ns in looks_ns]
    (end_ns, _), *empty = carry(*make_cell(splits_power=True), [(0, 0, MB), *empty_messages])
    assert [end_ns for end_ns, _ in empty] == looks_ns
    assert abs(end_ns - SECOND) <= TICK_NS


@pytest.mark.parametrize("splits_power", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_with_fading_ends_are_those_of_a_walk_from_slot_to_slot(
    make_cell: Callable[..., Any], splits_power: bool, seed: int
) -> None:
    links = rayleigh_links(seed)
    ends = carry(*make_cell(splits_power=splits_power, links=links), CROWD)
    walked = slot_by_slot(links, splits_power, CROWD)
    assert [end_ns for end_ns, _ in ends] == pytest.approx(walked, abs=len(CROWD) * TICK_NS)


@pytest.mark.parametrize("splits_power", [False, True])
def test_bits_delivered_at_the_rates_in_force_are_the_bits_sent(
    make_cell: Callable[..., Any], splits_power: bool
) -> None:
    links = rayleigh_links(seed=9)
    ends = [end_ns for end_ns, _ in carry(*make_cell(splits_power=splits_power, links=links), CROWD)]
    spans = [(start, end, link) for (start, link, _), end in zip(CROWD, ends, strict=True)]
    edges = sorted({*(start for start, _, _ in spans), *ends, *range(0, max(ends), links.fading.block_ns)})
    delivered = dict.fromkeys(range(5), 0.0)
    for since, until in pairwise(edges):
        active = [link for start, end, link in spans if start <= since < end]
        if active:
            rates = rates_bps(links, active, splits_power, since // links.fading.block_ns)
            for link, rate in zip(active, rates, strict=True):
                delivered[link] += rate * to_s(until - since)
    a_tick_of_bits = 20e6 / SECOND  # no rate here exceeds 20 Mbit/s, and each of the ends may be a tick late
    sent = [nbytes * 8 for _, _, nbytes in CROWD]
    assert list(delivered.values()) == pytest.approx(sent, abs=len(CROWD) * a_tick_of_bits)


@pytest.mark.parametrize("splits_power", [False, True])
def test_a_user_who_sends_nothing_changes_no_bit(make_cell: Callable[..., Any], splits_power: bool) -> None:
    few = carry(*make_cell(splits_power=splits_power, links=rayleigh_links(3, users=5)), CROWD)
    more = carry(*make_cell(splits_power=splits_power, links=rayleigh_links(3, users=6)), CROWD)
    assert few == more


def test_on_the_uplink_energy_is_each_users_power_times_its_airtime(make_cell: Callable[..., Any]) -> None:
    links = replace(rayleigh_links(4), transmit_power_w=np.array([0.1, 0.2, 0.3, 0.4, 0.5]))
    for (start_ns, link, _), (end_ns, energy_j) in zip(
        CROWD, carry(*make_cell(splits_power=False, links=links), CROWD), strict=True
    ):
        expected_j = links.transmit_power_w[link] * to_s(end_ns - start_ns)
        assert energy_j == pytest.approx(expected_j, rel=ENERGY_ROUNDING)


def test_on_the_downlink_the_shares_add_up_to_the_servers_power_while_it_sends(make_cell: Callable[..., Any]) -> None:
    ends = carry(*make_cell(splits_power=True, power_w=10.0), [(0, 0, MB), (SECOND, 1, MB), (SECOND, 2, 2 * MB)])
    busy_s = 1.0 + 3.0  # without fading splitting loses nothing, so 4 MB take four seconds, all in a row
    assert max(end_ns for end_ns, _ in ends) == 4 * SECOND
    assert sum(energy_j for _, energy_j in ends) == pytest.approx(10.0 * busy_s, rel=ENERGY_ROUNDING)


def test_fading_is_drawn_once_however_many_transfers_come_and_go(make_cell: Callable[..., Any]) -> None:
    class Watched(BlockRayleigh):
        def power_gain(self, links: np.ndarray, first_block: int, blocks: int) -> np.ndarray:
            drawn.append((len(links), first_block, blocks))
            return super().power_gain(links, first_block, blocks)

    def draws(transfers: Transfers) -> list[tuple[int, int, int]]:
        drawn.clear()
        fading = Watched(stream=Stream(0, "fading"), block_ns=20_000_000)
        carry(*make_cell(splits_power=True, links=replace(rayleigh_links(0), fading=fading)), transfers)
        return list(drawn)

    drawn: list[tuple[int, int, int]] = []
    empty_messages = [(start_ns, 1, 0) for start_ns in range(0, 3 * SECOND, SECOND // 50)]
    assert draws([*CROWD, *empty_messages]) == draws(CROWD) != []


@pytest.mark.parametrize("fading", ["none", "rayleigh"])
def test_a_hopeless_link_is_an_error_at_once(make_cell: Callable[..., Any], fading: str) -> None:
    links = rayleigh_links(0)
    if fading == "none":
        _, cell = make_cell(splits_power=False)
        links = replace(links, fading=cell.air.links.fading)
    links = replace(links, mean_gain=np.array([1e-10, 1e-25, 1e-10, 1e-10, 1e-10]))
    clock, cell = make_cell(splits_power=False, links=links)
    with pytest.raises(
        ValueError, match=r"^radio: user 1 has at best .* bit/s, at which 1000000 bytes take over a year"
    ):
        carry(clock, cell, [(0, 0, MB), (0, 1, MB)])


def test_the_number_of_events_does_not_grow_with_the_number_of_blocks(make_cell: Callable[..., Any]) -> None:
    def events(block_ns: int) -> int:
        clock, cell = make_cell(splits_power=False, links=rayleigh_links(1, block_ns=block_ns))
        done = [cell.begin(link, MB).done for link in range(5)]
        steps = 0
        while clock.env.peek() < float("inf"):
            clock.env.step()
            steps += 1
        assert all(event.processed for event in done)
        return steps

    plans = 1 + 5  # one for all who come at once, and one after each completion
    completions, arrivals = 5, 5
    assert events(block_ns=100_000_000) == events(block_ns=1_000_000) <= plans + completions + arrivals


def one_link(snr: float, rate: Any, fading: Any = None) -> RadioLinks:
    noise_w = 1.380649e-23 * 290.0 * BANDWIDTH_HZ
    return RadioLinks(
        mean_gain=np.array([snr * noise_w]),
        transmit_power_w=np.ones(1),
        noise_figure_db=0.0,
        fading=fading or BlockRayleigh(stream=Stream(0, "fading"), block_ns=20_000_000),
        rate=rate,
    )


@pytest.mark.parametrize("rate", [CqiRate(), TruncatedShannon()])
def test_a_rate_with_a_threshold_is_reached_by_fading_though_its_mean_is_below(
    make_cell: Callable[..., Any], rate: Any
) -> None:
    """At -12 dB both models carry nothing, but now and then the gain is four times its mean and more."""
    links = one_link(10**-1.2, rate)
    assert replace(links, fading=NoFading(block_ns=1)).rates_bps(np.array([0]), BANDWIDTH_HZ, 1.0, 0, 1)[0, 0] == 0
    ((end_ns, _),) = carry(*make_cell(splits_power=False, links=links), [(0, 0, 1000)])
    assert end_ns > 20_000_000


def test_a_link_that_no_fading_lifts_over_the_threshold_is_an_error_after_a_look_ahead(
    make_cell: Callable[..., Any],
) -> None:
    """At -30 dB the gain would have to be 214 times its mean, which happens once in e^214 blocks."""
    links = one_link(1e-3, CqiRate(), NoFading(block_ns=20_000_000))
    with pytest.raises(TransferNeverFinishes, match=r"^radio: the transfers of users \[0\] would take over a year"):
        carry(*make_cell(splits_power=False, links=links), [(0, 0, 1000)])


def test_who_is_far_off_now_and_comes_near_is_not_hopeless(make_cell: Callable[..., Any], tmp_path: Path) -> None:
    """A user who stands 20 km away and is beside the mast after a minute."""
    file = tmp_path / "way.csv"
    file.write_text("time_s,user,x_m,y_m\n0,0,20000,0\n60,0,50,0\n")
    reach = Reach(
        large_scale=LargeScale(
            seed=0,
            pathloss=LogDistance(exponent=6.0, carrier_hz=2e9),
            shadowing=IndependentShadowing(stream=Stream(0, "shadowing")),
            sites=np.zeros(1, dtype=np.int64),
            sigma_db=0.0,
        ),
        mobility=RecordedMobility(path=str(file)),
    )
    start = reach.mean_gain(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))[:, 0]
    links = replace(
        one_link(1.0, Shannon()),
        mean_gain=start,
        fading=Drifting(fading=NoFading(block_ns=20_000_000), track=Track(reach=reach, start=start)),
    )
    (still,) = links.capacity_bps(np.zeros(1, dtype=np.int64), BANDWIDTH_HZ)
    assert np.isinf(still)
    ((end_ns, _),) = carry(*make_cell(splits_power=False, links=links), [(0, 0, MB)])
    assert 50 * SECOND < end_ns < 90 * SECOND
