"""A Hugging Face decoder, a language model or a classifier, cut at any block, without rewriting it.

A part runs the model's own forward pass with the list of blocks shortened to the part, so position embeddings, masks
and rotary angles stay the model's business; what enters the first block of a later part is the received activation.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, cast

import peft
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from training import lora, stacked
from training.adapters import AdapterLayout, Part, parts_between
from training.stacked import ClientHeads, Head, LoraLinear

_PROBE_TOKENS = 8
_PROBE_TOLERANCE = 1e-4  # single precision through many blocks; what is left out by mistake shows in the first digit


class SplitModel:
    """One frozen decoder with LoRA sites, run part by part on the adapters of one or many clients."""

    def __init__(self, model: PreTrainedModel, layout: AdapterLayout) -> None:
        """Open ``model`` at its blocks and put the LoRA sites of ``layout`` into it (in place)."""
        self.model = model
        self.layout = layout
        self._trunk: nn.Module = model.get_decoder()
        self._blocks_name, blocks = _block_list(model)
        self._blocks = list(blocks)
        self._norm_name = _final_norm(model)
        self._norm = getattr(self._trunk, self._norm_name)
        self._lists: dict[Part, nn.ModuleList] = {}
        self._arriving: Tensor | None = None
        for block in self._blocks:
            block.register_forward_pre_hook(self._enter)
        self._layers = stacked.inject(model, layout)

    @staticmethod
    def adapt(model: PreTrainedModel, config: peft.LoraConfig) -> SplitModel:
        """``model`` with the LoRA sites that PEFT finds under ``config``.

        Raises:
            ValueError: the model cannot be cut, or PEFT's configuration asks for what is not supported.
        """
        trunk = model.get_decoder()
        path = next(name for name, module in model.named_modules() if module is trunk)
        split = SplitModel(model, lora.find_sites(model, config, f"{path}.{_block_list(model)[0]}"))
        if model.device.type != "meta":
            split.require_cuttable()
        return split

    @torch.no_grad()
    def require_cuttable(self) -> None:
        """Prove on a few tokens that the model gives its own logits when it is cut at every block.

        Raises:
            ValueError: it does not: a decoder that does more between its blocks, or after the head, than is known here.
        """
        ids = self._probe()
        expected = self.model(input_ids=ids, use_cache=False).logits
        if not expected.isfinite().all():
            raise ValueError(f"model.base: {type(self.model).__name__} gives logits that are not finite numbers")
        x = ids
        try:
            for part in self.parts(range(1, self.blocks)):
                adapter = torch.zeros(1, self.layout.parameters(part), device=self.model.device)
                x = self.forward(part, self.layout.matrices(part, adapter), x)
            logits = self.head(x if self.layout.head is None else x[:, -1])
        except (RuntimeError, IndexError, KeyError) as error:
            raise ValueError(f"model.base: {type(self.model).__name__} cannot be cut at its blocks: {error}") from error
        if not torch.allclose(logits, expected, rtol=_PROBE_TOLERANCE, atol=_PROBE_TOLERANCE):
            raise ValueError(f"model.base: {type(self.model).__name__} gives other logits when it is cut at its blocks")

    def _probe(self) -> Tensor:
        """Token ids (1, seq) without padding: a classifier looks at the last token before it."""
        size, padding = self.model.config.vocab_size, getattr(self.model.config, "pad_token_id", None)
        ids = [token for i in range(2 * _PROBE_TOKENS) if (token := i % size) != padding]
        return torch.tensor([ids[:_PROBE_TOKENS]], device=self.model.device)

    def replica(self) -> SplitModel:
        """The same model for another thread: it shares every parameter and buffer, and has modules of its own.

        A call binds adapters to modules, so no two threads may run one ``SplitModel``. Not to be made during a call.
        """
        tensors = chain(self.model.parameters(), self.model.buffers())
        return copy.deepcopy(self, {id(tensor): tensor for tensor in tensors})

    @property
    def blocks(self) -> int:
        """Number of blocks L: cuts lie between 1 and L-1."""
        return len(self._blocks)

    @property
    def whole(self) -> Part:
        """The unsplit model."""
        return Part(first=0, last=self.blocks)

    def parts(self, cuts: Sequence[int]) -> list[Part]:
        """The parts between the cut layers: ``[3]`` gives blocks 0..2 and 3..L-1.

        Raises:
            ValueError: cuts that do not rise strictly between 0 and L.
        """
        return parts_between(cuts, self.blocks)

    def forward(self, part: Part, matrices: Sequence[Tensor], x: Tensor, draws: Sequence[int] = ()) -> Tensor:
        """Run the blocks of ``part`` with the adapter ``matrices`` of n clients, as the layout has them.

        ``x`` is token ids (n * b, seq) for the first part, else the activation (n * b, seq, hidden); rows of a client
        are consecutive. ``draws`` seed the clients' dropout masks; without them nothing is dropped. Returns the
        activation (n * b, seq, hidden) to send on, or, where the part is the last, what enters the ``head``: the hidden
        states after the final norm.
        """
        layers = self._layers_of(part)
        stacked.bind(layers, matrices[: 2 * len(layers)], draws)
        try:
            with self._opened(part):
                return self._run_trunk(part, x)
        finally:
            stacked.unbind(layers)

    @property
    def head(self) -> nn.Linear:
        """The model's own, from hidden states (..., hidden) to logits (..., vocabulary or classes)."""
        site = self.layout.head
        head = self.model.get_output_embeddings() if site is None else self.model.get_submodule(site.path)
        return cast("nn.Linear", head)

    def head_of(self, matrices: Sequence[Tensor]) -> Head:
        """What gives logits to the clients with these ``matrices`` of the last part: the frozen head, or their own."""
        return self.head if self.layout.head is None else ClientHeads(matrices[-1])

    def weight_bytes(self, part: Part) -> int:
        """Bytes of the frozen weights an entity must hold to run ``part``; a tied head counts where it is held.

        A classifier's head is not frozen: it is part of the adapter.
        """
        held: list[nn.Module] = list(self._blocks[part.first : part.last])
        others = {self._blocks_name, self._norm_name}
        if part.first == 0:
            held += [module for name, module in self._trunk.named_children() if name not in others]
        if part.last == self.blocks:
            held += [self._norm] if self.layout.head else [self._norm, self.head]
        storages = {p.untyped_storage()._cdata: p.untyped_storage().nbytes() for m in held for p in m.parameters()}
        return sum(storages.values())

    def _layers_of(self, part: Part) -> list[LoraLinear]:
        pairs = zip(self.layout.lora, self._layers, strict=True)
        return [layer for site, layer in pairs if part.first <= site.block < part.last]

    def _run_trunk(self, part: Part, x: Tensor) -> Tensor:
        if part.first == 0:
            return self._trunk(input_ids=x, use_cache=False).last_hidden_state  # type: ignore[no-any-return]
        self._arriving = x
        try:
            # The trunk needs embeddings only for shapes and positions: the first block takes ``x`` itself.
            return self._trunk(inputs_embeds=x.detach(), use_cache=False).last_hidden_state  # type: ignore[no-any-return]
        finally:
            self._arriving = None

    def _enter(self, _block: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
        if self._arriving is None:
            return None
        x, self._arriving = self._arriving, None
        return (x, *arguments[1:])

    @contextmanager
    def _opened(self, part: Part) -> Iterator[None]:
        """The trunk with only the blocks of ``part``, and without its final norm unless the part is the last."""
        if part not in self._lists:
            self._lists[part] = nn.ModuleList(self._blocks[part.first : part.last])
        setattr(self._trunk, self._blocks_name, self._lists[part])
        config: Any = self._trunk.config
        kinds = getattr(config, "layer_types", None)  # which mask a block has, looked up by its place
        if kinds is not None:
            config.layer_types = kinds[part.first : part.last]
        if part.last != self.blocks:
            setattr(self._trunk, self._norm_name, nn.Identity())
        try:
            yield
        finally:
            if kinds is not None:
                config.layer_types = kinds
            setattr(self._trunk, self._blocks_name, self._list_of_all)
            setattr(self._trunk, self._norm_name, self._norm)

    @property
    def _list_of_all(self) -> nn.ModuleList:
        return self._lists.setdefault(self.whole, nn.ModuleList(self._blocks))


def _block_list(model: PreTrainedModel) -> tuple[str, nn.ModuleList]:
    for name, child in model.get_decoder().named_children():
        if isinstance(child, nn.ModuleList) and len(child) == model.config.num_hidden_layers:
            return name, child
    raise ValueError(f"model.base: {type(model).__name__} has no list of decoder blocks to cut")


def _final_norm(model: PreTrainedModel) -> str:
    norms = [name for name, child in model.get_decoder().named_children() if type(child).__name__.endswith("Norm")]
    if not norms:
        raise ValueError(f"model.base: {type(model).__name__} has no final norm after its blocks")
    return str(norms[-1])  # an earlier one would be that of the embeddings
