"""Many adapters on one frozen base: the deferred runtime against a loop over one PEFT model, adapters swapped in."""

import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator

import numpy as np
import peft
import torch
from torch import Tensor

from training.allocator import keep_freed_memory
from training.base_model import load_base
from training.deferred import DeferredRuntime
from training.lab import Lab
from training.learning import Learning
from training.machine import Machine
from training.optimiser import AdamW
from training.sequences import NO_LABEL, Sequences
from training.steps import Batch

LR = 1e-3
REPETITIONS = 3
Seconds = Callable[[], float]


def lora() -> peft.LoraConfig:
    """The quickstart's adapter."""
    return peft.LoraConfig(r=8, lora_alpha=16, target_modules=["c_attn"], task_type="CAUSAL_LM")


def tokens(rows: int, length: int) -> Sequences:
    """Random tokens of the shipped model's vocabulary."""
    ids = np.random.default_rng(0).integers(0, 2048, (rows, length))
    none = np.full(rows, NO_LABEL)
    return Sequences(ids=ids, targets=ids, author=np.zeros(rows, dtype=np.int64), label=none, authors=("nobody",))


class PeftLoop:
    """What a simulator without batching does: for each client load its adapter, step, and take the adapter out."""

    def __init__(self, clients: int, data: Sequences, batch: int, device: str = "cpu") -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model = peft.get_peft_model(load_base("tiny-gpt2").model, lora()).eval().to(device)
        self.batches = [torch.from_numpy(data.ids[i * batch : (i + 1) * batch]).to(device) for i in range(clients)]
        start = {name: tensor.clone() for name, tensor in peft.get_peft_model_state_dict(self.model).items()}
        self.adapters: list[dict[str, Tensor]] = [start for _ in range(clients)]
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


def paired(ours: Callable[[], object], theirs: Callable[[], object], clock: Seconds) -> Iterator[tuple[float, float]]:
    """Seconds of ``ours`` and ``theirs``, taken in turns, after one of each that does not count."""
    ours(), theirs()
    for _ in range(REPETITIONS):
        yield _seconds(ours, clock), _seconds(theirs, clock)


def _seconds(work: Callable[[], object], clock: Seconds) -> float:
    began = clock()
    work()
    return clock() - began


def against_swapping(clients: int, batch: int, length: int) -> tuple[str, str]:
    """One core, CPU time."""
    torch.set_num_threads(1)
    keep_freed_memory()
    data = tokens(clients * batch, length)
    ours, theirs = Waved(clients, data, batch, threads=1), PeftLoop(clients, data, batch)
    pairs = list(paired(ours.step, theirs.step, time.process_time))
    what = f"{clients} clients, B={batch}, S={length}, one core: training against swapped PEFT adapters, CPU time"
    return what, _ratio(pairs, clients)


def on_all_cores(clients: int, batch: int, length: int) -> tuple[str, str]:
    """All cores, wall time, against the loop with its best number of threads."""
    cores = torch.get_num_threads() if torch.get_num_threads() > 1 else 2
    data = tokens(clients * batch, length)
    torch.set_num_threads(1)
    ours, theirs = Waved(clients, data, batch, threads=cores), PeftLoop(clients, data, batch)
    best: list[tuple[float, float]] = []
    for threads in (1, cores):

        def loop(threads: int = threads) -> None:
            torch.set_num_threads(threads)
            theirs.step()
            torch.set_num_threads(1)

        best.append(min(paired(ours.step, loop, time.perf_counter), key=lambda pair: pair[1]))
    wall = min(best, key=lambda pair: pair[1])
    ours.runtime.close()
    return f"{clients} clients, B={batch}, S={length}, {cores} cores: the same, wall time", _ratio([wall], clients)


def _ratio(pairs: list[tuple[float, float]], clients: int) -> str:
    ratios = sorted(theirs / ours for ours, theirs in pairs)
    ours, theirs = (min(times) / clients * 1e3 for times in zip(*pairs, strict=True))
    return f"{ratios[len(ratios) // 2]:.2f} x ({ours:.2f} ms against {theirs:.2f} ms a step of a client)"
