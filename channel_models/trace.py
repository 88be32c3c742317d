"""Rates as they were recorded: what a trace has delivered by any instant, exactly, and when it has delivered so much.

A trace is a number of bits for each of equal bins, spread evenly over the bin, and begins anew when it ends. Everything
is counted in integers, so that a replay delivers exactly the bits that were recorded, however often it is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from channel_models.randomness import Stream

_NS_PER_S = 1e9


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """Bits (m,) in bins of `bin_ns` nanoseconds, from time zero on, again and again.

    ValueError unless all are non-negative integers and some are not zero.
    """

    bits: NDArray[np.int64]
    bin_ns: int

    def __post_init__(self) -> None:
        if self.bits.ndim != 1 or self.bits.dtype.kind not in "iu" or np.any(self.bits < 0):
            raise ValueError(f"bits must be a row of non-negative integers, got {self.bits!r}")
        if self.bin_ns < 1:
            raise ValueError(f"bin_ns must be at least 1, got {self.bin_ns}")
        if not self.bits.any():
            raise ValueError("bits must not all be zero: such a trace never delivers anything")

    @property
    def period_ns(self) -> int:
        """Time after which the trace begins anew."""
        return len(self.bits) * self.bin_ns

    def bits_between(self, start_ns: int, end_ns: int) -> Fraction:
        """Bits delivered in [start_ns, end_ns), exactly. ValueError unless 0 <= start_ns <= end_ns."""
        if not 0 <= start_ns <= end_ns:
            raise ValueError(f"start_ns and end_ns must satisfy 0 <= start_ns <= end_ns, got {start_ns} and {end_ns}")
        return Fraction(self._delivered(end_ns) - self._delivered(start_ns), self.bin_ns)

    def end_ns(self, start_ns: int, bits: int) -> int:
        """The first nanosecond by which `bits` have come since `start_ns`. ValueError if either is negative."""
        if start_ns < 0 or bits < 0:
            raise ValueError(f"start_ns and bits must not be negative, got {start_ns} and {bits}")
        if bits == 0:
            return start_ns
        whole = int(self._by_edge[-1]) * self.bin_ns
        cycles, short = divmod(self._delivered(start_ns) + bits * self.bin_ns - 1, whole)
        # of this cycle `short` + 1 must be delivered: the first bin by whose end it has been is the one it ends in
        bin_ = int(np.searchsorted(self._by_edge, short // self.bin_ns + 1, side="left")) - 1
        missing = short + 1 - int(self._by_edge[bin_]) * self.bin_ns
        return cycles * self.period_ns + bin_ * self.bin_ns + -(-missing // int(self.bits[bin_]))

    def rates_bps(self, first_bin: int | NDArray[np.int64], bins: int) -> NDArray[np.float64]:
        """Rates (..., bins) in bit/s from any bin on; `first_bin` may be one of several links (...)."""
        which = np.asarray(first_bin)[..., None] + np.arange(bins)
        return self.bits[which % len(self.bits)].astype(np.float64) * (_NS_PER_S / self.bin_ns)

    def _delivered(self, time_ns: int) -> int:
        """Bits from time zero to `time_ns`, times `bin_ns`; Python's integers, which cannot overflow."""
        cycles, rest_ns = divmod(time_ns, self.period_ns)
        bin_, into_ns = divmod(rest_ns, self.bin_ns)
        before = cycles * int(self._by_edge[-1]) + int(self._by_edge[bin_])
        return before * self.bin_ns + int(self.bits[bin_]) * into_ns

    @cached_property
    def _by_edge(self) -> NDArray[np.int64]:
        """Bits (m + 1,) by each edge of the bins."""
        return np.concatenate([[0], np.cumsum(self.bits)])


@dataclass(frozen=True, kw_only=True, eq=False)
class TraceReplay:
    """Links that each replay one of some traces from a random bin on, for good; a function of link and time.

    ValueError unless there are traces, all with bins of the same length.
    """

    traces: tuple[Trace, ...]
    stream: Stream

    def __post_init__(self) -> None:
        if len({trace.bin_ns for trace in self.traces}) != 1:
            raise ValueError(f"traces must have bins of one length, got {[trace.bin_ns for trace in self.traces]} ns")

    @property
    def block_ns(self) -> int:
        """Length of the blocks over which rates are constant: that of a bin."""
        return self.traces[0].bin_ns

    def rates_bps(self, links: NDArray[np.int64], first_block: int, blocks: int) -> NDArray[np.float64]:
        """Rates (n, blocks) in bit/s of links (n,), as a transfer integrates them."""
        chosen, starts = self._starts(links)
        rates = np.empty((len(links), blocks))
        for number in np.unique(chosen).tolist():
            members = chosen == number
            rates[members] = self.traces[number].rates_bps(starts[members] + first_block, blocks)
        return rates

    def bits_between(self, link: int, start_ns: int, end_ns: int) -> Fraction:
        """See `Trace.bits_between`, in the link's own part of its trace."""
        trace, offset_ns = self._replayed(link)
        return trace.bits_between(start_ns + offset_ns, end_ns + offset_ns)

    def end_ns(self, link: int, start_ns: int, bits: int) -> int:
        """See `Trace.end_ns`, in the link's own part of its trace."""
        trace, offset_ns = self._replayed(link)
        return trace.end_ns(start_ns + offset_ns, bits) - offset_ns

    def _replayed(self, link: int) -> tuple[Trace, int]:
        chosen, starts = self._starts(np.array([link]))
        return self.traces[int(chosen[0])], int(starts[0]) * self.block_ns

    def _starts(self, links: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The trace (n,) of each link and the bin (n,) in which it is at time zero."""
        chosen = (self.stream.uniform(links, 0) * len(self.traces)).astype(np.int64)
        lengths = np.array([len(trace.bits) for trace in self.traces])[chosen]
        return chosen, (self.stream.uniform(links, 1) * lengths).astype(np.int64)
