"""Messages by radio that are lost, or of which packets are corrupted, and are sent again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from channel_models.randomness import Stream

if TYPE_CHECKING:
    from cosim.scenario.faults import Corruption, Losses


@dataclass(frozen=True, kw_only=True)
class Again:
    """So many bytes are to be sent again: all, if the message is ``lost``, after ``wait_s``, or never if given up."""

    nbytes: int
    lost: bool = False
    wait_s: float = 0.0
    given_up: bool = False


@dataclass(kw_only=True, eq=False)
class Repeats:
    """What comes of each transmission by radio.

    It is lost as a whole, which the sender notices when no acknowledgement has come for ``losses.timeout``; else each
    of its packets is corrupted for itself, and those are sent again at once (selective repeat). Lots are drawn for each
    user and direction, transmission after transmission.
    """

    seed: int
    losses: Losses | None
    corruption: Corruption | None
    _counts: Counter[tuple[int, str]] = field(default_factory=Counter)

    def after(self, user: int, direction: str, nbytes: int, lost_before: int) -> Again | None:
        """What must be sent again of ``nbytes``, which so many attempts before this one have lost; None if nothing."""
        number = self._counts[user, direction]
        self._counts[user, direction] += 1
        if self.losses is not None:
            lot = Stream(self.seed, f"losses of {direction}").uniform(user, number)
            if lot < self.losses.probability:
                given_up = self.losses.attempts is not None and lost_before + 1 >= self.losses.attempts
                return Again(nbytes=nbytes, lost=True, wait_s=self.losses.timeout, given_up=given_up)
        if self.corruption is not None and nbytes:
            packets = ceil(nbytes / self.corruption.packet)
            lots = Stream(self.seed, f"corruption of {direction}").generator(user, number)
            bad = int(lots.binomial(packets, self.corruption.probability))
            if bad:
                return Again(nbytes=min(nbytes, ceil(bad * self.corruption.packet)))
        return None
