"""What masked rounds compute: worked by hand over two rounds, and number by number against plain loops."""

from typing import Any

import pytest
import torch
from torch import Tensor

from training.learning import Learning
from training.masking import Delta, MaskB, Masked, MaskLargest, ServerStep
from training.optimiser import AdamW, AdapterState, Sgd, Stack
from training.runtime import EagerRuntime

ROUNDING = 1e-6  # a few single-precision operations on numbers of about one
WHOLE: Any = None
"""A lab and a part that nothing here asks for."""
CLIENT = Sgd(lr=0.1)
SERVER = AdamW(lr=0.5, eps=1e-12)
WANTED = torch.tensor([[0.0, -6.0, 10.0, 2.0], [4.0, -6.0, 10.0, -2.0]])
"""Where two clients would have the four numbers of an adapter: their loss is half the squared distance from there."""


def one_round(server: AdapterState) -> tuple[Tensor, list[Tensor], AdapterState]:
    """Half of the numbers go down, one in four comes up; one local step along w - wanted. Mask, reports, new server."""
    mask = MaskLargest(part=WHOLE, count=2).run(WHOLE, [server])["mask"]
    received = Masked(count=2).run(WHOLE, [server, mask])["adapter"]
    reports = []
    for wanted in WANTED:
        gradient = (received.weights - wanted)[None]
        (trained,) = CLIENT.step_in_place(Stack.of([received]), gradient)
        delta = Delta().run(WHOLE, [received, trained])["adapter"]
        own = MaskLargest(part=WHOLE, count=1).run(WHOLE, [delta])["mask"]
        reports.append(Masked(count=1).run(WHOLE, [delta, own])["adapter"])
    step = ServerStep(optimiser=SERVER, clients=2).run(WHOLE, [server, *reports])
    return mask, [report.weights for report in reports], step["adapter"]


def test_two_rounds_of_cellm_worked_by_hand() -> None:
    """P = (4, -2.9, 0, 1/2). Both clients begin from (4, -2.9, 0, 0) and move a tenth of the way.

    Of the deltas (0.4, 0.31, -1, -0.2) and (0, 0.31, -1, 0.2) the third number is the largest, which was masked out:
    the mean is (0, 0, -1, 0). AdamW's first step is lr * sign: P = (4, -2.9, 1/2, 1/2). In round two the mask is that
    of round one; deltas and mean are the same, and so is the step, for m = -0.19 and v = 0.001999 are divided by what
    makes them -1 and 1. So P = (4, -2.9, 1, 1/2).
    """
    server = AdapterState.fresh(torch.tensor([4.0, -2.9, 0.0, 0.5]))
    for expected in ([4.0, -2.9, 0.5, 0.5], [4.0, -2.9, 1.0, 0.5]):
        mask, reports, server = one_round(server)
        assert mask.tolist() == [True, True, False, False]
        torch.testing.assert_close(reports[0], torch.tensor([0.0, 0.0, -1.0, 0.0]), rtol=0, atol=ROUNDING)
        torch.testing.assert_close(server.weights, torch.tensor(expected), rtol=0, atol=ROUNDING)


def test_a_number_that_was_masked_out_comes_back_and_one_that_nobody_sends_moves_by_its_moments() -> None:
    """After six such rounds the third number is 3, and from the seventh on it is in the mask in place of the second.

    It is then sent to the clients, and what they move is a tenth of the way from there.
    """
    server = AdapterState.fresh(torch.tensor([4.0, -2.9, 0.0, 0.5]))
    masks, reports = [], []
    for _ in range(7):
        mask, found, server = one_round(server)
        masks.append(mask.tolist())
        reports.append(found)
    assert masks[:6] == [[True, True, False, False]] * 6
    assert masks[6] == [True, False, True, False]
    assert reports[6][0].tolist() == pytest.approx([0.0, 0.0, (3 - 10) / 10, 0.0], abs=ROUNDING)
    step = ServerStep(optimiser=SERVER, clients=1)
    silent = AdapterState.fresh(torch.zeros(4))
    moved = step.run(WHOLE, [server, silent])["adapter"]
    assert moved.weights[2] > server.weights[2]
    assert moved.first_moment[2] == pytest.approx(0.9 * server.first_moment[2].item())


