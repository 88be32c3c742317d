"""What only one way of execution does: eager at once, analytic never."""

import pytest
import torch

from training.learning import Learning
from training.runtime import AnalyticRuntime, EagerRuntime, Unavailable


def test_an_analytic_run_computes_nothing_and_invents_nothing(lab) -> None:
    runtime = AnalyticRuntime(lab)
    learning = Learning(runtime)
    job = learning.loss_and_backward(lab.whole, learning.start(lab.whole, "own"), learning.batch((0, 1)))
    runtime.reached(job)
    assert (runtime.jobs_run, job.task, job["loss"].value, runtime.values([])) == (0, None, None, [])
    with pytest.raises(Unavailable, match=r"execution = 'analytic': the scheme decides by 'loss'.*choose 'deferred'"):
        learning.values([job["loss"]])


def test_an_analytic_run_takes_values_to_be_what_the_scheme_assumes(lab) -> None:
    learning = Learning(AnalyticRuntime(lab))
    job = learning.loss_and_backward(lab.whole, learning.start(lab.whole, "own"), learning.batch((0, 1)))
    assert learning.values([job["loss"]], assume=[2.5]) == [2.5]


def test_who_computes_ignores_what_is_assumed(lab) -> None:
    learning = Learning(EagerRuntime(lab))
    job = learning.loss_and_backward(lab.whole, learning.start(lab.whole, "own"), learning.batch((0, 1)))
    assert learning.values([job["loss"]], assume=[-1.0]) == learning.values([job["loss"]])
    assert learning.values([job["loss"]])[0] > 0
    assert (EagerRuntime.computes_values, AnalyticRuntime.computes_values) == (True, False)


def test_eager_runs_one_job_for_each_submitted(lab) -> None:
    """Equal jobs run twice: nothing is shared or left out where the others are compared with it."""
    runtime = EagerRuntime(lab)
    learning = Learning(runtime)
    start = learning.start(lab.whole, "own")
    jobs = [learning.loss_and_backward(lab.whole, start, learning.batch((0, 1))) for _ in range(2)]
    for job in jobs:
        runtime.reached(job)
    assert runtime.jobs_run == 3
    one, two = runtime.values([job["adapter"] for job in jobs])
    assert one is not two
    assert torch.equal(one.weights, two.weights)
