"""Stacked LoRA: one frozen matrix, a low-rank product a client, and exactly the gradients autograd would find."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from training import stacked
from training.stacked import LoraLinear

ROUNDING = 1e-12  # relative, double precision: the same products and sums, in another order
SCALE = 1.5


def base_of(kind: str, inputs: int, outputs: int) -> nn.Module:
    torch.manual_seed(1)
    layer = Conv1D(outputs, inputs) if kind == "conv1d" else nn.Linear(inputs, outputs, bias=kind == "linear")
    return layer.double().requires_grad_(False)


def random(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def plain_sum(base: nn.Module, x: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """The definition, client by client, under PyTorch's own autograd."""
    rows = x.view(len(a), -1, *x.shape[1:])
    return torch.cat([base(own) + SCALE * (own @ down.T) @ up.T for own, down, up in zip(rows, a, b, strict=True)])


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["linear", "linear without bias", "conv1d"]),
    clients=st.integers(1, 4),
    batch=st.integers(1, 3),
    seq=st.integers(1, 5),
    rank=st.integers(1, 4),
    inputs=st.integers(1, 7),
    outputs=st.integers(1, 7),
)
def test_values_and_gradients_are_those_of_the_definition(kind, clients, batch, seq, rank, inputs, outputs) -> None:
    base = base_of(kind, inputs, outputs)
    x = random(clients * batch, seq, inputs, seed=1).requires_grad_()
    a = random(clients, rank, inputs, seed=2).requires_grad_()
    b = random(clients, outputs, rank, seed=3).requires_grad_()
    layer = LoraLinear(base, SCALE)
    stacked.bind([layer], [a, b])
    ours, expected = layer(x), plain_sum(base, x, a, b)
    along = random(*expected.shape, seed=4)
    torch.testing.assert_close(ours, expected, rtol=ROUNDING, atol=ROUNDING)
    for found, theirs in zip(
        torch.autograd.grad(ours, (x, a, b), along), torch.autograd.grad(expected, (x, a, b), along), strict=True
    ):
        torch.testing.assert_close(found, theirs, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("kind", ["linear", "linear without bias", "conv1d"])
def test_bound_matrices_may_be_views_that_lie_apart(kind) -> None:
    """As those are that a layout cuts out of flat rows, and activations that an attention has transposed."""
    base, flat = base_of(kind, 6, 5), random(3, 100, seed=2)
    a, b = flat[:, 7:31].unflatten(1, (4, 6)), flat[:, 40:60].unflatten(1, (5, 4))
    x = random(6, 6, 2, seed=1).mT
    layer = LoraLinear(base, SCALE)
    stacked.bind([layer], [a, b])
    torch.testing.assert_close(layer(x), plain_sum(base, x.contiguous(), a, b), rtol=ROUNDING, atol=ROUNDING)


def test_an_unbound_layer_is_the_frozen_one_again() -> None:
    base, x = base_of("linear", 6, 5), random(2, 3, 6, seed=1)
    layer = LoraLinear(base, SCALE)
    stacked.bind([layer], [random(2, 4, 6, seed=2), random(2, 5, 4, seed=3)])
    assert not torch.equal(layer(x), base(x))
    stacked.unbind([layer])
    assert torch.equal(layer(x), base(x))


def test_neither_what_enters_nor_the_frozen_matrix_is_asked_for_a_gradient_it_does_not_need() -> None:
    base, x = base_of("linear", 6, 5), random(2, 3, 6, seed=1)
    a, b = (random(*shape, seed=2).requires_grad_() for shape in ((2, 4, 6), (2, 5, 4)))
    layer = LoraLinear(base, SCALE)
    stacked.bind([layer], [a, b])
    layer(x).sum().backward()
    assert a.grad is not None
    assert [tensor.grad for tensor in (x, base.weight, base.bias)] == [None, None, None]