def test_a_momentum_that_nobody_feeds_goes_on_as_adamw_says() -> None:
    """g = 1, then 0: m = 0.9 * 0.1 / (1 - 0.81), v = 0.999 * 0.001 / (1 - 0.998001), a step of m / sqrt(v)."""
    one, none = (AdapterState.fresh(torch.tensor([number])) for number in (1.0, 0.0))
    server = none
    for delta in (one, none):
        server = ServerStep(optimiser=SERVER, clients=1).run(WHOLE, [server, delta])["adapter"]
    second = (0.09 / 0.19) / (0.000999 / 0.001999) ** 0.5
    assert server.weights.item() == pytest.approx(-0.5 * (1 + second), abs=ROUNDING)
    assert second == pytest.approx(0.67006, abs=1e-5)


def test_the_mean_of_deltas_is_plain_and_what_came_with_them_is_not_read() -> None:
    deltas = [AdapterState.fresh(torch.tensor([2.0, 0.0])), AdapterState.fresh(torch.tensor([4.0, -6.0]))]
    step = ServerStep(optimiser=Sgd(lr=1.0, momentum=0.0), clients=2)
    server = step.run(WHOLE, [AdapterState.fresh(torch.zeros(2)), *deltas, "positions"])["adapter"]
    assert server.weights.tolist() == [-3.0, 3.0]


def test_of_equal_magnitudes_the_first_is_sent_and_an_earlier_mask_bounds_the_later() -> None:
    state = AdapterState.fresh(torch.tensor([1.0, -1.0, 1.0, 5.0]))
    first = MaskLargest(part=WHOLE, count=2).run(WHOLE, [state])["mask"]
    assert first.tolist() == [True, False, False, True]
    earlier = torch.tensor([False, True, True, False])
    assert MaskLargest(part=WHOLE, count=1).run(WHOLE, [state, earlier])["mask"].tolist() == [False, True, False, False]


def test_a_mask_of_a_narrow_adapter_lets_nothing_beyond_its_ranks_through(lab) -> None:
    """Though B is zero within them, too: as many numbers as A has, and some more."""
    learning = Learning(EagerRuntime(lab))
    ranks = learning.at_most(1)
    narrow = learning.start(learning.whole, "narrow", ranks)
    numbers = learning.adapter_numbers(learning.whole, ranks)
    (mask,) = learning.runtime.values([learning.mask_largest(learning.whole, narrow, numbers)])
    assert mask.sum() == numbers < lab.layout.parameters(lab.whole)
    assert torch.equal(mask, lab.layout.narrow(lab.whole, torch.ones(len(mask)), ranks).bool())


def test_a_mask_of_b_lets_all_through_but_a(lab) -> None:
    state = AdapterState.fresh(torch.ones(lab.layout.parameters(lab.whole)))
    mask = MaskB(part=lab.whole).run(lab, [state])["mask"]
    learning = Learning(EagerRuntime(lab))
    assert mask.sum() == learning.numbers_beside_a(lab.whole) == sum(s.rank * s.outputs for s in lab.layout.lora)
    untrained = lab.layout.initial(lab.whole, lab.seed)
    assert not untrained[mask].any(), "B begins at zero"
    assert untrained[~mask].all()


def test_a_client_holds_what_it_began_from_beside_its_training_state(lab) -> None:
    learning = Learning(EagerRuntime(lab))
    adapter = learning.start(learning.whole, "server")
    job = learning.begin(learning.whole, learning.start(learning.whole, "own"), [adapter])
    size = adapter.nbytes
    assert job.cost.resident_bytes == {"adapter": 2 * size, "gradient": size, "optimiser": 2 * size}  # of AdamW
    assert (job.lineage, job["adapter"].nbytes) == ("own", size)
