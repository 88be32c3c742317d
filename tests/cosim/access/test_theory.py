"""Access policies against what theory says of them: queues, order statistics, fair shares."""

from collections.abc import Callable

import numpy as np
import pytest

from channel_models.fading import BlockRayleigh, NoFading
from channel_models.links import RadioLinks
from channel_models.randomness import Stream
from cosim.access.base import Access
from cosim.access.equal_share import EqualShare
from cosim.access.max_rate import MaxRate
from cosim.access.proportional_fair import ProportionalFair
from cosim.access.round_robin import RoundRobin
from cosim.access.tdma import Tdma
from cosim.cell import Cell
from cosim.cells.air import Air
from cosim.cells.shared import SharedCell
from cosim.cells.virtual_time import VirtualTimeCell
from cosim.clock import Clock
from cosim.interference import NoInterference

SECOND = 1_000_000_000
BLOCK_NS = 1_000_000
BANDWIDTH_HZ = 1e6
FAINT_SNR = 1e-3  # where the capacity is proportional to the gain, but for SNR / 2
NOISE_W = 1.380649e-23 * 290.0 * BANDWIDTH_HZ
Z_LIMIT = 4.0  # a false alarm once in 16,000 seeds, and the seed is fixed
HARMONIC_4 = 1 + 1 / 2 + 1 / 3 + 1 / 4
STEADY_SNR = 255.0  # 8 bit/s/Hz: a byte a microsecond alone

Make = Callable[[Clock, Air], Cell]


def faint_air(relative_gain: np.ndarray, seed: int = 0) -> Air:
    """Rayleigh links whose rates are proportional to their gains."""
    links = RadioLinks(
        mean_gain=FAINT_SNR * relative_gain * NOISE_W,
        transmit_power_w=np.ones(len(relative_gain)),
        noise_figure_db=0.0,
        fading=BlockRayleigh(stream=Stream(seed, "fading"), block_ns=BLOCK_NS),
    )
    return Air(links=links, bandwidth_hz=BANDWIDTH_HZ, splits_power=True)


def steady_air(users: int) -> Air:
    links = RadioLinks(
        mean_gain=np.full(users, STEADY_SNR * NOISE_W),
        transmit_power_w=np.ones(users),
        noise_figure_db=0.0,
        fading=NoFading(block_ns=3600 * SECOND),
    )
    return Air(links=links, bandwidth_hz=BANDWIDTH_HZ, splits_power=True)


def shared(access: Access) -> Make:
    return lambda clock, air: SharedCell(clock=clock, air=air, access=access, interference=NoInterference())


def backlogged_bps(air: Air, access: Access, seconds: int) -> np.ndarray:
    """Rates (users,) over so many seconds of users who always have something to send."""
    clock = Clock()
    cell = shared(access)(clock, air)
    plenty = 2_500  # for longer than that: a cell looks ahead to the next end
    transfers = [cell.begin(link, plenty) for link in range(len(air.links.mean_gain))]

    def stop_all() -> None:
        for transfer in transfers:
            cell.stop(transfer)

    clock.run(clock.at(seconds * SECOND, stop_all))
    return np.array([plenty * 8 - transfer.remaining_bits for transfer in transfers]) / seconds


