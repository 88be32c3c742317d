"""What a phase costs, read off the real modules without running them: FLOPs, saved activations, peak memory.

The phase runs once on fake tensors (shapes without data, the CPU's own kernels chosen) under a meter of FLOPs and of
live storages. This works for models too large to run, and costs a fraction of a second a shape.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count
from transformers import AttentionInterface, PreTrainedConfig, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from training import phases
from training.adapters import AdapterLayout, Part
from training.prices import PhaseCost
from training.split_model import SplitModel

_aten = torch.ops.aten
_FLOPS: dict[Any, Callable[..., Any]] = {
    **flop_registry,
    # The CPU's fused attention, which the registry lacks.
    _aten._scaled_dot_product_flash_attention_for_cpu: lambda q, k, v, *_, **__: sdpa_flop_count(
        q.shape, k.shape, v.shape
    ),
    _aten._scaled_dot_product_flash_attention_for_cpu_backward: lambda g, q, k, v, *_, **__: sdpa_backward_flop_count(
        g.shape, q.shape, k.shape, v.shape
    ),
}

_UNMASKED = "sdpa_without_mask"
"""The default attention without a mask tensor. A real run needs none, but Transformers finds out by reading positions,
which fake tensors do not have, and would build one."""
AttentionInterface.register(_UNMASKED, sdpa_attention_forward)

_DRAWS = (0,)
"""Of the one client whose step is measured: with dropout, its masks take memory, whatever is in them."""


class Meter(TorchDispatchMode):
    """Counts FLOPs, and the bytes of the storages that operations create until they die; ``peak_bytes`` is their top.

    FLOPs are those of matrix products and attention, by the formulas of PyTorch's own FLOP counter.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0
        self.live_bytes = 0
        self.peak_bytes = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation, then count its FLOPs and the storages that are new among its results."""
        arguments = kwargs or {}
        given = {id(t.untyped_storage()) for t in tree_leaves((args, arguments)) if isinstance(t, Tensor)}
        result = func(*args, **arguments)
        formula = _FLOPS.get(func._overloadpacket)
        if formula is not None:
            self.flops += int(formula(*args, **arguments, out_val=result))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and id(tensor.untyped_storage()) not in given:
                self._count(tensor.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        key, size = id(storage), storage.nbytes()
        if key in self._known:
            return
        self._known.add(key)
        self.live_bytes += size
        self.peak_bytes = max(self.peak_bytes, self.live_bytes)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.live_bytes -= size


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """A meter read at a moment: what stays saved, and the peak since the meter's start beyond that and ``others``."""

    flops: int
    saved_bytes: int
    beyond_bytes: int

    @staticmethod
    def of(meter: Meter, *, saved_bytes: int, others_bytes: int) -> _Reading:
        beyond = max(0, meter.peak_bytes - saved_bytes - others_bytes)
        meter.peak_bytes = meter.live_bytes
        return _Reading(flops=meter.flops, saved_bytes=saved_bytes, beyond_bytes=beyond)

    def cost(self) -> PhaseCost:
        return PhaseCost(flops=self.flops, saved_bytes=self.saved_bytes, transient_bytes=self.beyond_bytes)


class CostModel:
    """Costs of the phases of one model with one adapter layout, measured once per part and batch shape.

    With ``whole_logits`` an entity computes the loss as the usual training loop does, from all logits at once, which
    it holds until the backward is over; else chunk by chunk, as this project does (``losses``), which gives the same
    numbers from less memory.
    """

    def __init__(
        self,
        model_class: type[PreTrainedModel],
        config: PreTrainedConfig,
        layout: AdapterLayout,
        *,
        whole_logits: bool = False,
    ) -> None:
        self._whole_logits = whole_logits
        self._fake = FakeTensorMode()
        with self._fake:
            model = model_class(copy.deepcopy(config)).eval().requires_grad_(False)
            if model.config._attn_implementation == "sdpa":
                model.config._attn_implementation = _UNMASKED
            self._model = SplitModel(model, layout)
        self._hidden = int(config.hidden_size)
        self.forward_and_backward = lru_cache(maxsize=None)(self._forward_and_backward)
        self.loss_and_backward = lru_cache(maxsize=None)(self._loss_and_backward)

    def weight_bytes(self, part: Part) -> int:
        """Bytes of the frozen weights of ``part``."""
        return self._model.weight_bytes(part)

    def activation_shape(self, batch: int, length: int) -> tuple[int, int, int]:
        """Shape of what crosses a cut, either way."""
        return (batch, length, self._hidden)

    def _forward_and_backward(self, part: Part, batch: int, length: int) -> tuple[PhaseCost, PhaseCost]:
        """Costs of the two phases of a part before the last."""
        with self._fake:
            adapter, x = self._inputs(part, batch, length)
            gradient = torch.empty(self.activation_shape(batch, length))
            with Meter() as meter:
                held = phases.forward(self._model, part, adapter, x, _DRAWS)
                sent = _nbytes(held.output)
                up = _Reading.of(meter, saved_bytes=meter.live_bytes - sent, others_bytes=sent)
                found = phases.backward(held, gradient)
                down = _Reading.of(meter, saved_bytes=up.saved_bytes, others_bytes=sent + _result_bytes(found))
        return up.cost(), replace(down.cost(), flops=down.flops - up.flops, saved_bytes=0)

    def _loss_and_backward(self, part: Part, batch: int, length: int) -> PhaseCost:
        """Cost of the last part's whole turn; its saved activations are those alive before the head."""
        with self._fake:
            adapter, x = self._inputs(part, batch, length)
            targets = torch.zeros(batch, length, dtype=torch.long)
            with Meter() as meter:
                held = phases.forward(self._model, part, adapter, x, _DRAWS)
                saved = meter.live_bytes - _nbytes(held.output)
                del held
            with Meter() as meter, self._loop_over_logits() as most_bytes:
                predictions = batch * (length - 1) if self._model.layout.head is None else batch
                _, found = phases.loss_and_backward(
                    self._model, part, adapter, x, targets, predictions, _DRAWS, most_logits_bytes=most_bytes
                )
                return _Reading.of(meter, saved_bytes=saved, others_bytes=_result_bytes(found)).cost()

    @contextmanager
    def _loop_over_logits(self) -> Iterator[float | None]:
        """How many bytes of logits there may be at once (``losses``); if all, the loop has them in a variable."""
        if not self._whole_logits:
            yield None
            return
        kept: list[Tensor] = []
        hook = self._model.head.register_forward_hook(lambda _, __, logits: kept.append(logits))
        try:
            yield inf
        finally:
            hook.remove()

    def _inputs(self, part: Part, batch: int, length: int) -> tuple[Tensor, Tensor]:
        adapter = torch.empty(1, self._model.layout.parameters(part))
        if part.first == 0:
            return adapter, torch.zeros(batch, length, dtype=torch.long)
        return adapter, torch.empty(self.activation_shape(batch, length))


def _nbytes(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.untyped_storage().nbytes()


def _result_bytes(found: phases.Gradients) -> int:
    """Gradients are results, held by the entity as what they are, not as the phase's own need."""
    return _nbytes(found.adapter) + _nbytes(found.arriving)
