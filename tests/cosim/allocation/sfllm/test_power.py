"""The exact powers against a conic solver, against their own conditions, and against what any optimum must do."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.allocation.conic import SolverFailed
from cosim.allocation.sfllm import conic_power
from cosim.allocation.sfllm.delay import bps, by_client
from cosim.allocation.sfllm.power import earliest
from cosim.allocation.sfllm.problem import Uplink

DrawUplinks = Callable[..., Uplink]

CONIC = 1e-6
"""Relative, of T1: what the conic solver is good for, at the loosest of the tolerances that it is tried with."""
EXACT = 1e-9
"""Relative: how nearly everybody is done at T1, and how nearly the power is spent."""
FAILURES = 0.05
"""Share of the instances of which the conic solver may find no optimum."""


def instance(uplink: Uplink, seed: int) -> tuple[Any, Any, Any]:
    """Owners (drops, M), and what clients have to send and to compute (drops, K), some a hundred times more."""
    draw = np.random.default_rng(seed)
    drops, clients, subchannels = uplink.gain_to_noise_hz_per_w.shape
    owner = draw.integers(0, clients, (drops, subchannels))
    owner[:, :clients] = np.arange(clients)
    return owner, 10.0 ** draw.uniform(6.0, 8.0, (drops, clients)), draw.uniform(0.0, 5.0, (drops, clients))


def check_against_conic(draw_uplinks: DrawUplinks, drops: int, seed: int, **given: float) -> None:
    uplink, failures = draw_uplinks(drops=drops, seed=seed, **given), 0
    owner, bits, busy_s = instance(uplink, seed)
    _, t1_s = earliest(uplink, owner, bits, busy_s)
    for drop in range(drops):
        alone = replace(uplink, gain_to_noise_hz_per_w=uplink.gain_to_noise_hz_per_w[drop])
        try:
            _, reference_s = conic_power.earliest(alone, owner[drop], bits[drop], busy_s[drop])
        except SolverFailed:
            failures += 1
            continue
        assert t1_s[drop] == pytest.approx(reference_s, rel=CONIC)
    assert failures <= FAILURES * drops


def test_the_conic_solver_finds_the_same_moment(draw_uplinks: DrawUplinks) -> None:
    check_against_conic(draw_uplinks, drops=20, seed=1)


@pytest.mark.slow
def test_the_conic_solver_finds_the_same_moment_in_many_drops(draw_uplinks: DrawUplinks) -> None:
    check_against_conic(draw_uplinks, drops=500, seed=2)
    check_against_conic(draw_uplinks, drops=500, seed=3, power_dbm=10.0, caps=1.2)


@pytest.mark.parametrize("power_dbm", [-20.0, 20.0, 41.76])
def test_all_are_done_together_and_power_is_what_delays_them(draw_uplinks: DrawUplinks, power_dbm: float) -> None:
    """Either all power is spent, or one client's cap is: else T1 could be earlier."""
    uplink = draw_uplinks(drops=200, power_dbm=power_dbm, caps=1.5)
    owner, bits, busy_s = instance(uplink, 3)
    grant, t1_s = earliest(uplink, owner, bits, busy_s)
    done_s = busy_s + bits / bps(uplink, grant)
    np.testing.assert_allclose(done_s, np.broadcast_to(t1_s[:, None], done_s.shape), rtol=EXACT)
    of_cap = np.max(by_client(grant.power_w, owner, 5) / uplink.client_power_w, axis=1)
    of_all = np.sum(grant.power_w, axis=1) / uplink.total_power_w
    np.testing.assert_allclose(np.maximum(of_cap, of_all), 1.0, rtol=EXACT)
    assert (of_all < 0.9).any() and (of_cap < 0.9).any()  # both kinds are among the drops


