"""The frozen base model: the one that ships with the project, a local folder, or a Hugging Face hub name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
import transformers
from safetensors import SafetensorError
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from training.model_files import locate, shipped


class ModelNotFoundError(ValueError):
    """The named base model is neither shipped, nor a local folder, nor reachable on the hub."""


@dataclass(frozen=True, kw_only=True)
class BaseModel:
    """A decoder in evaluation mode, single precision, every weight frozen; shared by all users of a run."""

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    sha256: str

    @property
    def config(self) -> PreTrainedConfig:
        """The Hugging Face configuration."""
        return self.model.config


def load_base(name: str) -> BaseModel:
    """Load model and tokenizer.

    Raises:
        ModelNotFoundError: nothing of that name can be loaded.
    """
    source = locate(name)
    bars = transformers.utils.logging.is_progress_bar_enabled()
    transformers.utils.logging.disable_progress_bar()
    try:
        config = _with_fused_gelu(transformers.AutoConfig.from_pretrained(source))
        model = transformers.AutoModelForCausalLM.from_pretrained(source, config=config, dtype=torch.float32)
        tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelNotFoundError(
            f"model.base = {name!r}: cannot be loaded; "
            f"shipped: {', '.join(shipped())}; else a local folder or a hub name is meant"
        ) from error
    finally:
        if bars:
            transformers.utils.logging.enable_progress_bar()
    if len(tokenizer) < 2:  # Transformers makes up an empty tokenizer where it finds no files of one
        raise ModelNotFoundError(f"model.base = {name!r}: has no tokenizer beside its weights")
    model.eval().requires_grad_(False)
    tokenizer.model_max_length = int(1e30)  # texts are cut to sequences after they are encoded
    return BaseModel(name=name, model=model, tokenizer=tokenizer, sha256=_hash(model))


def _with_fused_gelu(config: PreTrainedConfig) -> PreTrainedConfig:
    """``gelu_new`` is GELU's tanh form in eight operations, each of which saves its input; the fused one saves one."""
    for key in ("activation_function", "hidden_act"):
        if getattr(config, key, None) == "gelu_new":
            setattr(config, key, "gelu_pytorch_tanh")
    return config


def _hash(model: PreTrainedModel) -> str:
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()
