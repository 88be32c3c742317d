"""How many adapter states a run has in memory: one a user, however many rounds and windows of jobs there are."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cosim.runner import Run
from training.deferred import DeferredRuntime
from training.optimiser import AdapterState

USERS = 12
BESIDE = 2
"""The average, and the one before it, from which some are yet to begin."""


@contextmanager
def most_states(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """What states take after each computation, in whole states."""
    gc.collect()
    compute, found, others = DeferredRuntime._compute, [], set(storages())

    def counted(self: DeferredRuntime, *given: Any) -> None:
        compute(self, *given)
        nbytes = sum(size for place, size in storages().items() if place not in others)
        found.append(nbytes / (3 * 4 * self.lab.layout.parameters(self.lab.whole)))

    monkeypatch.setattr(DeferredRuntime, "_compute", counted)
    yield found


def storages() -> dict[int, int]:
    """Bytes by place in memory: what states share counts once, zeros seen many times as one."""
    states = [it for it in gc.get_objects() if type(it) is AdapterState]
    tensors = [tensor for it in states for tensor in (it.numbers, it.adopted) if tensor is not None]
    return {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}


@pytest.mark.parametrize("pending", [30, 4096])
@pytest.mark.parametrize(
    "scheme", [{"name": "federated"}, {"name": "splitfed", "cut": 2}, {"name": "splitfed", "cut": [1, 2]}], ids=str
)
def test_a_user_has_one_state_at_a_time(
    run_small: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, scheme: dict[str, Any], pending: int
) -> None:
    host = {"device": "cpu", "threads": 1, "cache": False, "pending": pending}
    users = {"count": USERS, "compute": {"speed": "1 GFLOP/s", "spread": 0.5, "power": "5 W"}}
    with most_states(monkeypatch) as found:
        run_small({**scheme, "rounds": 3, "local_steps": 1}, users=users, host=host)
    assert len(found) >= 4
    assert USERS <= max(found) <= USERS + BESIDE
