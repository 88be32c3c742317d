"""The experiment of SflLLM (arXiv 2504.14667) with placeholders where its values are not known.

Remembered, with low certainty: GPT-2 small, five clients, the subchannels, I, the mini-batches, the clock rates, the
powers, the ranks. Derived: the work, which is measured on the model. Our choice, each a field or a constant here: what
a clock cycle computes, the rounds E(r) that a rank takes, the adapted matrices, both servers behind one antenna in the
cell of ``drops``, and gains that are the same in all subchannels.

The reduction against baselines hangs on what a clock cycle computes. The longer all compute, the less a radio that is
shared well can save; a server no faster than its clients together leaves nothing to win by the split. Against decisions
that are all drawn the mean over drops is 55 %, but 44 % with the clients' cycles at the server too, and 28 % with
processors of 16 and 32 FLOPs a cycle.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit

from channel_models.decibels import dbm_to_w
from channel_models.randomness import Stream
from cosim.allocation import drops as cell
from cosim.allocation.problem import Array
from cosim.allocation.sfllm.baselines import BASELINES
from cosim.allocation.sfllm.descent import optimum
from cosim.allocation.sfllm.measured_work import gpt2_small
from cosim.allocation.sfllm.problem import SplitProblem, Uplink, Work
from cosim.reproduce.curve import Curve
from cosim.reproduce.row import Row

CYCLES_PER_FLOP = 1 / 1024
"""Of clients: at 1 to 1.6 GHz the 1 to 1.6 TFLOP/s of a small board with a GPU. Our choice."""
SERVER_CYCLES_PER_FLOP = CYCLES_PER_FLOP / 16
"""At 5 GHz the 80 TFLOP/s of one large GPU. Our choice."""
OPTIMISED = "optimised"
_CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The placeholders. ``rayleigh`` gives every subchannel a fading of its own, other in each uplink."""

    clients: int = 5
    subchannels: int = 20
    subchannel_hz: float = 500e3
    client_power_dbm: float = 41.76
    total_power_dbm: float = 46.99
    slowest_hz: float = 1.0e9
    fastest_hz: float = 1.6e9
    server_hz: float = 5.0e9
    cycles_per_flop: float = CYCLES_PER_FLOP
    server_cycles_per_flop: float = SERVER_CYCLES_PER_FLOP
    iterations: int = 12
    batch: int = 16
    length: int = 512
    ranks: tuple[int, ...] = (1, 2, 4, 6, 8)
    rayleigh: bool = False


def rounds(ranks: Sequence[int]) -> Array:
    """E(r) (R,): our choice, until somebody has measured it. Narrower adapters need more rounds, and wide ones 40."""
    return 40.0 * (1.0 + 0.5 / np.array(ranks, dtype=float))


def work(setting: Setting) -> Work:
    """What GPT-2 small takes; measured anew each time, for seconds."""
    return gpt2_small(batch=setting.batch, length=setting.length, ranks=setting.ranks, rounds=rounds(setting.ranks))


def draw(setting: Setting, work: Work, drops: int, seed: int) -> SplitProblem:
    """So many drops of clients, with places and clock rates of their own."""
    who, which = np.arange(setting.clients), np.arange(drops)[:, None]
    share = Stream(seed, "sfllm clock rates").uniform(who, which)
    hz = setting.slowest_hz + (setting.fastest_hz - setting.slowest_hz) * share
    gains = cell.gains(drops, setting.clients, seed)
    return SplitProblem(
        work=work,
        client_flops_per_s=hz / setting.cycles_per_flop,
        server_flops_per_s=setting.server_hz / setting.server_cycles_per_flop,
        main=_uplink(setting, gains, seed, "main"),
        federated=_uplink(setting, gains, seed, "federated"),
        iterations=setting.iterations,
    )


def _uplink(setting: Setting, gains: Array, seed: int, name: str) -> Uplink:
    drops, clients = gains.shape
    fading = np.ones((drops, clients, setting.subchannels))
    if setting.rayleigh:
        blocks = np.arange(drops * setting.subchannels).reshape(drops, 1, -1)
        fading = Stream(seed, f"sfllm {name} fading").exponential(np.arange(clients)[:, None], blocks)
    return Uplink(
        width_hz=np.full(setting.subchannels, setting.subchannel_hz),
        gain_to_noise_hz_per_w=gains[..., None] * fading / cell.NOISE_W_PER_HZ,
        client_power_w=dbm_to_w(setting.client_power_dbm),
        total_power_w=dbm_to_w(setting.total_power_dbm),
    )


