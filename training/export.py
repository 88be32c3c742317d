"""A trained adapter on disk, in PEFT's own format."""

from __future__ import annotations

import copy
from pathlib import Path

import peft
import safetensors.torch
from torch import Tensor

from training import lora
from training.split_model import SplitModel


def save_adapter(folder: Path, model: SplitModel, config: peft.LoraConfig, base: str, adapter: Tensor) -> None:
    """Write ``adapter_config.json`` and ``adapter_model.safetensors`` for ``peft.PeftModel.from_pretrained``.

    ``adapter`` (parameters,) is that of the whole model, ``base`` the name of the base model it belongs to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = copy.copy(config)
    written.base_model_name_or_path, written.inference_mode = base, True
    written.save_pretrained(str(folder))
    tensors = lora.state_dict(model.layout, model.whole, adapter)
    safetensors.torch.save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
