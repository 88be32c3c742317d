"""Tiny random decoders, token data from a generator, and the unsplit PEFT training that everything is compared with."""

import copy
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import peft
import pytest
import torch
from tokenizers import ByteLevelBPETokenizer
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    GPT2Config,
    GPTNeoConfig,
    LlamaConfig,
    MistralConfig,
    OPTConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
)

from training import phases
from training.adapters import Part
from training.base_model import BaseModel
from training.lab import Lab
from training.optimiser import AdamW, AdapterState
from training.sequences import IGNORED, NO_LABEL, Sequences, next_tokens
from training.split_model import SplitModel
from training.steps import Batch

VOCABULARY = 101
PADDING = 0
CLASSES = 7
LR = 1e-3


@dataclass(frozen=True, kw_only=True)
class Family:
    """A kind of decoder: a tiny one of 4 blocks and width 32, and which of its matrices are adapted."""

    name: str
    config: PreTrainedConfig
    targets: tuple[str, ...]

    task: str = "CAUSAL_LM"

    def build(self) -> PreTrainedModel:
        """The frozen decoder, with the same random weights every time."""
        torch.manual_seed(0)
        config = copy.deepcopy(self.config)
        if self.task == "CAUSAL_LM":
            return AutoModelForCausalLM.from_config(config).eval().requires_grad_(False)
        config.num_labels, config.pad_token_id = CLASSES, PADDING
        return AutoModelForSequenceClassification.from_config(config).eval().requires_grad_(False)

    def classifier(self) -> "Family":
        """The same decoder under a head of ``CLASSES``."""
        return replace(self, task="SEQ_CLS")

    def lora(self, **options: object) -> peft.LoraConfig:
        usual = {"r": 4, "lora_alpha": 8, "target_modules": list(self.targets), "task_type": self.task}
        return peft.LoraConfig(**(usual | options))

    def split(self) -> SplitModel:
        return SplitModel.adapt(self.build(), self.lora())


COMMON = {"vocab_size": VOCABULARY, "max_position_embeddings": 64}
GROUPED = {
    **COMMON,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
GPT2 = Family(
    name="gpt2",
    config=GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=64,
        n_embd=32,
        n_layer=4,
        n_head=4,
        activation_function="gelu_pytorch_tanh",
        bos_token_id=0,
        eos_token_id=0,
    ),
    targets=("c_attn", "c_proj", "c_fc"),
)
OPT = Family(
    name="opt",
    config=OPTConfig(
        hidden_size=32, num_hidden_layers=4, num_attention_heads=4, ffn_dim=64, word_embed_proj_dim=32, **COMMON
    ),
    targets=("q_proj", "v_proj", "fc1"),
)
GPT_NEO = Family(
    name="gpt-neo",
    config=GPTNeoConfig(
        hidden_size=32,
        num_layers=4,
        num_heads=4,
        attention_types=[[["global", "local"], 2]],
        window_size=3,
        bos_token_id=0,
        eos_token_id=0,
        **COMMON,
    ),
    targets=("q_proj", "v_proj", "c_proj"),
)
LLAMA = Family(name="llama", config=LlamaConfig(**GROUPED), targets=("q_proj", "v_proj", "down_proj"))
QWEN2 = Family(
    name="qwen2",
    config=Qwen2Config(use_sliding_window=True, sliding_window=3, max_window_layers=2, **GROUPED),
    targets=("q_proj", "v_proj", "down_proj"),
)
MISTRAL = Family(
    name="mistral", config=MistralConfig(sliding_window=3, **GROUPED), targets=("q_proj", "v_proj", "down_proj")
)


class PlainPeft:
    """The unsplit reference: PEFT's own model, the model's own loss, PyTorch's own AdamW."""

    def __init__(self, model: PreTrainedModel, config: peft.LoraConfig, tensors: dict[str, Tensor]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PEFT says that it sets fan_in_fan_out for Conv1D
            self.model = peft.get_peft_model(copy.deepcopy(model), copy.deepcopy(config)).eval()
        self.load(tensors)
        self.classifies = config.task_type == "SEQ_CLS"
        self.optimiser = torch.optim.AdamW((p for p in self.model.parameters() if p.requires_grad), LR, weight_decay=0)

    def load(self, tensors: dict[str, Tensor]) -> None:
        peft.set_peft_model_state_dict(self.model, tensors)

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """The model's own loss; as labels it takes the tokens themselves, or one class a row."""
        if self.classifies:
            return self.model(input_ids=ids, labels=targets[targets != IGNORED]).loss
        return self.model(input_ids=ids, labels=nn.functional.pad(targets[:, :-1], (1, 0), value=IGNORED)).loss

    def step(self, ids: Tensor, targets: Tensor) -> tuple[float, dict[str, Tensor]]:
        """One step; the loss, and the gradients by the adapter's names."""
        self.optimiser.zero_grad()
        loss = self.loss(ids, targets)
        loss.backward()
        named = self.model.named_parameters()
        gradients = {plain_name(name): p.grad.clone() for name, p in named if p.requires_grad}
        self.optimiser.step()
        return loss.item(), gradients

    def adapter(self) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in peft.get_peft_model_state_dict(self.model).items()}


def plain_name(parameter: str) -> str:
    """PEFT's name on disk for a parameter of its model."""
    return parameter.replace(".modules_to_save", "").replace(".default", "")


