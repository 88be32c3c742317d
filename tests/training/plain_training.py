"""Many clients in parts beside plain loops over PEFT models, step by step; shared by tests of text and of classes."""

import pytest
import torch
from torch import Tensor

from training.adapters import Part, state_dict
from training.optimiser import AdapterState
from training.split_model import SplitModel

STEPS = 10
CLIENTS = 3
ROWS = 2  # of each client in a batch
TOLERANCE = 1e-6  # losses and gradients differ by the order of single-precision sums alone
STEPPED_TOLERANCE = 5e-5  # AdamW divides by sqrt(v): where a gradient is near zero, a step is lr times its sign


def states_of(model: SplitModel, parts: list[Part], *adapters: Tensor) -> list[list[AdapterState]]:
    """The states of all clients, by part."""
    return [[AdapterState.fresh(adapter[model.layout.slice_of(part)]) for adapter in adapters] for part in parts]


def weights_of(states: list[list[AdapterState]]) -> list[list[Tensor]]:
    """The weights of all clients, by part."""
    return [[state.weights for state in of_clients] for of_clients in states]


def batch_of(data, step: int, rows: int) -> tuple[Tensor, Tensor]:
    """Tokens and targets of a mini-batch of all clients."""
    where = slice(rows * step, rows * (step + 1))
    return torch.from_numpy(data.ids[where]), torch.from_numpy(data.targets[where])


def named(model: SplitModel, flats, client: int) -> dict[str, Tensor]:
    """One client's row of what every part has, joined and in PEFT's names."""
    return state_dict(model.layout, torch.cat([flat[client] for flat in flats]))


def assert_same(ours: dict[str, Tensor], theirs: dict[str, Tensor], tolerance: float) -> None:
    """Tensors of the same names are equal to within ``tolerance``."""
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        torch.testing.assert_close(
            ours[name], tensor, rtol=0, atol=tolerance, msg=lambda text, name=name: f"{name}: {text}"
        )


def assert_trains_as_plain_peft(model: SplitModel, cuts, data, adapters, plain_peft, split_step) -> list[dict]:
    """Losses and first gradients of ``STEPS`` steps, and the adapters after them, which are returned by client.

    ``plain_peft`` makes a loop over a PEFT model that begins with an adapter in PEFT's names.
    """
    parts = model.parts(cuts)
    states = states_of(model, parts, *adapters)
    loops = [plain_peft(named(model, weights_of(states), client)) for client in range(CLIENTS)]
    for number in range(STEPS):
        ids, targets = batch_of(data, number, CLIENTS * ROWS)
        step = split_step(model, parts, states, ids, targets)
        for client, (own_ids, own_targets) in enumerate(zip(ids.split(ROWS), targets.split(ROWS), strict=True)):
            loss, gradients = loops[client].step(own_ids, own_targets)
            assert step.losses[client].item() == pytest.approx(loss, abs=TOLERANCE)
            if number == 0:  # later the weights differ already
                assert_same(named(model, step.gradients, client), gradients, TOLERANCE)
        states = step.states
    trained = [named(model, weights_of(states), client) for client in range(CLIENTS)]
    for ours, loop in zip(trained, loops, strict=True):
        assert_same(ours, loop.adapter(), STEPPED_TOLERANCE)
    return trained
