"""Many adapters on one frozen base: the deferred runtime against a loop over one PEFT model, adapters swapped in."""

import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from functools import partial

import numpy as np
import peft
import torch
from torch import Tensor

from tests.benchmarks.measuring import Measured, in_turns, median_ratio, seconds
from training.adapters import state_dict
from training.allocator import keep_freed_memory
from training.base_model import load_base
from training.deferred import DeferredRuntime
from training.lab import Lab
from training.learning import Learning
from training.machine import Machine
from training.optimiser import AdamW
from training.sequences import NO_LABEL, Sequences, next_tokens
from training.steps import Batch

LR = 1e-3
REPETITIONS = 5
TRIALS = 2  # of each number of threads, to choose one; on a busy machine two threads take ten times as long as one
CORES = 2
SAME_STEP = 5e-5  # a twentieth of what a step of AdamW moves a weight: rounding, where a gradient is all but zero

Adapter = dict[str, Tensor]


def lora() -> peft.LoraConfig:
    """The quickstart's adapter."""
    return peft.LoraConfig(r=8, lora_alpha=16, target_modules=["c_attn"], task_type="CAUSAL_LM")


def tokens(rows: int, length: int) -> Sequences:
    """Random tokens of the shipped model's vocabulary."""
    ids = np.random.default_rng(0).integers(0, 2048, (rows, length))
    size, author, none = np.full(rows, length), np.zeros(rows, dtype=np.int64), np.full(rows, NO_LABEL)
    return Sequences(
        ids=ids, targets=next_tokens(ids, size), tokens=size, author=author, label=none, authors=("nobody",)
    )


class PeftLoop:
    """What a simulator without batching does: for each client load its adapter, step, and take the adapter out."""

    def __init__(self, start: Adapter, clients: int, data: Sequences, batch: int, device: str = "cpu") -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model = peft.get_peft_model(load_base("tiny-gpt2").model, lora()).eval().to(device)
        self.batches = [torch.from_numpy(data.ids[i * batch : (i + 1) * batch]).to(device) for i in range(clients)]
        self.adapters = [start for _ in range(clients)]
        self.trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.moments: list[defaultdict[Tensor, dict[str, Tensor]]] = [defaultdict(dict) for _ in range(clients)]
        self.optimiser = torch.optim.AdamW(self.trained, LR, weight_decay=0)

    def step(self) -> None:
        """One step of every client."""
        for client, ids in enumerate(self.batches):
            peft.set_peft_model_state_dict(self.model, self.adapters[client])
            self.optimiser.state = self.moments[client]
            self.optimiser.zero_grad()
            self.model(input_ids=ids, labels=ids).loss.backward()
            self.optimiser.step()
            state = peft.get_peft_model_state_dict(self.model)
            self.adapters[client] = {name: tensor.clone() for name, tensor in state.items()}


class Waved:
    """The same steps as jobs of the deferred runtime."""

    def __init__(self, clients: int, data: Sequences, batch: int, threads: int, device: str = "cpu") -> None:
        machine = Machine(device=device, threads=threads)
        lab = Lab.open(
            load_base("tiny-gpt2"), lora(), train=data, held_out=data, optimiser=AdamW(lr=LR), seed=0, machine=machine
        )
        self.runtime = DeferredRuntime(lab)
        self.learning = Learning(self.runtime)
        length = data.ids.shape[1]
        self.batches = [Batch(rows=tuple(range(i * batch, (i + 1) * batch)), length=length) for i in range(clients)]
        self.adapters = [self.learning.start(lab.whole, f"client {i}") for i in range(clients)]
        self.runtime.values(self.adapters)

    def step(self) -> None:
        """One step of every client."""
        learn = self.learning
        jobs = [
            learn.loss_and_backward(learn.whole, adapter, batch)
            for adapter, batch in zip(self.adapters, self.batches, strict=True)
        ]
        self.adapters = [job["adapter"] for job in jobs]
        self.runtime.values(self.adapters)

    def trained(self) -> list[Adapter]:
        """The adapter of every client, in PEFT's own names."""
        return [state_dict(self.runtime.lab.layout, state.weights) for state in self.runtime.values(self.adapters)]


