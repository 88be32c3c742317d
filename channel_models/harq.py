"""Blocks that fail and are sent again: the error rate by SINR, and what repetition costs (hybrid ARQ).

Repetitions are combined (chase combining): the SINR of k attempts is the sum of theirs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from channel_models.decibels import linear_to_db

WATERFALL_PER_DB = 12.0
"""Slope of the block error rate: a logistic of 10 to 14 a decibel fits a waterfall from 0.6 to 0.006 within 0.5 dB, as
link simulations of NR's low-density parity-check codes show. Default, unconfirmed."""


def logit(probability: float) -> float:
    """ln(p / (1 - p))."""
    return float(np.log(probability / (1.0 - probability)))


def bler(
    sinr: NDArray[np.float64], threshold: NDArray[np.float64], target: float, slope_per_db: float = WATERFALL_PER_DB
) -> NDArray[np.float64]:
    """Block error rate at a linear SINR, which is `target` at the linear `threshold`: a logistic waterfall in dB."""
    margin_db = linear_to_db(np.maximum(sinr, np.finfo(float).tiny) / threshold)
    exponent = np.clip(slope_per_db * margin_db - logit(target), -700.0, 700.0)  # beyond, exp overflows
    rate: NDArray[np.float64] = 1.0 / (1.0 + np.exp(exponent))
    return rate


def failures(
    sinr: NDArray[np.float64],
    threshold: NDArray[np.float64],
    target: float,
    attempts: int,
    slope_per_db: float = WATERFALL_PER_DB,
) -> NDArray[np.float64]:
    """Probability (attempts, ...) that the first, the first two, ... attempts all fail, each having the same SINR."""
    errors = [bler(number * sinr, threshold, target, slope_per_db) for number in range(1, attempts + 1)]
    chances: NDArray[np.float64] = np.multiply.accumulate(np.stack(errors), axis=0)
    return chances


def expected_attempts(failed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean number of attempts, of as many as `failed` (attempts, ...) has: 1 + P(first fails) + ... but the last."""
    mean: NDArray[np.float64] = 1.0 + failed[:-1].sum(axis=0)
    return mean


def expected_delay_s(failed: NDArray[np.float64], round_trip_s: float) -> NDArray[np.float64]:
    """Mean time that the repetitions of a block add to its own, with one HARQ round trip between attempts."""
    return (expected_attempts(failed) - 1.0) * round_trip_s
