"""Graphs that wait for their backward: used up once, and held only as far as there is room."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from training.in_flight import Graph, InFlight, Room
from training.lab import Lab
from training.optimiser import AdapterState
from training.phases import Held
from training.steps import Backward, Batch, Forward


def held() -> Held:
    return Held(torch.zeros(1), 2, [], None)


def clients_of(graph: Graph, count: int, part) -> list[InFlight]:
    return [InFlight(graph, place, part, torch.zeros(1), torch.zeros(1), 0) for place in range(count)]


def test_a_graph_goes_once_and_only_to_all_its_clients_in_their_places(lab) -> None:
    mine = held()
    graph = Graph(mine, 2)
    kept = clients_of(graph, 2, lab.whole)
    assert graph.take(kept[:1]) is None
    assert graph.take(kept[::-1]) is None
    assert graph.take([*kept, *clients_of(Graph(None, 1), 1, lab.whole)]) is None
    assert graph.take(kept) is mine
    assert graph.take(kept) is None


def test_room_is_given_back_when_a_graph_dies() -> None:
    room = Room(100)
    first = room.hold(held(), 60)
    assert first is not None
    assert room.hold(held(), 60) is None
    second = room.hold(held(), 40)
    assert second is not None
    assert room.free_bytes == 0
    del first
    assert room.free_bytes == 60


def step(lab: Lab, clients: int) -> list[Tensor]:
    """Forward of the first two blocks for several clients in two passes, then their backwards; the new weights."""
    first = lab.model.parts([2])[0]
    draw = torch.Generator().manual_seed(1)
    size = lab.layout.parameters(first)
    states = [AdapterState.fresh(0.05 * torch.randn(size, generator=draw)) for _ in range(clients)]
    batches = [Batch(rows=(row, row + 1), length=12) for row in range(clients)]
    forwards = [Forward(part=first, shape=batch.shape, batch=batch) for batch in batches]
    half = clients // 2
    went = [
        *Forward.run_together(lab, forwards[:half], [[state] for state in states[:half]]),
        *Forward.run_together(lab, forwards[half:], [[state] for state in states[half:]]),
    ]
    back = Backward(part=first, shape=(2, 12))
    values = [[state, one["held"], torch.ones_like(one["activation"])] for state, one in zip(states, went, strict=True)]
    found = []
    for start, end in ((0, half), (half, clients)):
        found += Backward.run_together(lab, [back] * (end - start), values[start:end])
    return [result["adapter"].weights for result in found]


@pytest.mark.parametrize("graphs_that_fit", [0, 1, 2])
def test_a_forward_that_found_no_room_is_done_again_to_the_bit(lab, graphs_that_fit, monkeypatch) -> None:
    first = lab.model.parts([2])[0]
    one_pass = 2 * Forward(part=first, shape=(2, 12)).saved_bytes(lab)
    forwards = 0
    run = type(lab.model).forward

    def counted(*given, **named):
        nonlocal forwards
        forwards += 1
        return run(*given, **named)

    expected = step(lab, 4)
    monkeypatch.setattr(type(lab.model), "forward", counted)
    found = step(replace(lab, room=Room(graphs_that_fit * one_pass)), 4)
    assert forwards == 2 + (2 - graphs_that_fit)
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.equal(ours, theirs)
