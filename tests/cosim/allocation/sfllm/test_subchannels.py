"""The greedy rule, step by step on instances that can be followed by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cosim.allocation.sfllm.problem import Uplink
from cosim.allocation.sfllm.subchannels import greedy


def uplink(gain: list[list[float]], power_w: float = 1.0, total_w: float = 4.0) -> Uplink:
    """Subchannels of 1 Hz, at most 4 W: with four of them a watt in each."""
    gains = np.array(gain)
    return Uplink(
        width_hz=np.ones(gains.shape[1]), gain_to_noise_hz_per_w=gains, client_power_w=power_w, total_power_w=total_w
    )


def owners(of: Uplink, speed: list[float], bits: Any = 1.0, busy_s: Any = (0.0, 0.0)) -> list[int]:
    found = greedy(of, np.array(speed), np.array(bits), np.array(busy_s))
    return [int(owner) for owner in found]


def test_the_slowest_computer_chooses_first_and_takes_what_it_hears_best() -> None:
    """Both hear the second subchannel best; with two, nothing else is to be dealt out."""
    both = uplink([[1.0, 9.0], [1.0, 9.0]])
    assert owners(both, speed=[5.0, 2.0]) == [0, 1]
    assert owners(both, speed=[2.0, 5.0]) == [1, 0]


def test_what_is_left_goes_to_whoever_would_be_done_last() -> None:
    """One has thrice the bits: at one SNR its delay is 3, 3/2, 1 with 1, 2, 3 subchannels, the other's 1."""
    alike = uplink([[3.0] * 4, [3.0] * 4], power_w=4.0)
    assert sorted(owners(alike, speed=[1.0, 1.0], bits=[6.0, 2.0])) == [0, 0, 0, 1]
    assert sorted(owners(alike, speed=[1.0, 1.0], bits=[2.0, 6.0])) == [0, 1, 1, 1]


def test_a_long_computation_counts_as_delay() -> None:
    alike = uplink([[3.0] * 4, [3.0] * 4], power_w=4.0)
    assert sorted(owners(alike, speed=[1.0, 1.0], busy_s=[0.0, 10.0])) == [0, 1, 1, 1]


def test_a_client_at_its_cap_spreads_it() -> None:
    """Client 1 may send a hundredth of a watt: it is the later one, however many it has."""
    capped = Uplink(
        width_hz=np.ones(4), gain_to_noise_hz_per_w=np.full((2, 4), 3.0), client_power_w=np.array([4.0, 0.01]),
        total_power_w=4.0,
    )  # fmt: skip
    assert sorted(owners(capped, speed=[1.0, 1.0])) == [0, 1, 1, 1]


@given(st.integers(0, 1000), st.integers(1, 6), st.integers(0, 5))
def test_everybody_has_one_and_drops_do_not_mix(
    draw_uplinks: Callable[..., Uplink], seed: int, clients: int, more: int
) -> None:
    three = draw_uplinks(drops=3, clients=clients, subchannels=clients + more, seed=seed)
    speed, busy_s = np.random.default_rng(seed).uniform(1.0, 2.0, (2, 3, clients))
    found = greedy(three, speed, np.full((3, 1), 1e7), busy_s)
    for drop in range(3):
        assert set(found[drop].tolist()) == set(range(clients))
        alone = Uplink(
            width_hz=three.width_hz, gain_to_noise_hz_per_w=three.gain_to_noise_hz_per_w[drop],
            client_power_w=three.client_power_w, total_power_w=three.total_power_w,
        )  # fmt: skip
        assert greedy(alone, speed[drop], np.array(1e7), busy_s[drop]).tolist() == found[drop].tolist()
