"""A trained adapter on disk, in PEFT's own format."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from training.adapters import state_dict

if TYPE_CHECKING:
    import peft

    from training.foundation import Foundation

_CONFIG = "adapter_config.json"


def adapter_config(config: peft.LoraConfig, base: str) -> str:
    """What PEFT writes beside the weights of an adapter under ``config`` for the base model called ``base``."""
    written = copy.copy(config)
    written.base_model_name_or_path, written.inference_mode = base, True
    with tempfile.TemporaryDirectory() as folder:
        written.save_pretrained(folder)
        return (Path(folder) / _CONFIG).read_text(encoding="utf-8")


def save_adapter(folder: Path, foundation: Foundation, weights: NDArray[np.float32]) -> None:
    """Write ``adapter_config.json`` and ``adapter_model.safetensors`` for ``peft.PeftModel.from_pretrained``.

    ``weights`` (parameters,) are those of the whole model.

    Raises:
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _CONFIG).write_text(foundation.adapter_config, encoding="utf-8")
    tensors = {name: np.ascontiguousarray(a) for name, a in state_dict(foundation.layout, weights).items()}
    content = safetensors.numpy.save(tensors, metadata={"format": "pt"})
    (folder / "adapter_model.safetensors").write_bytes(content)  # a full disk is an OSError, to save_file it is not
