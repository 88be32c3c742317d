"""Baselines: what they draw, and that what is drawn costs."""

from collections.abc import Callable

import numpy as np
import pytest

from cosim.allocation.sfllm.baselines import BASELINES
from cosim.allocation.sfllm.delay import by_client
from cosim.allocation.sfllm.descent import optimum
from cosim.allocation.sfllm.problem import SplitProblem

DrawSplits = Callable[..., SplitProblem]

EACH = pytest.mark.parametrize("name", BASELINES)


@EACH
def test_what_is_drawn_costs_on_average(draw_splits: DrawSplits, name: str) -> None:
    """Not in each drop: the greedy subchannels may be worse than lucky ones."""
    problem = draw_splits(drops=50)
    assert np.mean(BASELINES[name](problem, 0).total_s) > np.mean(optimum(problem).total_s)


@EACH
def test_draws_are_a_function_of_the_seed_and_of_the_drop_alone(draw_splits: DrawSplits, name: str) -> None:
    problem = draw_splits(drops=6)
    first, again, other = (BASELINES[name](problem, seed).total_s for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    mains = problem.main, problem.federated
    fewer = SplitProblem(
        work=problem.work, client_flops_per_s=problem.client_flops_per_s[:4],
        server_flops_per_s=problem.server_flops_per_s, iterations=problem.iterations,
        **{
            name: type(uplink)(
                width_hz=uplink.width_hz, gain_to_noise_hz_per_w=uplink.gain_to_noise_hz_per_w[:4],
                client_power_w=uplink.client_power_w, total_power_w=uplink.total_power_w,
            )
            for name, uplink in zip(("main", "federated"), mains, strict=True)
        },
    )  # fmt: skip
    np.testing.assert_allclose(BASELINES[name](fewer, 3).total_s, first[:4], rtol=1e-12)  # rounding


@EACH
def test_everybody_may_send_and_no_cap_is_passed(draw_splits: DrawSplits, name: str) -> None:
    problem = draw_splits(drops=50)
    found = BASELINES[name](problem, 1)
    for uplink, grant in ((problem.main, found.main), (problem.federated, found.federated)):
        assert (by_client(np.ones((50, 20)), grant.owner, 5) >= 1.0).all()
        assert (by_client(grant.power_w, grant.owner, 5) <= uplink.client_power_w * (1.0 + 1e-9)).all()  # rounding
        assert (np.sum(grant.power_w, axis=1) <= uplink.total_power_w * (1.0 + 1e-9)).all()


def test_all_random_draws_what_the_others_draw(draw_splits: DrawSplits) -> None:
    problem = draw_splits(drops=200)
    found = BASELINES["all random"](problem, 0)
    assert np.array_equal(found.split, BASELINES["random split"](problem, 0).split)
    assert np.array_equal(found.rank, BASELINES["random rank"](problem, 0).rank)
    assert np.array_equal(found.main.owner, BASELINES["random subchannels"](problem, 0).main.owner)
    assert {*found.split.tolist()} == {*range(11)} and {*found.rank.tolist()} == {*range(5)}
    assert not np.array_equal(found.main.owner, found.federated.owner)
    counts = by_client(np.ones((200, 20)), found.main.owner, 5)
    assert counts.mean(axis=0) == pytest.approx([4.0] * 5, abs=0.5)  # fifteen fair draws over 200 drops: 0.11 each