def setting(clients: int, batch: int, length: int, threads: int, device: str = "cpu") -> tuple[Waved, PeftLoop]:
    """The deferred runtime and the loop with the same clients and batches, a step on; a pass has one core.

    Raises:
        AssertionError: they have not learned the same in that step, so that their times cannot be compared.
    """
    torch.set_num_threads(1)
    keep_freed_memory()
    data = tokens(clients * batch, length)
    ours = Waved(clients, data, batch, threads, device)
    theirs = PeftLoop(ours.trained()[0], clients, data, batch, device)
    ours.step(), theirs.step()
    for mine, their in zip(ours.trained(), theirs.adapters, strict=True):
        torch.testing.assert_close(mine, their, rtol=0, atol=SAME_STEP)
    return ours, theirs


def on_one_core(clients: int, batch: int, length: int, target: str) -> Measured:
    """CPU time."""
    ours, theirs = setting(clients, batch, length, threads=1)
    pairs = in_turns(ours.step, theirs.step, time.process_time, REPETITIONS)
    return _measured(f"{clients} clients, B={batch}, S={length}: one core, CPU time", pairs, clients, target)


def on_both_cores(clients: int, batch: int, length: int, target: str) -> Measured:
    """Wall time, against the loop with its best number of threads."""
    ours, theirs = setting(clients, batch, length, threads=CORES)

    def loop(threads: int) -> None:
        torch.set_num_threads(threads)
        theirs.step()
        torch.set_num_threads(1)

    def alone(threads: int) -> float:
        loop(threads)
        return min(seconds(partial(loop, threads), time.perf_counter) for _ in range(TRIALS))

    best = min(range(1, CORES + 1), key=alone)
    pairs = in_turns(ours.step, partial(loop, best), time.perf_counter, REPETITIONS)
    ours.runtime.close()
    what = f"{clients} clients, B={batch}, S={length}: {CORES} cores, wall time, loop with {best} threads"
    return _measured(what, pairs, clients, target)


def on_accelerator(clients: int, batch: int, length: int, target: str) -> Measured:
    """Wall time, until the device has nothing left to do."""
    ours, theirs = setting(clients, batch, length, threads=1, device="cuda")

    def finished(step: Callable[[], None]) -> None:
        step()
        torch.cuda.synchronize()

    pairs = in_turns(partial(finished, ours.step), partial(finished, theirs.step), time.perf_counter, REPETITIONS)
    what = f"{clients} clients, B={batch}, S={length}: {torch.cuda.get_device_name()}, wall time"
    return _measured(what, pairs, clients, target)


def _measured(what: str, pairs: list[tuple[float, float]], clients: int, target: str) -> Measured:
    ours, theirs = (min(times) / clients * 1e3 for times in zip(*pairs, strict=True))
    result = f"{median_ratio(pairs):.2f} x ({ours:.2f} ms, {theirs:.2f} ms a client's step)"
    return Measured(f"training against swapped PEFT adapters, {what}", result, target)


def rows() -> list[Callable[[], Measured]]:
    """All of this file, each to be measured when called; an accelerator's, if there is one."""
    found = [
        partial(on_one_core, 16, 4, 64, ">= 1.3 x"),
        partial(on_one_core, 64, 4, 64, ">= 1.3 x"),
        partial(on_one_core, 64, 1, 16, ">= 5 x"),
        partial(on_both_cores, 16, 4, 64, ">= 1.8 x"),
        partial(on_both_cores, 64, 4, 64, ">= 1.8 x"),
    ]
    if torch.cuda.is_available():
        found += [partial(on_accelerator, clients, 4, 64, ">= 10 x") for clients in (64, 256)]
    return [*found]
