"""The experiment: its placeholders, the reduction that is claimed of it, and the shapes of its curves."""

from dataclasses import replace

import numpy as np
import pytest

from cosim.allocation.sfllm.problem import Work
from cosim.reproduce.sfllm import OPTIMISED, Reduction, Setting, curves, delays_s, draw, reductions
from cosim.reproduce.sfllm import work as measured

CLAIMED = 0.5
"""Mean reduction against decisions that are all drawn; second-hand, the paper has up to about 60 %."""


@pytest.fixture(scope="module")
def work() -> Work:
    return measured(Setting())


@pytest.fixture(scope="module")
def found(work: Work) -> dict[str, Reduction]:
    return reductions(delays_s(draw(Setting(), work, drops=100, seed=0), seed=0))


def test_all_decisions_together_save_half_the_delay(found: dict[str, Reduction]) -> None:
    """Not by chance: the whole interval of the mean is above."""
    assert found["all random"].low > CLAIMED
    assert found["all random"].low < found["all random"].mean < found["all random"].high


def test_every_decision_saves_some_and_none_as_much_as_all(found: dict[str, Reduction]) -> None:
    single = {name: each for name, each in found.items() if name != "all random"}
    assert len(single) == 4
    for each in single.values():
        assert 0.0 < each.low < each.high < found["all random"].low


def test_less_is_saved_where_computing_takes_most_of_the_time(work: Work, found: dict[str, Reduction]) -> None:
    slow = replace(Setting(), cycles_per_flop=1 / 16, server_cycles_per_flop=1 / 32)
    alike = replace(Setting(), server_cycles_per_flop=Setting().cycles_per_flop)
    saved = [reductions(delays_s(draw(each, work, drops=100, seed=0), seed=0)) for each in (slow, alike)]
    means = [each["all random"].mean for each in saved]
    assert means == pytest.approx([0.28, 0.44], abs=0.01)  # what the module says of them
    assert saved[1]["random split"].mean < 0.05 < found["random split"].mean


def test_the_interval_is_students() -> None:
    """Of 1 - T / T' = 0.5, 0.25, 0: mean 0.25, deviation 0.25, and t = 4.3027 for two degrees of freedom."""
    best, others = np.array([1.0, 3.0, 2.0]), np.array([2.0, 4.0, 2.0])
    of = reductions({OPTIMISED: best, "other": others})["other"]
    assert of.mean == 0.25
    assert of.high - of.mean == pytest.approx(4.3027 * 0.25 / 3**0.5, rel=1e-4)  # of the table's four decimals
    assert of.of_means == pytest.approx(1 - 6 / 8)


def test_drops_are_those_of_the_placeholders(work: Work) -> None:
    problem = draw(Setting(), work, drops=200, seed=0)
    assert problem.client_flops_per_s.shape == (200, 5)
    assert problem.client_flops_per_s.min() > 1.0e9 * 1024 and problem.client_flops_per_s.max() < 1.6e9 * 1024
    for uplink in (problem.main, problem.federated):
        assert uplink.width_hz.tolist() == [500e3] * 20
        assert uplink.client_power_w == pytest.approx(15.0, rel=1e-3)  # 41.76 dBm, to its two decimals
        assert uplink.total_power_w == pytest.approx(50.0, rel=1e-3)
    assert np.array_equal(problem.main.gain_to_noise_hz_per_w, problem.federated.gain_to_noise_hz_per_w)


def test_with_fading_every_subchannel_has_a_gain_of_its_own(work: Work) -> None:
    plain = draw(Setting(), work, drops=200, seed=0)
    faded = draw(replace(Setting(), rayleigh=True), work, drops=200, seed=0)
    fading = [
        getattr(faded, name).gain_to_noise_hz_per_w / plain.main.gain_to_noise_hz_per_w
        for name in ("main", "federated")
    ]
    for each in fading:
        assert np.mean(each) == pytest.approx(1.0, abs=0.03)  # four deviations of the mean of 20,000 exponentials
    assert abs(np.corrcoef(fading[0].ravel(), fading[1].ravel())[0, 1]) < 0.03  # likewise


def test_delays_fall_with_power_bandwidth_and_clock_rates(work: Work) -> None:
    drawn = curves(Setting(), work, drops=10, seed=1)
    assert [curve.quantity for curve in drawn] == [
        "maximum power of a client", "bandwidth", "clock rates of the clients, relative",
    ]  # fmt: skip
    for curve in drawn:
        for delay in curve.delay_s.values():
            assert delay.shape == curve.values.shape
            assert (np.diff(delay) < 0.0).all()
        assert all((curve.delay_s[OPTIMISED] <= delay).all() for delay in curve.delay_s.values())
