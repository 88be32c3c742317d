"""Decibels to linear and back: the only place where either is converted."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", float, NDArray[np.float64])

DBM_OF_ONE_WATT = 30.0


def db_to_linear(value_db: Real) -> Real:
    """Power ratio of `value_db`: 10^(dB / 10); a float for a float, an array for an array."""
    ratio: Real = np.power(10.0, value_db / 10.0)
    return ratio


def linear_to_db(ratio: Real) -> Real:
    """Decibels of a power ratio: 10 log10(ratio). ValueError unless every ratio is positive."""
    if not np.all(np.greater(ratio, 0.0)):
        raise ValueError(f"ratio must be positive to have decibels, got {np.min(ratio)}")
    value_db: Real = 10.0 * np.log10(ratio)
    return value_db


def dbm_to_w(power_dbm: Real) -> Real:
    """Watts of a power in dBm (decibels over one milliwatt)."""
    return db_to_linear(power_dbm - DBM_OF_ONE_WATT)


def w_to_dbm(power_w: Real) -> Real:
    """Power in dBm of `power_w` watts. ValueError unless every power is positive."""
    return linear_to_db(power_w) + DBM_OF_ONE_WATT