def delays_s(problem: SplitProblem, seed: int) -> dict[str, Array]:
    """T (drops,) of the optimised decisions and of all baselines, whose draws depend on ``seed``."""
    drawn = {name: decide(problem, seed).total_s for name, decide in BASELINES.items()}
    return {OPTIMISED: optimum(problem).total_s, **drawn}


@dataclass(frozen=True, kw_only=True)
class Reduction:
    """By how much less delay a baseline is beaten: the mean over drops of 1 - T / T', with the interval of that mean
    at 95 % (Student's t), and 1 - mean T / mean T'."""

    mean: float
    low: float
    high: float
    of_means: float


def reductions(delays: dict[str, Array]) -> dict[str, Reduction]:
    """Of the optimum against each baseline in ``delays_s``; at least two drops."""
    best = delays[OPTIMISED]
    return {name: _reduction(best, others) for name, others in delays.items() if name != OPTIMISED}


def _reduction(best: Array, others: Array) -> Reduction:
    each, drops = 1.0 - best / others, len(best)
    mean = float(np.mean(each))
    error = float(np.std(each, ddof=1)) / math.sqrt(drops) * float(stdtrit(drops - 1, (1.0 + _CONFIDENCE) / 2.0))
    of_means = 1.0 - float(np.mean(best) / np.mean(others))
    return Reduction(mean=mean, low=mean - error, high=mean + error, of_means=of_means)


def curves(setting: Setting, work: Work, drops: int, seed: int) -> list[Curve]:
    """Delay against power (both caps at once), bandwidth (all subchannels) and the clients' clock rates.

    All points have the same drops, so that curves differ by the quantity alone.
    """
    return [
        _curve(quantity, unit, np.asarray(values), [draw(change(value), work, drops, seed) for value in values], seed)
        for quantity, unit, values, change in _sweeps(setting)
    ]


def _sweeps(setting: Setting) -> list[tuple[str, str, Array, Callable[[float], Setting]]]:
    """Quantities with their units, the values that they take, and the setting at one."""
    above_db = setting.total_power_dbm - setting.client_power_dbm
    return [
        ("maximum power of a client", "dBm", np.linspace(21.76, 46.76, 6),
         lambda dbm: replace(setting, client_power_dbm=dbm, total_power_dbm=dbm + above_db)),
        ("bandwidth", "Hz", np.array([2e6, 5e6, 10e6, 15e6, 20e6, 30e6]),
         lambda hz: replace(setting, subchannel_hz=hz / setting.subchannels)),
        ("clock rates of the clients, relative", "", np.array([0.25, 0.5, 1.0, 2.0, 4.0]),
         lambda times: replace(setting, slowest_hz=setting.slowest_hz * times, fastest_hz=setting.fastest_hz * times)),
    ]  # fmt: skip


def _curve(quantity: str, unit: str, values: Array, problems: Sequence[SplitProblem], seed: int) -> Curve:
    delays = [delays_s(problem, seed) for problem in problems]
    means = {name: np.array([float(np.mean(each[name])) for each in delays]) for name in delays[0]}
    return Curve(quantity=quantity, unit=unit, values=values, delay_s=means)


SECOND_HAND_PERCENT = 60.0
LEAST_PERCENT = 50.0


def rows(setting: Setting, work: Work, drops: int, seed: int) -> list[Row]:
    """What is known of the paper at second hand, up to about 60 % against decisions that are all drawn, beside ours."""
    found = reductions(delays_s(draw(setting, work, drops, seed), seed))
    return [
        Row(
            group=f"SflLLM, mean reduction of the delay, {drops} drops",
            name=f"against {name} ({100 * each.low:.1f} to {100 * each.high:.1f} at 95 %)",
            ours=100 * each.mean,
            paper=SECOND_HAND_PERCENT if name == "all random" else None,
            unit="%",
            known="remembered" if name == "all random" else "ours",
            tolerance=SECOND_HAND_PERCENT - LEAST_PERCENT if name == "all random" else None,
            why='"up to about 60 %", at placeholders; what a clock cycle computes is our choice, see the module'
            if name == "all random"
            else "",
        )
        for name, each in found.items()
    ]
