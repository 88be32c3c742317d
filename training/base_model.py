"""The frozen base model: the one that ships with the project, a local folder, or a Hugging Face hub name.

It is a language model, or a classifier on the same decoder, whose head is no part of it: heads are trained in full, and
begin afresh even where the files have one, since what its classes mean is another corpus's affair.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
import transformers
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from training.lora import HEAD
from training.model_files import locate, shipped

_AS_DATA: dict[str, Any] = {"dtype": torch.float32, "use_safetensors": True, "trust_remote_code": False}
"""Files of a model are data: neither pickled weights nor Python code beside them is ever executed."""


class ModelNotFoundError(ValueError):
    """The named base model is neither shipped, nor a local folder, nor reachable on the hub."""


@dataclass(frozen=True, kw_only=True)
class BaseModel:
    """A decoder in evaluation mode, single precision, every weight frozen; shared by all users of a run.

    ``sha256`` is of all weights but those of a classifier's head, which nothing depends on; of a model on the meta
    device, which has shapes and no weights, it is of these.
    """

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    sha256: str

    @property
    def config(self) -> PreTrainedConfig:
        """The Hugging Face configuration."""
        return self.model.config

    @property
    def weightless(self) -> bool:
        """Whether it has shapes alone, from which costs can be known."""
        return bool(self.model.device.type == "meta")


def load_base(name: str, classes: int | None = None, *, weights: bool = True) -> BaseModel:
    """Load model and tokenizer: a language model, or a classifier of so many ``classes``.

    Without ``weights`` the model has shapes alone, on the meta device; its files need none.

    Raises:
        ModelNotFoundError: nothing of that name can be loaded.
    """
    source = locate(name)
    try:
        with _quiet():
            config = _with_fused_gelu(transformers.AutoConfig.from_pretrained(source, trust_remote_code=False))
            model = _load(source, config, classes) if weights else _shaped(config, classes)
            tokenizer = transformers.AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except Exception as error:  # damaged files make these libraries raise errors of many types
        kind = "" if classes is None else " as a classifier"
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelNotFoundError(
            f"model.base = {name!r}: cannot be loaded{kind} ({reason}); "
            f"shipped: {', '.join(shipped())}; else a local folder or a hub name is meant"
        ) from error
    if len(tokenizer) < 2:  # Transformers makes up an empty tokenizer where it finds no files of one
        raise ModelNotFoundError(f"model.base = {name!r}: has no tokenizer beside its weights")
    model.eval().requires_grad_(False)
    tokenizer.model_max_length = int(1e30)  # texts are cut to sequences after they are encoded
    return BaseModel(name=name, model=model, tokenizer=tokenizer, sha256=_hash(model))


def _load(source: str, config: PreTrainedConfig, classes: int | None) -> PreTrainedModel:
    """The model with all weights that the files have to have: none but a classifier's head is drawn at random."""
    kind: type[Any] = transformers.AutoModelForCausalLM
    if classes is not None:
        config.num_labels, kind = classes, transformers.AutoModelForSequenceClassification
    model, report = kind.from_pretrained(
        source, config=config, ignore_mismatched_sizes=classes is not None, output_loading_info=True, **_AS_DATA
    )
    lacking = {*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])}
    if classes is not None:
        lacking -= {f"{HEAD}.weight"}
    if lacking:
        raise ValueError(f"the files have no {min(lacking)} for it")
    return cast("PreTrainedModel", model)


def _shaped(config: PreTrainedConfig, classes: int | None) -> PreTrainedModel:
    kind: type[Any] = transformers.AutoModelForCausalLM
    if classes is not None:
        config.num_labels, kind = classes, transformers.AutoModelForSequenceClassification
    with torch.device("meta"):
        return cast("PreTrainedModel", kind.from_config(config, dtype=torch.float32))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without progress bars, and without reports of heads that are missing or left over."""
    log = transformers.utils.logging
    bars, verbosity = log.is_progress_bar_enabled(), log.get_verbosity()
    log.disable_progress_bar()
    log.set_verbosity_error()
    try:
        yield
    finally:
        log.set_verbosity(verbosity)
        if bars:
            log.enable_progress_bar()


def _with_fused_gelu(config: PreTrainedConfig) -> PreTrainedConfig:
    """``gelu_new`` is GELU's tanh form in eight operations, each of which saves its input; the fused one saves one."""
    for key in ("activation_function", "hidden_act"):
        if getattr(config, key, None) == "gelu_new":
            setattr(config, key, "gelu_pytorch_tanh")
    return config


def _hash(model: PreTrainedModel) -> str:
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        if name.startswith(f"{HEAD}."):
            continue
        digest.update(name.encode())
        digest.update(str(tuple(tensor.shape)).encode() if tensor.is_meta else tensor.contiguous().numpy().data)
    return digest.hexdigest()