@dataclass(frozen=True, kw_only=True)
class SplitStep:
    """What a step of n clients through ``phases`` leaves: losses (n,), gradients (n, parameters) and states by part."""

    losses: Tensor
    gradients: list[Tensor]
    states: list[list[AdapterState]]


def take_split_step(
    model: SplitModel, parts: Sequence[Part], states: Sequence[Sequence[AdapterState]], ids: Tensor, targets: Tensor
) -> SplitStep:
    """Forward part by part, loss and backward at the last, backward part by part, AdamW in each.

    ``states`` are those of all clients by part; each client's rows of ``ids`` and ``targets`` are consecutive.
    """
    adapters = [torch.stack([state.weights for state in of_clients]) for of_clients in states]
    x, held = ids, []
    for part, adapter in zip(parts[:-1], adapters, strict=False):
        held.append(phases.forward(model, part, adapter, x))
        x = held[-1].output.detach()
    losses, found = phases.loss_and_backward(model, parts[-1], adapters[-1], x, targets)
    gradients = [found.adapter]
    for kept in reversed(held):
        found = phases.backward(kept, found.arriving)
        gradients.insert(0, found.adapter)
    stepped = [AdamW(lr=LR).step_together(*pair) for pair in zip(states, gradients, strict=True)]
    return SplitStep(losses=losses, gradients=gradients, states=stepped)


def random_tokens(rows: int, length: int, padded: Sequence[int] = ()) -> Sequences:
    """``rows`` sequences of a generator's tokens; the rows ``padded`` end in a third of padding."""
    ids = np.random.default_rng(7).integers(1, VOCABULARY, (rows, length))
    size = np.full(rows, length)
    size[list(padded)] -= length // 3
    ids[np.arange(length) >= size[:, None]] = PADDING
    author, label = np.zeros(rows, dtype=np.int64), np.full(rows, NO_LABEL)
    return Sequences(
        ids=ids, targets=next_tokens(ids, size), tokens=size, author=author, label=label, authors=("generator",)
    )


def random_classes(rows: int, length: int, padded: Sequence[int] = ()) -> Sequences:
    """The same tokens; the last of each row is to predict one of ``CLASSES``."""
    data = random_tokens(rows, length, padded)
    label = np.random.default_rng(8).integers(0, CLASSES, rows)
    targets = np.full((rows, length), IGNORED)
    targets[np.arange(rows), data.tokens - 1] = label
    return replace(data, targets=targets, label=label, labels=tuple(f"class {code}" for code in range(CLASSES)))


def random_adapter(model: SplitModel, seed: int = 3) -> Tensor:
    """An adapter of the whole model whose B is not zero, so that it matters from the first step."""
    return 0.05 * torch.randn(model.layout.parameters(model.whole), generator=torch.Generator().manual_seed(seed))


def byte_tokenizer() -> PreTrainedTokenizerFast:
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(["the radio"], vocab_size=257, special_tokens=["<|endoftext|>"])
    return PreTrainedTokenizerFast(tokenizer_object=bpe._tokenizer, eos_token="<|endoftext|>")


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Sums in one order: with several threads, bits may depend on how work is shared out."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def gpt2() -> Family:
    return GPT2


@pytest.fixture(params=[GPT2, LLAMA], ids=lambda family: family.name)
def family(request: pytest.FixtureRequest) -> Family:
    """GPT-2 (Conv1D, learnt positions, tied head) and Llama (Linear, rotary angles, grouped-query attention)."""
    return request.param


@pytest.fixture(params=[GPT2, OPT, GPT_NEO, LLAMA, QWEN2, MISTRAL], ids=lambda family: family.name)
def any_family(request: pytest.FixtureRequest) -> Family:
    """Also OPT (positions from a mask), GPT-Neo (local attention), Qwen2 and Mistral (sliding windows)."""
    return request.param


@pytest.fixture
def plain_peft() -> type[PlainPeft]:
    return PlainPeft


@pytest.fixture
def split_step() -> Callable[..., SplitStep]:
    return take_split_step


@pytest.fixture
def tokens() -> Callable[..., Sequences]:
    return random_tokens


@pytest.fixture
def read() -> Callable[[Lab, Batch], tuple[Tensor, Tensor]]:
    """Token ids and targets of a mini-batch, straight from the training sequences."""

    def rows_of(lab: Lab, batch: Batch) -> tuple[Tensor, Tensor]:
        ids, targets = (array[list(batch.rows), : batch.length] for array in (lab.train.ids, lab.train.targets))
        return torch.from_numpy(ids), torch.from_numpy(targets)

    return rows_of


@pytest.fixture
def labelled() -> Callable[..., Sequences]:
    return random_classes


@pytest.fixture
def adapter_of() -> Callable[..., Tensor]:
    return random_adapter


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerFast:
    return byte_tokenizer()


@pytest.fixture
def lab() -> Lab:
    """A tiny GPT-2 with 12 training and 5 held-out rows of 12 tokens, some padded."""
    base = BaseModel(name="tiny", model=GPT2.build(), tokenizer=byte_tokenizer(), sha256="")
    train, held_out = random_tokens(12, 12, padded=[2, 7]), random_tokens(5, 12, padded=[0])
    return Lab.open(base, GPT2.lora(), train=train, held_out=held_out, optimiser=AdamW(lr=LR), seed=5)
