"""When users go over from one site to another: the stronger one, if it stays so for a while."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class HandoverRule:
    """Another site must be more than `hysteresis_db` stronger at every check over `time_to_trigger_s`.

    This is event A3 of 3GPP TS 38.331 section 5.5.4.4 with all offsets zero; its usual values are 3 dB and 160 ms
    (defaults, unconfirmed). Checks are made at all multiples of `interval_s`. ValueError for a negative number or an
    interval of zero.
    """

    hysteresis_db: float = 3.0
    time_to_trigger_s: float = 0.16
    interval_s: float = 0.04

    def __post_init__(self) -> None:
        for name in ("hysteresis_db", "time_to_trigger_s"):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} must be finite and not negative, got {getattr(self, name)}")
        if not 0.0 < self.interval_s < np.inf:
            raise ValueError(f"interval_s must be positive, got {self.interval_s}")

    @property
    def further_checks(self) -> int:
        """How many checks after the first must find the other site stronger: as many as reach over the time."""
        return ceil(self.time_to_trigger_s / self.interval_s - _ROUNDING)


_ROUNDING = 1e-9  # 0.12 s are three intervals of 0.04 s, not four


@dataclass(frozen=True, kw_only=True)
class Handover:
    """At a check, counted from that of the first gains given, a user goes over to another site."""

    check: int
    user: int
    origin: int
    target: int


class HandoverWatch:
    """Follows the signals of all users, check after check; what it decides depends on them alone.

    `serving` (users,) are the sites that users are served by at first.
    """

    def __init__(self, rule: HandoverRule, serving: NDArray[np.int64], sites: int) -> None:
        self.rule = rule
        self.serving = serving.copy()
        self._found = np.zeros((sites, len(serving)), dtype=np.int64)  # checks on end that found a site stronger

    def decide(self, signal_db: NDArray[np.float64]) -> Iterator[Handover]:
        """Handovers by the signals (sites, users, checks) of the next checks, in order of time, then of users.

        Where several sites qualify at once the strongest is taken, of equals the first. All must be asked for, before
        the next are decided.
        """
        candidates = self._candidates(signal_db)
        for check in range(signal_db.shape[2]) if len(candidates) else ():
            level_db = signal_db[:, candidates, check]
            found = self._count(candidates, level_db)
            for place in np.flatnonzero((found > self.rule.further_checks).any(axis=0)).tolist():
                qualified = found[:, place] > self.rule.further_checks
                target = int(np.where(qualified, level_db[:, place], -np.inf).argmax())
                user = int(candidates[place])
                origin, self.serving[user] = int(self.serving[user]), target
                self._found[:, user] = 0
                yield Handover(check=check, user=user, origin=origin, target=target)

    def _count(self, users: NDArray[np.int64], level_db: NDArray[np.float64]) -> NDArray[np.int64]:
        """Checks on end (sites, k) that found a site stronger, with this one."""
        own_db = level_db[self.serving[users], np.arange(len(users))]
        stronger = level_db > own_db + self.rule.hysteresis_db
        self._found[:, users] = np.where(stronger, self._found[:, users] + 1, 0)
        return self._found[:, users]

    def _candidates(self, signal_db: NDArray[np.float64]) -> NDArray[np.int64]:
        """The users for whom anything changes: the others need no look at each check."""
        own_db = signal_db[self.serving, np.arange(len(self.serving))]
        stronger = signal_db.max(axis=0) > own_db + self.rule.hysteresis_db
        return np.flatnonzero(stronger.any(axis=1) | self._found.any(axis=0))
