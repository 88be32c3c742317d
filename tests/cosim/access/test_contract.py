"""What holds for every access policy: shares that add up, fairness to names, bits that are neither lost nor made."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channel_models.fading import BlockRayleigh, NoFading
from channel_models.links import RadioLinks
from channel_models.randomness import Stream
from cosim.access.base import Access, Flows
from cosim.access.dedicated import Dedicated
from cosim.access.equal_share import EqualShare
from cosim.access.max_rate import MaxRate
from cosim.access.proportional_fair import ProportionalFair
from cosim.access.round_robin import RoundRobin
from cosim.access.tdma import Tdma

SECOND = 1_000_000_000
BLOCK_NS = 20_000_000
USERS = 5
POWER_W = 0.2
BANDWIDTH_HZ = 1e6
ROUNDING = 1e-9  # relative, of sums over some thousand blocks
TICK_BITS = 0.1  # at 20 Mbit/s, which no rate here exceeds, an end that is rounded up to the tick is worth 0.02 bit

POLICIES: dict[str, Callable[[], Access]] = {
    "equal_share": EqualShare,
    "dedicated": lambda: Dedicated(users=USERS, attached=np.arange(USERS)),
    "dedicated_parts": lambda: Dedicated(users=USERS, attached=np.arange(USERS), parts=(0.4, 0.3, 0.1, 0.1, 0.1)),
    "dedicated_powers": lambda: Dedicated(users=USERS, attached=np.arange(USERS), powers=(1.0, 0.5, 0.5, 0.2, 0.1)),
    "round_robin": RoundRobin,
    "proportional_fair": lambda: ProportionalFair(block_ns=BLOCK_NS),
    "tdma": Tdma,
    "max_rate": MaxRate,
}
KEEPS_BUSY = sorted(set(POLICIES) - {"dedicated", "dedicated_parts", "dedicated_powers"})
KNOWS_NO_NAMES = sorted(
    set(POLICIES) - {"dedicated_parts", "dedicated_powers", "tdma"}
)  # one has names, the other an order

every_policy = pytest.mark.parametrize("name", sorted(POLICIES))
CROWD = [
    (0, 0, 200_000),
    (0, 1, 100_000),
    (300_000_123, 2, 300_000),
    (700_000_000, 3, 50_000),
    (900_000_007, 4, 80_000),
]


def links(seed: int = 0, users: int = USERS, fading: bool = True) -> RadioLinks:
    return RadioLinks(
        mean_gain=10.0 ** -np.linspace(11, 12, users),
        transmit_power_w=np.full(users, POWER_W),
        noise_figure_db=5.0,
        fading=BlockRayleigh(stream=Stream(seed, "fading"), block_ns=BLOCK_NS)
        if fading
        else NoFading(block_ns=BLOCK_NS),
    )


def flows(rates: np.ndarray, of: Sequence[int], epoch: int = 0) -> Flows:
    """Transfers of these links with rates (k, blocks) that run through a table."""

    def alone_bps(first_block: int, blocks: int) -> np.ndarray:
        return rates[:, np.arange(first_block, first_block + blocks) % rates.shape[1]]

    return Flows(epoch=epoch, ids=tuple(range(len(of))), links=np.array(of), alone_bps=alone_bps)


def carry(clock: Any, cell: Any, transfers: Sequence[tuple[int, int, int]]) -> list[int]:
    """The end of each transfer in ns."""
    ends: dict[int, int] = {}

    def sender(number: int, start_ns: int, link: int, nbytes: int):
        yield clock.at(start_ns)
        yield cell.begin(link, nbytes).done
        ends[number] = clock.now_ns

    for number, transfer in enumerate(transfers):
        clock.process(sender(number, *transfer))
    clock.env.run()
    return [ends[number] for number in range(len(transfers))]


RATE_TABLES = st.lists(st.lists(st.floats(0.0, 1e8), min_size=USERS, max_size=USERS), min_size=1, max_size=6).map(
    lambda rows: np.array(rows).T
)


@every_policy
@given(rates=RATE_TABLES, first_block=st.integers(0, 50))
def test_shares_are_parts_of_one_cell(name: str, rates: np.ndarray, first_block: int) -> None:
    shares = POLICIES[name]().shares(flows(rates, range(USERS)), first_block, 10)
    assert shares.shape in ((USERS, 10), (USERS, 1))
    assert (shares >= 0).all()
    assert (shares.sum(axis=0) <= 1 + ROUNDING).all()


@pytest.mark.parametrize("name", KEEPS_BUSY)
@given(rates=RATE_TABLES)
def test_the_cell_is_never_idle_while_somebody_could_send(name: str, rates: np.ndarray) -> None:
    shares = POLICIES[name]().shares(flows(rates, range(USERS)), 0, 12)
    rates_then = flows(rates, range(USERS)).alone_bps(0, 12)
    could = rates_then.max(axis=0) > 0
    busy = np.broadcast_to(shares, rates_then.shape).sum(axis=0)
    assert busy[could] == pytest.approx(1.0)


@pytest.mark.parametrize("name", KNOWS_NO_NAMES)
@given(rates=RATE_TABLES, order=st.permutations(range(USERS)))
def test_it_does_not_matter_who_is_who(name: str, rates: np.ndarray, order: list[int]) -> None:
    shares = POLICIES[name]().shares(flows(rates, range(USERS)), 0, 12)
    permuted = POLICIES[name]().shares(flows(rates[order], order), 0, 12)
    assert permuted == pytest.approx(shares[order])


@every_policy
@given(rates=RATE_TABLES, asked=st.lists(st.tuples(st.integers(0, 200), st.integers(1, 90)), min_size=1, max_size=8))
def test_the_same_question_has_the_same_answer_whatever_was_asked_before(
    name: str, rates: np.ndarray, asked: list[tuple[int, int]]
) -> None:
    policy, there = POLICIES[name](), flows(rates, range(USERS))
    whole = np.broadcast_to(policy.shares(there, 0, 290), (USERS, 290))
    for first_block, blocks in asked:
        part = np.broadcast_to(policy.shares(there, first_block, blocks), (USERS, blocks))
        assert (part == whole[:, first_block : first_block + blocks]).all()


@every_policy
@pytest.mark.parametrize("splits_power", [False, True])
def test_who_is_alone_ends_as_its_own_channel_says(make_cell: Any, name: str, splits_power: bool) -> None:
    if name.startswith("dedicated"):
        pytest.skip("a part of the band is all one has")
    ((end_ns),) = carry(*make_cell(links=links(), access=POLICIES[name](), splits_power=splits_power), [(5, 2, 10**6)])
    rates = links().rates_bps(np.array([2]), BANDWIDTH_HZ, 1.0, 0, 10_000)[0]
    by_edge = np.concatenate([[0.0], np.cumsum(rates) * (BLOCK_NS / SECOND)])
    block = int(np.searchsorted(by_edge, 8e6 + rates[0] * 5e-9)) - 1
    expected_ns = block * BLOCK_NS + (8e6 + rates[0] * 5e-9 - by_edge[block]) / rates[block] * SECOND
    assert abs(end_ns - expected_ns) <= 1


@every_policy
@pytest.mark.parametrize("splits_power", [False, True])
def test_more_band_is_never_later(make_cell: Any, name: str, splits_power: bool) -> None:
    """Without fading, for then no policy's order of merit changes; the proportional fair one's may by a block."""

    def ends(bandwidth_hz: float) -> np.ndarray:
        made = make_cell(
            links=links(fading=False), access=POLICIES[name](), splits_power=splits_power, bandwidth_hz=bandwidth_hz
        )
        return np.array(carry(*made, CROWD))

    slack_ns = 3 * BLOCK_NS if name == "proportional_fair" else 1
    assert (ends(1.25e6) <= ends(1e6) + slack_ns).all()
    assert (ends(4e6) < ends(1e6)).all()


@every_policy
@settings(max_examples=15, deadline=None)
@given(
    splits_power=st.booleans(),
    pauses=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 1_500), st.integers(0, 800)), max_size=5),
)
def test_bits_are_conserved_when_transfers_are_stopped_and_resumed(
    make_cell: Any, name: str, splits_power: bool, pauses: list[tuple[int, int, int]]
) -> None:
    """Each user stops after some milliseconds and goes on with the rest later; what arrives is what was sent."""
    clock, cell = make_cell(links=links(), access=POLICIES[name](), splits_power=splits_power)
    delivered, resumed_bits = np.zeros(USERS), np.zeros(USERS)
    stops = 0

    def sender(start_ns: int, link: int, nbytes: int):
        nonlocal stops
        yield clock.at(start_ns)
        left = nbytes * 8
        for _, until_ms, pause_ms in (pause for pause in pauses if pause[0] == link):
            transfer = cell.begin(link, -(-left // 8))
            given_bits = transfer.remaining_bits
            yield transfer.done | clock.at(clock.now_ns + until_ms * 1_000_000)
            if transfer.done.triggered:
                delivered[link] += given_bits
                return
            cell.stop(transfer)
            stops += 1
            assert 0 <= transfer.remaining_bits <= given_bits
            delivered[link] += given_bits - transfer.remaining_bits
            left = int(np.ceil(transfer.remaining_bits))
            resumed_bits[link] += -(-left // 8) * 8 - transfer.remaining_bits  # whole bytes go on
            yield clock.at(clock.now_ns + pause_ms * 1_000_000)
            assert not transfer.done.triggered
        last = cell.begin(link, -(-left // 8))
        delivered[link] += last.remaining_bits
        yield last.done
        assert last.remaining_bits == 0

    for transfer in CROWD:
        clock.process(sender(*transfer))
    clock.env.run()
    sent = np.array([nbytes * 8.0 for _, _, nbytes in CROWD])
    assert delivered - resumed_bits == pytest.approx(sent, abs=TICK_BITS * (1 + stops))


@every_policy
def test_stopping_gives_the_time_to_the_others_and_counts_the_energy_so_far(make_cell: Any, name: str) -> None:
    clock, cell = make_cell(links=links(fading=False), access=POLICIES[name](), splits_power=True)
    first, second = cell.begin(0, 500_000), cell.begin(1, 500_000)

    def story():
        yield clock.at(SECOND // 10)
        cell.stop(first)
        before = first.energy_j, first.remaining_bits
        cell.stop(first)  # once more changes nothing
        yield second.done
        assert (first.energy_j, first.remaining_bits) == before

    clock.run(clock.process(story()))
    assert 0 < first.energy_j <= POWER_W / 10 + 1e-12
    assert first.remaining_bits < 4e6
    assert not first.done.triggered
    clock2, alone = make_cell(links=links(fading=False), access=POLICIES[name](), splits_power=True)
    alone.begin(0, 500_000)
    both_stay = carry(clock2, alone, [(0, 1, 500_000)])[0]
    fixed = name.startswith("dedicated")
    assert clock.now_ns == both_stay if fixed else clock.now_ns < both_stay or name == "max_rate"


@every_policy
def test_energy_is_never_more_than_everybodys_power_all_the_time(make_cell: Any, name: str) -> None:
    for splits_power in (False, True):
        clock, cell = make_cell(links=links(), access=POLICIES[name](), splits_power=splits_power)
        started = [cell.begin(link, 200_000) for link in range(USERS)]
        clock.env.run()
        spent = sum(transfer.energy_j for transfer in started)
        senders = 1 if splits_power or name not in ("equal_share", "dedicated", "dedicated_parts") else USERS
        assert 0 < spent <= POWER_W * senders * clock.now_s * (1 + ROUNDING)
