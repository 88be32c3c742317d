"""Drops of clients in the papers' cell, with work by the closed forms of GPT-like models."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from channel_models.decibels import db_to_linear, dbm_to_w
from cosim.allocation.sfllm.problem import SplitProblem, Uplink, Work

HALF_SQUARE_M, SHADOWING_DB, NOISE_DBM_PER_HZ = 250.0, 8.0, -174.0
B, S, H, V, BITS = 16, 512, 768, 50257, 32
BLOCK_FLOPS = 24 * B * S * H**2 + 4 * B * S**2 * H


def gpt_like_work(blocks: int = 12, ranks: tuple[int, ...] = (1, 2, 4, 6, 8)) -> Work:
    """With frozen weights a backward pass takes what the forward pass takes."""
    splits, rank = np.arange(1, blocks), np.array(ranks)
    at_client = splits[:, None] * np.ones(len(ranks))
    return Work(
        splits=splits,
        ranks=rank,
        client_forward_flops=at_client * BLOCK_FLOPS,
        client_backward_flops=at_client * BLOCK_FLOPS,
        server_flops=2.0 * (blocks - at_client) * BLOCK_FLOPS + 4.0 * B * S * H * V,
        activation_bits=np.full(at_client.shape, float(B * S * H * BITS)),
        adapter_bits=at_client * rank * 4.0 * H * BITS,
        rounds=30.0 + 20.0 / rank,
    )


def draw_uplink(
    drops: int, clients: int, subchannels: int, power_dbm: float, caps: float, seed: int, rayleigh: bool
) -> Uplink:
    draw = np.random.default_rng(seed)
    distance_m = np.maximum(np.hypot(*draw.uniform(-HALF_SQUARE_M, HALF_SQUARE_M, (2, drops, clients, 1))), 1.0)
    loss_db = 128.1 + 37.6 * np.log10(distance_m / 1e3) + SHADOWING_DB * draw.normal(size=distance_m.shape)
    fading = draw.exponential(size=(drops, clients, subchannels)) if rayleigh else np.ones((1, 1, subchannels))
    return Uplink(
        width_hz=np.full(subchannels, 500e3),
        gain_to_noise_hz_per_w=db_to_linear(-loss_db) * fading / dbm_to_w(NOISE_DBM_PER_HZ),
        client_power_w=dbm_to_w(power_dbm),
        total_power_w=caps * dbm_to_w(power_dbm),
    )


@pytest.fixture(scope="session")
def draw_uplinks() -> Callable[..., Uplink]:
    """Uplinks of clients with one cap each, and so many ``caps`` for all."""

    def draw(
        drops: int = 1, clients: int = 5, subchannels: int = 20, power_dbm: float = 41.76, caps: float = 3.0,
        seed: int = 0, rayleigh: bool = True,
    ) -> Uplink:  # fmt: skip
        return draw_uplink(drops, clients, subchannels, power_dbm, caps, seed, rayleigh)

    return draw


@pytest.fixture(scope="session")
def draw_splits(draw_uplinks: Callable[..., Uplink]) -> Callable[..., SplitProblem]:
    """Problems of GPT-2 small's shape; ``work`` replaces it, other keywords are those of ``draw_uplinks``."""

    def draw(
        drops: int = 1, clients: int = 5, seed: int = 0, work: Work | None = None, server_flops_per_s: float = 20e12,
        **uplink: Any,
    ) -> SplitProblem:  # fmt: skip
        return SplitProblem(
            work=work or gpt_like_work(),
            client_flops_per_s=np.random.default_rng(seed + 1).uniform(1e12, 1.6e12, (drops, clients)),
            server_flops_per_s=server_flops_per_s,
            main=draw_uplinks(drops=drops, clients=clients, seed=seed + 2, **uplink),
            federated=draw_uplinks(drops=drops, clients=clients, seed=seed + 3, **uplink),
            iterations=12,
        )

    return draw
