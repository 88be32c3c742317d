"""Rates by CQI: the modulation and code that a link's SINR allows, its errors and their repetition.

Tables of 3GPP TS 38.214: 5.2.2.1-2 (up to 64-QAM), 5.2.2.1-3 (up to 256-QAM), 5.2.2.1-4 (up to 64-QAM, for a block
error rate of 1e-5). CQI 0 is out of range.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from channel_models.decibels import db_to_linear, linear_to_db
from channel_models.harq import WATERFALL_PER_DB, expected_attempts, expected_delay_s, failures, logit
from channel_models.rates import Bandwidth

_QPSK, _16QAM, _64QAM, _256QAM = 2, 4, 6, 8

TABLES: dict[int, tuple[tuple[int, tuple[int, ...]], ...]] = {
    1: (
        (_QPSK, (78, 120, 193, 308, 449, 602)),
        (_16QAM, (378, 490, 616)),
        (_64QAM, (466, 567, 666, 772, 873, 948)),
    ),
    2: (
        (_QPSK, (78, 193, 449)),
        (_16QAM, (378, 490, 616)),
        (_64QAM, (466, 567, 666, 772, 873)),
        (_256QAM, (711, 797, 885, 948)),
    ),
    3: (
        (_QPSK, (30, 50, 78, 120, 193, 308, 449, 602)),
        (_16QAM, (378, 490, 616)),
        (_64QAM, (466, 567, 666, 772)),
    ),
}
"""Bits a symbol, and the code rates times 1024 with it, from CQI 1 on."""

TARGET_BLER = {1: 0.1, 2: 0.1, 3: 1e-5}

THRESHOLDS_DB = (-6.7, -4.7, -2.3, 0.2, 2.4, 4.3, 5.9, 8.1, 10.3, 11.7, 14.1, 16.3, 18.7, 21.0, 22.7)
"""SINR at which each CQI of table 1 reaches a block error rate of 0.1: widely used, of LTE with one antenna and white
noise. Default, unconfirmed."""


@dataclass(frozen=True, kw_only=True)
class CqiRate:
    """Rate of the highest CQI whose threshold the SINR reaches, less what repetitions take; the SINR is known exactly.

    `thresholds_db`, fifteen that rise, say where a CQI meets the table's target error rate. Those of table 1 are the
    default; the other tables' have the same distance to Shannon's bound at the same efficiency (ours, unconfirmed). A
    failed block is sent again up to `attempts` times in all and its energy combined; one that fails to the end is given
    back to the link layer, which sends it anew. `overhead` is the share of the band for control and pilots: none of it
    is in the tables. Between attempts goes a round trip, of about 8 slots (default, unconfirmed; slots of 1 ms): other
    blocks fill it, so it costs no rate, but the last bit comes late. ValueError for an unknown table or impossible
    numbers.
    """

    table: int = 1
    thresholds_db: tuple[float, ...] | None = None
    attempts: int = 4
    waterfall_per_db: float = WATERFALL_PER_DB
    overhead: float = 0.0
    round_trip_s: float = 8e-3

    def __post_init__(self) -> None:
        if self.table not in TABLES:
            raise ValueError(f"table must be one of {', '.join(map(str, TABLES))}, got {self.table}")
        given = self.thresholds_db
        if given is not None and not (len(given) == len(THRESHOLDS_DB) and np.all(np.diff(given) > 0.0)):
            raise ValueError(f"thresholds_db must be {len(THRESHOLDS_DB)} levels that rise, got {given}")
        if self.attempts < 1:
            raise ValueError(f"attempts must be at least 1, got {self.attempts}")
        if not self.waterfall_per_db > 0.0:
            raise ValueError(f"waterfall_per_db must be positive, got {self.waterfall_per_db}")
        if not 0.0 <= self.overhead < 1.0:
            raise ValueError(f"overhead must lie in [0, 1), got {self.overhead}")
        if not self.round_trip_s >= 0.0:
            raise ValueError(f"round_trip_s must not be negative, got {self.round_trip_s}")

    def cqi(self, sinr: NDArray[np.float64]) -> NDArray[np.int64]:
        """CQI of each linear SINR, 0 to 15."""
        return np.searchsorted(self._thresholds, sinr, side="right")

    def bps(self, bandwidth_hz: Bandwidth, sinr: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Rate.bps`: efficiency times the share of blocks that arrive, over the attempts they take."""
        cqi = self.cqi(sinr)
        failed = self._failures(cqi, sinr)
        goodput = efficiencies(self.table)[cqi] * (1.0 - failed[-1]) / expected_attempts(failed)
        rate: NDArray[np.float64] = bandwidth_hz * (1.0 - self.overhead) * goodput
        return rate

    def delay_s(self, sinr: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Repeats.delay_s`."""
        return expected_delay_s(self._failures(self.cqi(sinr), sinr), self.round_trip_s)

    def _failures(self, cqi: NDArray[np.int64], sinr: NDArray[np.float64]) -> NDArray[np.float64]:
        threshold = self._thresholds[np.maximum(cqi - 1, 0)]
        return failures(sinr, threshold, TARGET_BLER[self.table], self.attempts, self.waterfall_per_db)

    @cached_property
    def _thresholds(self) -> NDArray[np.float64]:
        """Linear SINR from which on each CQI is used (15,)."""
        given = (
            default_thresholds_db(self.table, self.waterfall_per_db)
            if self.thresholds_db is None
            else np.array(self.thresholds_db)
        )
        return np.asarray(db_to_linear(given))


def efficiencies(table: int) -> NDArray[np.float64]:
    """Bit/s/Hz of CQI 0 to 15."""
    return np.array([0.0] + [bits * rate / 1024.0 for bits, rates in TABLES[table] for rate in rates])


def default_thresholds_db(table: int, waterfall_per_db: float) -> NDArray[np.float64]:
    """SINR (15,) at which each CQI of a table meets its target error rate; see `CqiRate`."""
    gap_db = np.array(THRESHOLDS_DB) - _shannon_db(efficiencies(1)[1:])
    wanted = efficiencies(table)[1:]
    to_target_db = (logit(TARGET_BLER[1]) - logit(TARGET_BLER[table])) / waterfall_per_db
    return _shannon_db(wanted) + np.interp(wanted, efficiencies(1)[1:], gap_db) + to_target_db


def _shannon_db(bps_per_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """SINR at which the capacity is so much."""
    return linear_to_db(2.0**bps_per_hz - 1.0)
