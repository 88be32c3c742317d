"""AdamW: PyTorch's own numbers, from a function that changes nothing."""

import copy

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from training.optimiser import AdamW, AdapterState

SIZE = 40
STEPS = 20
ROUNDING = 1e-6  # relative, single precision: the same operations, grouped otherwise

BETAS = st.floats(0.0, 0.9999)
OPTIMISERS = st.builds(
    AdamW,
    lr=st.floats(1e-6, 0.1),
    beta1=BETAS,
    beta2=BETAS,
    eps=st.floats(1e-10, 1e-2),
    weight_decay=st.floats(0.0, 1.0),
)


def random(seed: int, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(SIZE, generator=torch.Generator().manual_seed(seed))


def torch_adamw(optimiser: AdamW, weights: torch.Tensor, gradients: list[torch.Tensor]) -> torch.Tensor:
    parameter = torch.nn.Parameter(weights.clone())
    theirs = torch.optim.AdamW(
        [parameter],
        lr=optimiser.lr,
        betas=(optimiser.beta1, optimiser.beta2),
        eps=optimiser.eps,
        weight_decay=optimiser.weight_decay,
    )
    for gradient in gradients:
        parameter.grad = gradient.clone()
        theirs.step()
    return parameter.detach()


@settings(max_examples=40)
@given(OPTIMISERS, st.sampled_from([1e-6, 1.0, 1e3]))
def test_twenty_steps_are_those_of_pytorch(optimiser: AdamW, scale: float) -> None:
    gradients = [random(step, scale) for step in range(1, STEPS + 1)]
    state = AdapterState.fresh(random(0))
    for gradient in gradients:
        state = optimiser.step(state, gradient)
    expected = torch_adamw(optimiser, random(0), gradients)
    largest_step = STEPS * optimiser.lr
    torch.testing.assert_close(state.weights, expected, rtol=ROUNDING, atol=ROUNDING * max(1.0, largest_step))
    assert state.step == STEPS


def test_decay_and_moments_are_seen_by_the_comparison() -> None:
    gradients = [random(step) for step in range(1, STEPS + 1)]
    expected = torch_adamw(AdamW(weight_decay=0.1), random(0), gradients)
    for other in (AdamW(), AdamW(weight_decay=0.1, beta1=0.89), AdamW(weight_decay=0.1, beta2=0.99)):
        state = AdapterState.fresh(random(0))
        for gradient in gradients:
            state = other.step(state, gradient)
        assert (state.weights - expected).abs().max() > 10 * ROUNDING


def test_a_step_leaves_the_old_state_and_the_gradient_as_they_were() -> None:
    old, gradient = AdamW().step(AdapterState.fresh(random(0)), random(1)), random(2)
    before, given_gradient = copy.deepcopy(old), gradient.clone()
    new = AdamW(weight_decay=0.1).step(old, gradient)
    assert torch.equal(gradient, given_gradient)
    for name in ("weights", "first_moment", "second_moment"):
        assert torch.equal(getattr(old, name), getattr(before, name))
        assert not torch.equal(getattr(new, name), getattr(old, name))
    assert (old.step, new.step) == (1, 2)


def test_without_gradient_and_decay_nothing_moves() -> None:
    state = AdapterState.fresh(random(0))
    assert torch.equal(AdamW().step(state, torch.zeros(SIZE)).weights, state.weights)


def test_an_empty_adapter_takes_its_steps_too() -> None:
    state = AdamW().step(AdapterState.fresh(torch.zeros(0)), torch.zeros(0))
    assert (state.weights.numel(), state.step) == (0, 1)
