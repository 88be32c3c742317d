"""Drops of users as the papers have them: in a square of 500 m around the server, with 8 dB of shadowing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from channel_models.decibels import db_to_linear, dbm_to_w
from cosim.allocation.learning_model import LearningModel
from cosim.allocation.problem import DelayProblem

HALF_SQUARE_M = 250.0
SHADOWING_DB = 8.0
NOISE_DBM_PER_HZ = -174.0
CYCLES_A_S = 2e9
SAMPLES = 500


def carrier_to_noise_hz(drops: int, users: int, power_dbm: float, seed: int) -> Any:
    draw = np.random.default_rng(seed)
    distance_m = np.maximum(np.hypot(*draw.uniform(-HALF_SQUARE_M, HALF_SQUARE_M, (2, drops, users))), 1.0)
    loss_db = 128.1 + 37.6 * np.log10(distance_m / 1e3) + SHADOWING_DB * draw.normal(size=distance_m.shape)
    return db_to_linear(-loss_db) * dbm_to_w(power_dbm) / dbm_to_w(NOISE_DBM_PER_HZ)


@pytest.fixture(scope="session")
def draw_problem() -> Callable[..., DelayProblem]:
    """Problems of the paper's setting; keywords replace fields, sizes may be one number for all users."""

    def draw(drops: int = 1, users: int = 50, power_dbm: float = 10.0, seed: int = 0, **given: Any) -> DelayProblem:
        cycles = np.random.default_rng(seed + 1).uniform(1e4, 3e4, (drops, users))
        fields: dict[str, Any] = {
            "carrier_to_noise_hz": carrier_to_noise_hz(drops, users, power_dbm, seed),
            "compute_s": cycles * SAMPLES / CYCLES_A_S,
            "adapter_bits": 28.1e3,
            "activation_bits": 0.0,
            "bandwidth_hz": 20e6,
            "learning": LearningModel.of_losses(smoothness=4.0, convexity=2.0, step=0.1, xi=0.1, accuracy=1e-3),
            **given,
        }
        for name in ("compute_s", "adapter_bits", "activation_bits"):
            fields[name] = np.broadcast_to(np.asarray(fields[name], dtype=float), (drops, users))
        return DelayProblem(**fields)

    return draw
