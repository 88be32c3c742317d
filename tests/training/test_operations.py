"""Operations: what a scheme makes of jobs is what a plain loop over models would have learnt."""

import copy

import pytest
import torch

from training.adapters import state_dict
from training.evaluation import score
from training.learning import Learning
from training.operations import Adopt, Average, Evaluate, MeanLoss, Start
from training.optimiser import AdapterState
from training.runtime import EagerRuntime

STEPPED_TOLERANCE = 5e-5  # AdamW divides by sqrt(v): where a gradient is near zero, a step is lr times its sign

SAMPLES = [1, 2, 5]
ROUNDS, LOCAL_STEPS = 2, 2


def state_of(numbers: list[float], step: int = 0) -> AdapterState:
    weights = torch.tensor(numbers)
    return AdapterState.of(weights=weights, moments=torch.stack([weights + 10, weights + 20]), step=step)


def rows_of(user: int, round_number: int, step: int) -> tuple[int, ...]:
    return tuple((5 * user + 3 * round_number + 2 * step + i) % 12 for i in range(3))


def test_an_average_is_the_weighted_mean_with_fresh_moments(lab) -> None:
    states = [state_of([1.0, 2.0], step=3), state_of([5.0, -2.0], step=4)]
    mean = Average(weights=(0.25, 0.75)).run(lab, states)["adapter"]
    assert mean.weights.tolist() == [0.25 * 1 + 0.75 * 5, 0.25 * 2 - 0.75 * 2]
    assert (mean.step, mean.first_moment.tolist(), mean.second_moment.tolist()) == (0, [0, 0], [0, 0])
    assert states[0].weights.tolist() == [1.0, 2.0]


def test_adopting_takes_the_weights_and_keeps_moments_and_step(lab) -> None:
    own, received = state_of([1.0, 2.0], step=3), state_of([7.0, 8.0], step=9)
    adopted = Adopt(part=lab.whole).run(lab, [own, received])["adapter"]
    assert torch.equal(adopted.weights, received.weights)
    assert torch.equal(adopted.first_moment, own.first_moment)
    assert torch.equal(adopted.second_moment, own.second_moment)
    assert adopted.step == 3


def test_averaging_takes_two_flops_a_received_number(lab) -> None:
    learning = Learning(EagerRuntime(lab))
    adapters = [learning.start(learning.whole, str(user)) for user in range(3)]
    numbers = lab.model.layout.parameters(lab.model.whole)
    job = learning.average(adapters, SAMPLES, "average")
    assert job.cost.flops == 2 * 3 * numbers
    assert job.task is not None
    assert job.task.operation == Average(weights=(1 / 8, 2 / 8, 5 / 8))


def test_starts_of_parts_join_to_the_start_of_the_whole(lab) -> None:
    starts = [Start(part=part).run(lab, [])["adapter"] for part in lab.model.parts([1, 3])]
    whole = Start(part=lab.model.whole).run(lab, [])["adapter"]
    assert torch.equal(torch.cat([state.weights for state in starts]), whole.weights)
    assert torch.equal(whole.weights, lab.model.layout.initial(lab.model.whole, lab.seed))


def test_federated_averaging_is_a_plain_loop_over_peft_models(lab, gpt2, plain_peft, read) -> None:
    learning = Learning(EagerRuntime(lab))
    layout, whole = lab.model.layout, learning.whole
    own = [learning.start(whole, f"user {user}") for user in range(len(SAMPLES))]
    average = learning.start(whole, "average")

    start = state_dict(layout, layout.initial(whole, lab.seed))
    plain = [plain_peft(gpt2.build(), gpt2.lora(), start) for _ in SAMPLES]
    expected = copy.deepcopy(start)

    for number in range(ROUNDS):
        for user, peft_user in enumerate(plain):
            own[user] = learning.adopt(whole, own[user], average)["adapter"]
            peft_user.load(expected)
            for step in range(LOCAL_STEPS):
                batch = learning.batch(rows_of(user, number, step))
                job = learning.loss_and_backward(whole, own[user], batch)
                own[user] = job["adapter"]
                loss, _ = peft_user.step(*read(lab, batch))
                assert learning.runtime.values([job["loss"]])[0] == pytest.approx(loss, abs=STEPPED_TOLERANCE)
        average = learning.average(own, SAMPLES, "average")["adapter"]
        trained = [peft_user.adapter() for peft_user in plain]
        expected = {
            name: sum(n * adapter[name] for n, adapter in zip(SAMPLES, trained, strict=True)) / sum(SAMPLES)
            for name in start
        }

    ours = state_dict(layout, learning.runtime.values([average])[0].weights)
    assert ours.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(ours[name], tensor, rtol=0, atol=STEPPED_TOLERANCE)
        assert (tensor - start[name]).abs().max() > 10 * STEPPED_TOLERANCE  # it has moved farther than the tolerance


def test_evaluation_joins_the_parts_in_their_order(lab, adapter_of) -> None:
    adapter = adapter_of(lab.model)
    pieces = [AdapterState.fresh(adapter[lab.model.layout.slice_of(part)]) for part in lab.model.parts([1, 3])]
    rows = {"first": 1, "last": 4}
    found = Evaluate(**rows).run(lab, pieces)["score"]
    assert found == score(lab.model, adapter, lab.held_out_rows, range(1, 4))
    assert Evaluate(**rows).run(lab, pieces[::-1])["score"] != found


def test_the_mean_loss_does_not_depend_on_the_order_of_the_losses(lab) -> None:
    losses = [7.1, 1e-9, 3.3, 0.2, 5.7]
    mean = MeanLoss().run(lab, losses)["loss"]
    assert mean == pytest.approx(sum(losses) / 5)
    assert mean == MeanLoss().run(lab, losses[::-1])["loss"] == MeanLoss().run(lab, sorted(losses))["loss"]