def test_one_client_sends_at_its_cap(draw_uplinks: DrawUplinks) -> None:
    uplink = draw_uplinks(clients=1, subchannels=1)
    _, t1_s = earliest(uplink, np.zeros((1, 1), dtype=np.int64), np.array([[1e6]]), np.array([[2.0]]))
    snr = float(uplink.client_power_w) * uplink.gain_to_noise_hz_per_w[0, 0, 0] / 500e3
    assert t1_s[0] == pytest.approx(2.0 + 1e6 / (500e3 * np.log2(1.0 + snr)), rel=1e-12)  # rounding


def test_a_short_upload_after_a_long_computation_is_as_exact(draw_uplinks: DrawUplinks) -> None:
    """A second more of computing for everybody is a second more, and no power differs."""
    uplink = draw_uplinks(drops=50)
    owner, bits, busy_s = instance(uplink, 4)
    grant, t1_s = earliest(uplink, owner, bits, busy_s)
    later, later_s = earliest(uplink, owner, bits, busy_s + 4096.0)
    np.testing.assert_allclose(later.power_w, grant.power_w, rtol=1e-9)  # busy_s has lost twelve binary digits
    np.testing.assert_allclose(later_s, t1_s + 4096.0, rtol=1e-12)  # rounding


def test_one_drop_of_many_is_as_if_it_were_alone(draw_uplinks: DrawUplinks) -> None:
    uplink = draw_uplinks(drops=8)
    owner, bits, busy_s = instance(uplink, 5)
    together, _ = earliest(uplink, owner, bits, busy_s)
    for drop in range(8):
        alone = replace(uplink, gain_to_noise_hz_per_w=uplink.gain_to_noise_hz_per_w[drop])
        grant, _ = earliest(alone, owner[drop], bits[drop], busy_s[drop])
        np.testing.assert_allclose(grant.power_w, together.power_w[drop], rtol=1e-10)  # the search ends elsewhere


@settings(max_examples=50)
@given(st.integers(0, 1000), st.floats(1.01, 10.0), st.floats(-20.0, 50.0))
def test_more_of_anything_good_is_earlier_and_more_to_do_later(
    draw_uplinks: DrawUplinks, seed: int, factor: float, power_dbm: float
) -> None:
    uplink = draw_uplinks(drops=5, seed=seed, power_dbm=power_dbm)
    owner, bits, busy_s = instance(uplink, seed)

    def moment(changed: Uplink = uplink, more: float = 1.0, idle: float = 1.0) -> Any:
        return earliest(changed, owner, bits * more, busy_s / idle)[1]

    before = moment()
    powerful = replace(
        uplink, client_power_w=uplink.client_power_w * factor, total_power_w=uplink.total_power_w * factor
    )
    assert (moment(powerful) < before).all()
    assert (moment(replace(uplink, client_power_w=uplink.client_power_w * factor)) <= before * (1 + 1e-12)).all()
    assert (moment(replace(uplink, total_power_w=uplink.total_power_w * factor)) <= before * (1 + 1e-12)).all()
    assert (moment(replace(uplink, width_hz=uplink.width_hz * factor)) < before).all()
    assert (moment(idle=factor) < before).all()
    assert (moment(more=factor) > before).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"client_power_w": 0.0}, "client_power_w must be finite and positive, got 0.0"),
        ({"total_power_w": 0.0}, "total_power_w must be finite and positive, got 0.0"),
        ({"width_hz": np.full(3, 500e3), "gain_to_noise_hz_per_w": np.ones((1, 5, 3))},
         "width_hz: 5 clients need at least as many subchannels, got 3"),
        ({"width_hz": np.full(3, 500e3)}, r"width_hz must have shape \(20,\), got \(3,\)"),
        ({"gain_to_noise_hz_per_w": -np.ones((1, 5, 20))}, "gain_to_noise_hz_per_w must be finite and positive"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(draw_uplinks: DrawUplinks, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(draw_uplinks(), **fields)


def test_a_client_without_a_subchannel_is_named(draw_uplinks: DrawUplinks) -> None:
    uplink = draw_uplinks()
    owner, bits, busy_s = instance(uplink, 6)
    with pytest.raises(ValueError, match="owner: client 3 has no subchannel; each needs one"):
        earliest(uplink, np.where(owner == 3, 0, owner), bits, busy_s)