def sojourns_s(make: Make, arrivals_s: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """How long each of some messages (n,) is in the cell; all links are alike."""
    clock, took_s = Clock(), np.empty(len(sizes))
    cell = make(clock, steady_air(1))

    def source():
        for number, (arrival_s, nbytes) in enumerate(zip(arrivals_s.tolist(), sizes.tolist(), strict=True)):
            yield clock.at(round(arrival_s * SECOND))
            cell.begin(0, nbytes).done.callbacks.append(lambda _, number=number: left(number))

    def left(number: int) -> None:
        took_s[number] = clock.now_s - arrivals_s[number]

    clock.process(source())
    clock.env.run()
    return took_s


def poisson(count: int, per_s: float, seed: int) -> np.ndarray:
    return np.cumsum(Stream(seed, "arrivals").exponential(np.arange(count), 0)) / per_s


SERVICE_S = {
    "constant": lambda draw, lot: np.ones_like(draw),
    "exponential": lambda draw, lot: draw,
    "hyperexponential": lambda draw, lot: draw * np.where(lot < 0.1, 5.5, 0.5),  # mean 1, squared variation 5.5
}


@pytest.mark.parametrize("service", sorted(SERVICE_S))
def test_the_time_in_a_shared_cell_depends_on_the_mean_size_alone(service: str) -> None:
    """M/G/1-PS is insensitive: E[T] = E[S] / (1 - rho); 30 batches of 500, judged by their own spread."""
    count, load, mean_s, batches = 15_000, 0.6, 1e-3, 30
    numbers = np.arange(count)
    draw, lot = Stream(1, "size").exponential(numbers, 0), Stream(1, "lot").uniform(numbers, 0)
    sizes = np.maximum(1, np.round(SERVICE_S[service](draw, lot) * mean_s * 1e6)).astype(int)  # a byte a microsecond

    def make(clock: Clock, air: Air) -> Cell:
        return VirtualTimeCell(clock=clock, air=air, interference_w=0.0)

    took_s = sojourns_s(make, poisson(count, load / mean_s, seed=2), sizes)
    means = took_s.reshape(batches, -1).mean(axis=1)
    error_s = means.std(ddof=1) / np.sqrt(batches)
    assert abs(means.mean() - mean_s / (1 - load)) < Z_LIMIT * error_s
    assert error_s < 0.06 * mean_s / (1 - load)  # or the test could not tell PS from FIFO, which has other means


def test_one_after_another_is_a_queue_with_lindleys_waiting_times() -> None:
    """W' = max(0, W + S - A), to the tick."""
    count, mean_s = 400, 1e-3
    arrivals_s = np.round(poisson(count, 0.8 / mean_s, seed=3) * SECOND) / SECOND
    sizes = np.maximum(1, (Stream(3, "size").exponential(np.arange(count), 0) * 1000).astype(int))
    waited_s, expected_s = 0.0, []
    for number, nbytes in enumerate(sizes.tolist()):
        expected_s.append(waited_s + nbytes * 1e-6)
        if number + 1 < count:
            waited_s = max(0.0, expected_s[-1] - (arrivals_s[number + 1] - arrivals_s[number]))
    a_tick_each_s = count / SECOND
    assert sojourns_s(shared(Tdma()), arrivals_s, sizes) == pytest.approx(expected_s, abs=a_tick_each_s)


@pytest.mark.parametrize("access", [EqualShare(), RoundRobin(), MaxRate(), ProportionalFair(block_ns=BLOCK_NS)])
def test_equals_who_begin_together_end_together(access: Access) -> None:
    clock = Clock()
    cell = shared(access)(clock, steady_air(7))
    transfers = [cell.begin(link, 10_000) for link in range(7)]
    clock.run(transfers[0].done)
    assert clock.now_ns == 70_000_000  # a byte a microsecond
    assert all(transfer.done.triggered for transfer in transfers)


def test_the_best_of_four_is_better_than_each_by_order_statistics() -> None:
    """E[max of n Exp(1)] = 1 + 1/2 + ... + 1/n; the maximum has variance 1 + 1/4 + ... + 1/n^2."""
    blocks = 4000
    total_bps = backlogged_bps(faint_air(np.ones(4)), MaxRate(), blocks * BLOCK_NS // SECOND).sum()
    one_bps = BANDWIDTH_HZ * FAINT_SNR / np.log(2)
    error = np.sqrt(sum(1 / i**2 for i in range(1, 5)) / blocks)
    assert abs(total_bps / one_bps - HARMONIC_4) < Z_LIMIT * error + 2 * FAINT_SNR * HARMONIC_4


def test_turns_give_each_a_fourth_of_what_its_own_channel_would() -> None:
    air = faint_air(np.array([1.0, 0.5, 0.1, 2.0]))
    alone = air.links.rates_bps(np.arange(4), BANDWIDTH_HZ, 1.0, 0, 1000).mean(axis=1)
    assert backlogged_bps(air, RoundRobin(), 1) == pytest.approx(alone / 4, rel=1e-9)


def test_proportional_fairness_gives_each_the_same_share_of_its_own_mean_and_the_gain_of_choice() -> None:
    """With rates in proportion to Rayleigh gains each is served 1/n of the time at H_n times its mean rate."""
    relative, seconds = np.array([1.0, 0.5, 0.1, 2.0]), 8
    access = ProportionalFair(block_ns=BLOCK_NS, window_s=0.5)
    found = backlogged_bps(faint_air(relative), access, seconds) / (BANDWIDTH_HZ * FAINT_SNR / np.log(2) * relative)
    expected = HARMONIC_4 / 4
    # of n blocks each has n / 4 with mean H_4 and deviation 1.2, and which they are is nearly fixed by the average
    sampling = Z_LIMIT * 1.2 / HARMONIC_4 / np.sqrt(seconds * SECOND / BLOCK_NS / 4)
    finite_window = 0.02
    assert found == pytest.approx(np.full(4, expected), rel=sampling + finite_window)


def test_a_longer_window_is_better_at_choosing_and_worse_at_being_fair_soon() -> None:
    air = faint_air(np.array([1.0, 0.3, 0.1]))
    short, long = (
        backlogged_bps(air, ProportionalFair(block_ns=BLOCK_NS, window_s=window_s), 2).sum() for window_s in (2e-3, 1.0)
    )
    assert long > 1.1 * short


@pytest.mark.parametrize("window_s", [0.0, -1.0, float("nan"), float("inf")])
def test_a_window_that_is_none_is_an_error(window_s: float) -> None:
    with pytest.raises(ValueError, match="window_s must be positive"):
        ProportionalFair(block_ns=1, window_s=window_s)
