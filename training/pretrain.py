"""python -m training.pretrain --text DIR [--out DIR] [--steps 4000]

Pretrains ``tiny-gpt2``, the base model that ships with the project: a GPT-2 of 12 blocks and hidden width 128 with a
byte-level BPE tokenizer of its own, on WikiText-2. About an hour on two CPU cores. A smoke run: ``--steps 20``.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import ByteLevelBPETokenizer
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from training import wikitext

END_OF_TEXT = "<|endoftext|>"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Hyper-parameters of the pretraining run; lengths in tokens."""

    vocabulary: int = 2048
    context: int = 256
    blocks: int = 12
    hidden: int = 128
    heads: int = 4
    batch: int = 16  # sequences a step: 4,096 tokens, small because the run is short of steps, not of memory
    steps: int = 4000  # about five passes over WikiText-2
    warmup: int = 100
    peak_lr: float = 3e-3
    final_lr: float = 1e-4
    weight_decay: float = 0.1
    clip: float = 1.0
    seed: int = 0


def train_tokenizer(text: str, recipe: Recipe) -> PreTrainedTokenizerFast:
    """Byte-level BPE (GPT-2's kind: any text can be encoded) learnt on ``text``."""
    bpe = ByteLevelBPETokenizer()
    lines = (line for line in text.split("\n") if line)
    bpe.train_from_iterator(lines, vocab_size=recipe.vocabulary, special_tokens=[END_OF_TEXT, wikitext.UNKNOWN])
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe._tokenizer,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        pad_token=END_OF_TEXT,
        unk_token=wikitext.UNKNOWN,
        model_max_length=recipe.context,
    )


def encode(tokenizer: PreTrainedTokenizerFast, text: str) -> Tensor:
    """Token ids of the whole text, shape (tokens,); encoded line by line to bound memory."""
    lines = text.splitlines(keepends=True)
    return torch.tensor([i for row in tokenizer(lines)["input_ids"] for i in row], dtype=torch.long)


def build_model(recipe: Recipe) -> GPT2LMHeadModel:
    """A randomly initialised GPT-2; tanh GELU is ``gelu_new`` as one kernel; no dropout for so few passes."""
    torch.manual_seed(recipe.seed)
    config = GPT2Config(
        vocab_size=recipe.vocabulary,
        n_positions=recipe.context,
        n_embd=recipe.hidden,
        n_layer=recipe.blocks,
        n_head=recipe.heads,
        activation_function="gelu_pytorch_tanh",
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
    )
    return GPT2LMHeadModel(config)


def learning_rate(step: int, recipe: Recipe) -> float:
    """Linear warm-up, then a cosine from ``peak_lr`` to ``final_lr``."""
    if step < recipe.warmup:
        return recipe.peak_lr * (step + 1) / recipe.warmup
    progress = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.final_lr + 0.5 * (recipe.peak_lr - recipe.final_lr) * (1 + math.cos(math.pi * progress))


def loss_of(model: GPT2LMHeadModel, windows: Tensor) -> Tensor:
    """Mean next-token cross-entropy in nats; ``windows`` (batch, context + 1)."""
    logits = model(windows[:, :-1]).logits  # (batch, context, vocabulary)
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())


@torch.inference_mode()
def evaluate(model: GPT2LMHeadModel, ids: Tensor, recipe: Recipe) -> float:
    """Mean loss in nats a token over consecutive windows of ``ids``."""
    usable = (len(ids) - 1) // recipe.context * recipe.context
    inputs, targets = ids[:usable].view(-1, recipe.context), ids[1 : usable + 1].view(-1, recipe.context)
    total = 0.0
    for x, y in zip(inputs.split(32), targets.split(32), strict=True):
        logits = model(x).logits
        total += torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum").item()
    return total / usable


def unigram_loss(train: Tensor, valid: Tensor, recipe: Recipe) -> float:
    """Loss in nats a token of add-one unigram frequencies: what any real language model must beat by far."""
    counts = torch.bincount(train, minlength=recipe.vocabulary) + 1.0
    return float(-(counts / counts.sum()).log()[valid].mean())


