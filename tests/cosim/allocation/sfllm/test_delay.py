"""The delay of a decision against the paper's formula, term by term in plain Python."""

from collections.abc import Callable
from dataclasses import replace
from math import log2
from typing import Any

import numpy as np
import pytest

from cosim.allocation.sfllm.delay import bps
from cosim.allocation.sfllm.descent import Held, HeldUplink, descend
from cosim.allocation.sfllm.problem import Grant, SplitProblem, Uplink

DrawSplits = Callable[..., SplitProblem]

ROUNDING = 1e-12


def rates(uplink: Uplink, grant: Grant, drop: int, clients: int) -> list[float]:
    carried = [0.0] * clients
    for m, owner in enumerate(grant.owner[drop]):
        snr = grant.power_w[drop, m] * uplink.gain_to_noise_hz_per_w[drop, owner, m] / uplink.width_hz[m]
        carried[owner] += uplink.width_hz[m] * log2(1.0 + snr)
    return carried


def by_the_formula(problem: SplitProblem, decision: Any, drop: int) -> float:
    """E(r) (I T_local + max T_k^f)."""
    work, clients, at = problem.work, range(problem.clients), (decision.split[drop], decision.rank[drop])
    speed = problem.client_flops_per_s[drop]
    main = rates(problem.main, decision.main, drop, problem.clients)
    federated = rates(problem.federated, decision.federated, drop, problem.clients)
    sent_s = max(work.client_forward_flops[at] / speed[k] + work.activation_bits[at] / main[k] for k in clients)
    server_s = problem.clients * work.server_flops[at] / problem.server_flops_per_s
    backward_s = max(work.client_backward_flops[at] / speed[k] for k in clients)
    upload_s = max(work.adapter_bits[at] / federated[k] for k in clients)
    return float(work.rounds[at[1]] * (problem.iterations * (sent_s + server_s + backward_s) + upload_s))


@pytest.mark.parametrize("split", [0, 4, 10])
def test_the_delay_is_that_of_the_formula(draw_splits: DrawSplits, split: int) -> None:
    problem = draw_splits(drops=3)
    draw = np.random.default_rng(split)
    owner = np.stack([draw.permutation(np.arange(20) % 5) for _ in range(3)])
    uplink = HeldUplink(owner=owner, power_weights=draw.uniform(size=(3, 20)))
    held = Held(split=np.full(3, split), rank=np.array([0, 2, 4]), main=uplink, federated=uplink)
    decision = descend(problem, held).best
    assert decision.split.tolist() == [split] * 3
    assert decision.rank.tolist() == [0, 2, 4]
    for drop in range(3):
        assert decision.total_s[drop] == pytest.approx(by_the_formula(problem, decision, drop), rel=ROUNDING)
        carried = rates(problem.main, decision.main, drop, 5)
        assert bps(problem.main, decision.main)[drop] == pytest.approx(carried, rel=ROUNDING)


def test_what_does_not_fit_together_is_named(draw_splits: DrawSplits) -> None:
    problem = draw_splits(drops=2)
    with pytest.raises(ValueError, match=r"main.gain_to_noise_hz_per_w must be of clients \(2, 4\), got \(2, 5\)"):
        replace(problem, client_flops_per_s=problem.client_flops_per_s[:, :4])
    with pytest.raises(ValueError, match=r"server_flops_per_s must be finite and positive, got 0\.0"):
        replace(problem, server_flops_per_s=0.0)
    with pytest.raises(ValueError, match=r"rounds must have shape \(5,\), got \(2,\)"):
        replace(problem.work, rounds=np.ones(2))
    with pytest.raises(ValueError, match="adapter_bits must be finite and positive"):
        replace(problem.work, adapter_bits=0.0 * problem.work.adapter_bits)
