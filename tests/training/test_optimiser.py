"""Optimisers: PyTorch's own numbers, from functions that change nothing."""

import copy
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim import registry
from training.optimiser import AdamW, AdapterState, Optimiser, Sgd, Stack

SIZE = 40
STEPS = 20
TENSORS = ("weights", "first_moment", "second_moment")
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


EACH: dict[str, Optimiser] = {"adamw": AdamW(weight_decay=0.1), "sgd": Sgd(lr=0.1, weight_decay=0.1)}
"""Every optimiser there is."""


@pytest.fixture(params=EACH)
def optimiser(request: pytest.FixtureRequest) -> Optimiser:
    return EACH[request.param]


def test_every_optimiser_that_can_be_named_is_tried_here() -> None:
    found = {name: registry.find("optimiser", name) for name in registry.FAMILIES["optimiser"]}
    assert {name: type(optimiser) for name, optimiser in EACH.items()} == found


def random(seed: int, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(SIZE, generator=torch.Generator().manual_seed(seed))


def step(optimiser: Optimiser, state: AdapterState, gradient: torch.Tensor) -> AdapterState:
    """A step of one client alone."""
    return optimiser.step_in_place(Stack.of([state]), gradient[None])[0]


def same(ours: AdapterState, theirs: AdapterState) -> bool:
    return ours.step == theirs.step and all(torch.equal(getattr(ours, name), getattr(theirs, name)) for name in TENSORS)


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
        state = step(optimiser, state, gradient)
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
            state = step(other, state, gradient)
        assert (state.weights - expected).abs().max() > 10 * ROUNDING


@settings(max_examples=20)
@given(st.floats(1e-6, 1.0), st.floats(0.0, 0.99), st.floats(0.0, 1.0))
def test_twenty_steps_of_sgd_are_those_of_pytorch_to_the_bit(lr: float, momentum: float, decay: float) -> None:
    parameter, state = torch.nn.Parameter(random(0)), AdapterState.fresh(random(0))
    theirs = torch.optim.SGD([parameter], lr=lr, momentum=momentum, weight_decay=decay)
    for number in range(1, STEPS + 1):
        parameter.grad = random(number)
        theirs.step()
        state = step(Sgd(lr=lr, momentum=momentum, weight_decay=decay), state, random(number))
    assert torch.equal(state.weights, parameter.detach())
    assert not state.second_moment.any()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ((AdamW, {"lr": -1.0}), "lr = -1.0: must not be negative"),
        ((AdamW, {"beta2": 1.0}), r"beta2 = 1.0: must lie in \[0, 1\)"),
        ((AdamW, {"eps": -1e-8}), "eps = -1e-08: must not be negative"),
        ((Sgd, {"weight_decay": -0.1}), "weight_decay = -0.1: must not be negative"),
        ((Sgd, {"momentum": 1}), r"momentum = 1: must lie in \[0, 1\)"),
    ],
)
def test_no_step_can_be_taken_with_some_hyper_parameters(
    wrong: tuple[type[Optimiser], dict[str, float]], says: str
) -> None:
    made, options = wrong
    with pytest.raises(ValueError, match=says):
        made(**options)


def test_what_is_not_trained_does_not_move(optimiser: Optimiser) -> None:
    """Beside a client that trains all, who is left alone, and for what is trained, as if there were nothing else."""
    trained = torch.arange(SIZE) % 3 == 0
    masked = free = AdapterState.fresh(random(0), trained)
    free = replace(free, trained=None)
    part = AdapterState.fresh(random(0)[trained])
    for number in range(1, 4):
        gradients = torch.stack([random(number), random(number)])
        alone = step(optimiser, free, random(number))
        masked, free = optimiser.step_in_place(Stack.of([masked, free]), gradients)
        part = step(optimiser, part, random(number)[trained])
        assert same(free, alone)
        assert torch.equal(gradients[0], random(number))
    assert torch.equal(masked.weights[~trained], random(0)[~trained])
    torch.testing.assert_close(masked.weights[trained], part.weights, rtol=ROUNDING, atol=ROUNDING)
    assert masked.trained is trained


def test_a_step_leaves_the_old_state_and_the_gradient_as_they_were(optimiser: Optimiser) -> None:
    old, gradient = step(optimiser, AdapterState.fresh(random(0)), random(1)), random(2)
    before, given_gradient = copy.deepcopy(old), gradient.clone()
    new = step(optimiser, old, gradient)
    assert torch.equal(gradient, given_gradient)
    for name in TENSORS[: 1 + optimiser.moments]:
        assert torch.equal(getattr(old, name), getattr(before, name))
        assert not torch.equal(getattr(new, name), getattr(old, name))
    assert (old.step, new.step) == (1, 2)


def test_without_gradient_and_decay_nothing_moves(optimiser: Optimiser) -> None:
    state = AdapterState.fresh(random(0))
    assert torch.equal(step(replace(optimiser, weight_decay=0.0), state, torch.zeros(SIZE)).weights, state.weights)


def test_an_empty_adapter_takes_its_steps_too(optimiser: Optimiser) -> None:
    state = step(optimiser, AdapterState.fresh(torch.zeros(0)), torch.zeros(0))
    assert (state.weights.numel(), state.step) == (0, 1)


def test_clients_of_different_age_step_together_as_they_would_alone(optimiser: Optimiser) -> None:
    young = AdapterState.fresh(random(0))
    old = step(optimiser, step(optimiser, young, random(1)), random(2))
    together = optimiser.step_in_place(Stack.of([young, old, young]), torch.stack([random(3), random(4), random(5)]))
    assert [state.step for state in together] == [1, 3, 1]
    alone = [step(optimiser, state, random(seed)) for state, seed in ((young, 3), (old, 4), (young, 5))]
    assert all(same(ours, theirs) for ours, theirs in zip(together, alone, strict=True))


def test_a_slice_of_a_state_steps_as_the_whole_does_there() -> None:
    state, where = step(AdamW(), AdapterState.fresh(random(0)), random(1)), slice(7, 19)
    part = state.sliced(where)
    assert part.weights.untyped_storage().data_ptr() == state.weights.untyped_storage().data_ptr()
    ours, theirs = step(AdamW(), part, random(2)[where]), step(AdamW(), state, random(2)).sliced(where)
    for name in TENSORS:  # the kernel's vector lanes and its leftovers may round differently
        torch.testing.assert_close(getattr(ours, name), getattr(theirs, name), rtol=ROUNDING, atol=ROUNDING)
    assert ours.step == theirs.step == 2


def test_moments_before_the_first_step_are_zeros_that_take_no_memory_here_but_do_on_an_entity() -> None:
    state = AdapterState.fresh(random(0))
    assert not state.first_moment.any()
    assert state.first_moment.shape == state.second_moment.shape == state.weights.shape
    assert state.first_moment.untyped_storage().nbytes() == state.weights.element_size()
    (stepped,) = AdamW(lr=1e-3).step_in_place(Stack.of([state]), random(1)[None])
    moments = stepped.first_moment.nbytes + stepped.second_moment.nbytes
    held = {"adapter": stepped.weights.nbytes, "gradient": random(1).nbytes, "optimiser": moments}
    assert AdapterState.bytes_by_kind(stepped.weights.nbytes, AdamW.moments) == held