def fit(model: GPT2LMHeadModel, train: Tensor, valid: Tensor, recipe: Recipe) -> None:
    """AdamW on random windows of the token stream."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)
    generator = torch.Generator().manual_seed(recipe.seed)
    offsets = torch.arange(recipe.context + 1)
    started = time.monotonic()
    for step in range(recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, recipe)
        starts = torch.randint(len(train) - recipe.context, (recipe.batch, 1), generator=generator)
        loss = loss_of(model, train[starts + offsets])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        optimiser.step()
        optimiser.zero_grad()
        if step % 50 == 0:
            print(f"step {step}  loss {loss.item():.3f}  {time.monotonic() - started:.0f} s", flush=True)
        if step and step % 1000 == 0:
            print(f"step {step}  validation {evaluate(model, valid, recipe):.4f}", flush=True)


CARD = """---
license: cc-by-sa-3.0
language: en
---
# tiny-gpt2

A GPT-2 of {blocks} blocks, hidden width {hidden}, {heads} heads, {parameters:,} parameters and {context} positions,
with a byte-level BPE tokenizer of {vocabulary:,} entries. The base model of the project's own studies and tests: small
enough to fine-tune on two CPU cores, and a real language model.

- Data: WikiText-2 (Merity et al. 2016, arXiv 1609.07843), text of Wikipedia, CC BY-SA 3.0; word-level marks undone,
  rare words kept as the one token `<unk>`. {tokens:,} training tokens.
- Licence of these weights: CC BY-SA 3.0, as the data.
- Command: `python -m training.pretrain --text WIKITEXT_DIR --steps {steps}`
  ({minutes:.0f} minutes, {threads} CPU threads).
- Weights are stored in half precision and computed with in single precision.

| on the validation part, after rounding to half precision | tiny-gpt2 | unigram model of the same tokenizer |
|---|---|---|
| perplexity a token | {perplexity:.2f} | {unigram_perplexity:.1f} |
| bits a byte | {bits:.3f} | {unigram_bits:.3f} |

(bytes of the detokenised text, in which an unknown word is the five bytes `<unk>`)
"""


def main() -> None:
    """Train the tokenizer and the model, measure them, write model, tokenizer and card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, required=True, help="folder with WikiText-2's train and valid parts")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "assets" / "tiny-gpt2")
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    recipe = Recipe(steps=arguments.steps)
    started = time.monotonic()
    train_text, valid_text = (wikitext.read(arguments.text, part) for part in ("train", "valid"))
    tokenizer = train_tokenizer(train_text, recipe)
    train, valid = encode(tokenizer, train_text), encode(tokenizer, valid_text)
    print(f"{len(train)} training tokens, {len(train_text.encode()) / len(train):.2f} bytes a token", flush=True)
    model = build_model(recipe)
    fit(model, train, valid, recipe)
    minutes = (time.monotonic() - started) / 60

    model.half().save_pretrained(arguments.out)
    tokenizer.save_pretrained(arguments.out)
    loss, unigram = evaluate(model.float(), valid, recipe), unigram_loss(train, valid, recipe)
    bits_per_nat = len(valid) / len(valid_text.encode()) / math.log(2)  # bits a byte for each nat a token
    card = CARD.format(
        blocks=recipe.blocks,
        hidden=recipe.hidden,
        heads=recipe.heads,
        context=recipe.context,
        vocabulary=recipe.vocabulary,
        steps=recipe.steps,
        parameters=sum(p.numel() for p in model.parameters()),
        tokens=len(train),
        minutes=minutes,
        threads=arguments.threads,
        perplexity=math.exp(loss),
        bits=loss * bits_per_nat,
        unigram_perplexity=math.exp(unigram),
        unigram_bits=unigram * bits_per_nat,
    )
    (arguments.out / "README.md").write_text(card, encoding="utf-8")
    print(card)


if __name__ == "__main__":
    main()
