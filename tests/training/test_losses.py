"""Losses: PyTorch's cross-entropy of each client alone, whether or not its logits ever exist all at once."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from training import losses
from training.losses import client_losses
from training.sequences import IGNORED

VOCABULARY, WIDTH = 23, 6
ROUNDING = 1e-12  # relative, double precision: the same sums, in another order


def head_of(*, bias: bool) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(WIDTH, VOCABULARY, bias=bias).double().requires_grad_(False)


def hidden_of(rows: int, seq: int) -> Tensor:
    generator = torch.Generator().manual_seed(rows)
    return torch.randn(rows, seq, WIDTH, generator=generator, dtype=torch.float64).requires_grad_()


def one_by_one(head: nn.Linear, hidden: Tensor, targets: Tensor, clients: int) -> Tensor:
    """PyTorch's own mean over all positions, ignored ones included, client by client; 0 where there are none."""
    means = []
    for own, expected in zip(hidden.chunk(clients), targets.chunk(clients), strict=True):
        mean = nn.functional.cross_entropy(head(own).flatten(0, 1), expected.flatten(), ignore_index=IGNORED)
        means.append(mean if (expected != IGNORED).any() else 0 * hidden.sum())
    return torch.stack(means)


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    clients=st.integers(1, 4),
    batch=st.integers(1, 3),
    seq=st.integers(2, 6),
    bias=st.booleans(),
    at_once=st.sampled_from([1, 3, 7, 10**6]),
)
def test_each_clients_loss_and_gradient_are_pytorchs(data, clients, batch, seq, bias, at_once) -> None:
    head, hidden = head_of(bias=bias), hidden_of(clients * batch, seq)
    tokens = st.lists(st.sampled_from([IGNORED, *range(VOCABULARY)]), min_size=seq, max_size=seq)
    targets = torch.tensor(data.draw(st.lists(tokens, min_size=clients * batch, max_size=clients * batch)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(losses, "MOST_LOGITS_BYTES", at_once * VOCABULARY * 8)
        ours = client_losses(head, hidden, targets, clients)
    expected = one_by_one(head, hidden, targets, clients)
    along = torch.arange(1.0, clients + 1, dtype=torch.float64)
    torch.testing.assert_close(ours, expected, rtol=ROUNDING, atol=ROUNDING)
    torch.testing.assert_close(
        torch.autograd.grad(ours, hidden, along)[0],
        torch.autograd.grad(expected, hidden, along)[0],
        rtol=ROUNDING,
        atol=ROUNDING,
    )


def test_labels_may_come_as_they_are_sent() -> None:
    """Labels cross the network in four bytes."""
    head, hidden = head_of(bias=False), hidden_of(2, 5)
    targets = torch.arange(10).view(2, 5)
    assert torch.equal(client_losses(head, hidden, targets.int(), 2), client_losses(head, hidden, targets, 2))


class Largest(TorchDispatchMode):
    """Remembers the most numbers that any operation gave."""

    numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        sizes = [leaf.numel() for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        self.numbers = max(self.numbers, *sizes, 0)
        return result


@pytest.mark.parametrize(("at_once", "largest"), [(100, 36), (36, 36), (35, 35), (10, 10)])
def test_only_positions_with_a_target_meet_the_head_and_no_more_at_once_than_allowed(
    monkeypatch, at_once, largest
) -> None:
    monkeypatch.setattr(losses, "MOST_LOGITS_BYTES", at_once * VOCABULARY * 8)
    targets = torch.ones(10, 9, dtype=torch.long)
    targets[:, ::2] = IGNORED  # of the 9 targets of a row four count, and none of the first row's
    targets[0] = IGNORED
    hidden = hidden_of(10, 9)
    with Largest() as largest_seen:
        client_losses(head_of(bias=False), hidden, targets, 2).sum().backward()
    assert largest_seen.numbers == max(largest * VOCABULARY, hidden.numel())
