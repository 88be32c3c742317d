"""Drops of users in the cell that FedsLLM's papers share: a square with the server in its centre.

Source: the setting of Yang et al. (arXiv 2007.03462, 1911.02417), which FedsLLM (arXiv 2407.09250) takes over: 500 m,
path loss 128.1 + 37.6 log10 d_km dB, shadowing of 8 dB, noise of -174 dBm/Hz.
"""

from __future__ import annotations

import numpy as np

from channel_models.decibels import db_to_linear, dbm_to_w
from channel_models.geometry import Geometry
from channel_models.pathloss import MacroPathLoss
from channel_models.randomness import Stream
from cosim.allocation.problem import Array

SIDE_M = 500.0
NEAREST_M = 1.0
SHADOWING_DB = 8.0
NOISE_W_PER_HZ = dbm_to_w(-174.0)
_PATHLOSS = MacroPathLoss(carrier_hz=2e9, minimum_distance_m=NEAREST_M)  # whose carrier term is 0 dB there


def gains(drops: int, users: int, seed: int) -> Array:
    """Power gains (drops, users), each user's the same however many others there are."""
    who, which = np.arange(users), np.arange(drops)[:, None]
    x, y = (SIDE_M * (Stream(seed, f"drop {axis}").uniform(who, which) - 0.5) for axis in "xy")
    geometry = Geometry(distance_2d_m=np.hypot(x, y), base_height_m=0.0, user_height_m=0.0)
    loss_db = _PATHLOSS.loss_db(geometry, np.zeros(x.shape, dtype=bool))
    return db_to_linear(-loss_db - SHADOWING_DB * Stream(seed, "drop shadowing").normal(who, which))
