"""What is read from disk is what was written, bit for bit."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from training import kept
from training.metrics import Metrics
from training.optimiser import AdapterState
from training.store import Store

KEY = "abc123"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, 10**9)


def again(store: Store, value: object) -> object:
    kept.write(store, KEY, value)
    entry = store.get(KEY)
    assert entry is not None
    return kept.read(entry, "cpu")


def test_an_adapter_state_keeps_every_bit(store: Store) -> None:
    strange = torch.tensor([0.1, -0.0, 1e-45, math.inf, math.nan])
    state = AdapterState.of(weights=strange, moments=torch.stack([strange / 3, strange.abs()]), step=7)
    found = again(store, state)
    assert isinstance(found, AdapterState)
    assert found.step == 7
    for name in ("weights", "first_moment", "second_moment"):
        ours, theirs = (getattr(it, name).numpy().view(np.uint32) for it in (found, state))
        assert ours.tolist() == theirs.tolist()


def test_a_state_before_its_first_step_and_a_slice_can_be_kept(store: Store) -> None:
    """The moments of the one are a single zero seen many times, the other is a view."""
    fresh = AdapterState.fresh(torch.arange(6.0))
    for state in (fresh, fresh.sliced(slice(2, 4))):
        found = again(store, state)
        assert isinstance(found, AdapterState)
        assert torch.equal(found.weights, state.weights)
        assert torch.equal(found.first_moment, torch.zeros(len(state.weights)))
        found.weights.add_(1)  # nobody else's
    assert fresh.weights.tolist() == [0, 1, 2, 3, 4, 5]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # every example overwrites the last
@given(number=st.floats(allow_nan=False))
def test_a_loss_keeps_every_bit(store: Store, number: float) -> None:
    found = again(store, number)
    assert isinstance(found, float)
    assert (found, math.copysign(1, found)) == (number, math.copysign(1, number))


def test_a_mask_is_kept_and_what_a_state_trains(store: Store) -> None:
    mask = torch.tensor([True, False, True])
    found = again(store, mask)
    assert isinstance(found, torch.Tensor)
    assert torch.equal(found, mask)
    state = again(store, AdapterState.fresh(torch.arange(3.0), mask))
    assert isinstance(state, AdapterState)
    assert state.trained is not None
    assert torch.equal(state.trained, mask)


def test_metrics_are_kept(store: Store) -> None:
    for metrics in (Metrics(loss=1 / 3, accuracy=2 / 7), Metrics(loss=math.inf, accuracy=0.0, f1=1 / 7)):
        assert again(store, metrics) == metrics
