"""How results lie on disk: adapter states, masks, metrics and losses as arrays, bit for bit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from training.metrics import Metrics

if TYPE_CHECKING:
    from training.optimiser import AdapterState
    from training.store import Entry, Store

_STATE = ("weights", "moments", "trained")


def write(store: Store, key: str, value: Any) -> None:
    """Keep ``value``: an adapter state, a mask, metrics, or a number."""
    if isinstance(value, float):
        store.put(key, {"number": np.array([value])}, {})
    elif isinstance(value, Metrics):
        store.put(
            key, {"metrics": np.array([value.loss, value.accuracy, math.nan if value.f1 is None else value.f1])}, {}
        )
    elif not hasattr(value, "weights"):
        store.put(key, {"mask": value.cpu().numpy()}, {})
    else:
        tensors = {name: getattr(value, name) for name in _STATE}
        arrays = {name: tensor.contiguous().cpu().numpy() for name, tensor in tensors.items() if tensor is not None}
        store.put(key, arrays, {"step": str(value.step)})


def read(entry: Entry, device: str) -> Any:
    """What ``write`` kept; tensors are put on ``device``."""
    if "number" in entry.arrays:
        return float(entry.arrays["number"][0])
    if "metrics" in entry.arrays:
        loss, accuracy, f1 = entry.arrays["metrics"].tolist()
        return Metrics(loss=loss, accuracy=accuracy, f1=None if math.isnan(f1) else f1)
    if "mask" in entry.arrays:
        import torch  # noqa: PLC0415 - numbers can be read without it

        return torch.from_numpy(entry.arrays["mask"]).to(device)
    return _state(entry, device)


def _state(entry: Entry, device: str) -> AdapterState:
    import torch  # noqa: PLC0415 - numbers can be read without it

    from training.optimiser import AdapterState  # noqa: PLC0415

    tensors = {name: torch.from_numpy(array).to(device) for name, array in entry.arrays.items()}
    return AdapterState.of(**tensors, step=int(entry.facts["step"]))
