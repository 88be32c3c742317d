"""A transfer is the integral of its rate: what was delivered by now, and who finishes first.

Rates are piecewise constant over blocks; block b covers [b, b + 1) * `block_ns`. A `Rates` callable gives the rates
(k, blocks) in bit/s of k flows from any block on, and must return the same numbers whenever it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from math import ceil

import numpy as np
from numpy.typing import NDArray

Rates = Callable[[int, int], NDArray[np.float64]]

_NS_PER_S = 1e9
_FIRST_WINDOW_BLOCKS = 4
_FEW_FLOWS = 16
_WINDOW_VALUES = 1 << 16  # at most so many rates at once: half a megabyte an array, which caches hold
PATIENCE_BLOCKS = 1 << 20
GENEROSITY = 10
"""After so many blocks, what would not end even at so many times the pace so far is given up."""
SLACK_NS = 0.01
"""Float rounding must not push an end that falls on a tick to the next one."""


class TransferNeverFinishes(ValueError):  # noqa: N818, reads as what happened
    """No flow has its bits within the horizon."""


def delivered_bits(rates: Rates, block_ns: int, start_ns: int, end_ns: int) -> NDArray[np.float64]:
    """Bits (k,) that each flow delivers in [start_ns, end_ns). ValueError unless 0 <= start_ns <= end_ns."""
    if not 0 <= start_ns <= end_ns:
        raise ValueError(f"start_ns and end_ns must satisfy 0 <= start_ns <= end_ns, got {start_ns} and {end_ns}")
    first, last = start_ns // block_ns, (end_ns - 1) // block_ns
    if first == last:  # most often nobody comes or goes within a block
        return rates(first, 1)[:, 0] * (end_ns - start_ns) / _NS_PER_S
    windows = _windows(rates, block_ns, start_ns, end_ns)
    return reduce(np.add, (_bits(edges_ns, bps).sum(axis=1) for edges_ns, bps in windows))


def first_completion(
    rates: Rates, block_ns: int, start_ns: int, remaining_bits: NDArray[np.float64], *, horizon_ns: int
) -> tuple[int, int]:
    """When, and which flow: the earliest nanosecond at which one of k flows has sent its `remaining_bits` (k,).

    An end between two ticks counts at the later one, unless it is within a hundredth of a tick of the earlier: that is
    rounding. Of flows that end together the lowest index is named; one with nothing left ends at `start_ns`. The cost
    grows with the blocks until the end. TransferNeverFinishes if no flow ends by `start_ns + horizon_ns`, or if after a
    million blocks none would do so even at ten times the pace so far; ValueError if `start_ns` is negative or
    `remaining_bits` is empty or not finite.
    """
    if start_ns < 0:
        raise ValueError(f"start_ns must not be negative, got {start_ns}")
    if len(remaining_bits) == 0 or not np.isfinite(remaining_bits).all():
        raise ValueError(f"remaining_bits must be one finite number a flow, got {remaining_bits}")
    if remaining_bits.min() <= 0.0:
        return start_ns, int(np.argmax(remaining_bits <= 0.0))
    if len(remaining_bits) <= _FEW_FLOWS and horizon_ns > _FIRST_WINDOW_BLOCKS * block_ns:
        completion = _earliest_of_few(rates, block_ns, start_ns, remaining_bits.tolist())
        if completion is not None:
            return completion
    delivered = np.zeros(len(remaining_bits))
    for edges_ns, bps in _windows(rates, block_ns, start_ns, start_ns + horizon_ns):
        after = np.empty((len(bps), len(edges_ns)))  # (k, blocks + 1)
        after[:, 0], after[:, 1:] = delivered, _bits(edges_ns, bps)
        after.cumsum(axis=1, out=after)
        completion = _earliest(edges_ns, bps, remaining_bits[:, None] - after)
        if completion is not None:
            return completion
        delivered = after[:, -1]
        elapsed_ns = int(edges_ns[-1]) - start_ns
        if elapsed_ns > PATIENCE_BLOCKS * block_ns:
            hoped_for = delivered * (GENEROSITY * horizon_ns / elapsed_ns)
            if (hoped_for < remaining_bits).all():
                break
    raise TransferNeverFinishes(
        f"no transfer finishes within horizon_ns = {horizon_ns} of {start_ns} ns: at least "
        f"{np.min(remaining_bits - delivered):.6g} bits are left; raise the rate (power, bandwidth) or the horizon"
    )


def _earliest(
    edges_ns: NDArray[np.int64], bps: NDArray[np.float64], missing: NDArray[np.float64]
) -> tuple[int, int] | None:
    """The first end in a window, if there is one; `missing` (k, blocks + 1) are the bits left at each edge."""
    done = missing[:, 1:] <= bps * (SLACK_NS / _NS_PER_S)  # (k, blocks)
    flows = np.flatnonzero(done.any(axis=1))
    if flows.size == 0:
        return None
    block = done[flows].argmax(axis=1)
    needed_ns = missing[flows, block] / bps[flows, block] * _NS_PER_S
    ticks = np.ceil(needed_ns - SLACK_NS).astype(np.int64)
    ends_ns = np.minimum(edges_ns[block] + ticks, edges_ns[block + 1])  # rounding must not carry an end past its block
    winner = int(ends_ns.argmin())
    return int(ends_ns[winner]), int(flows[winner])


def _earliest_of_few(rates: Rates, block_ns: int, start_ns: int, remaining_bits: list[float]) -> tuple[int, int] | None:
    """What ``_earliest`` finds in the first window, to the bit: for a few flows, plain numbers are faster."""
    first = start_ns // block_ns
    ends: list[tuple[int, int]] = []
    for flow, of_blocks in enumerate(rates(first, _FIRST_WINDOW_BLOCKS).tolist()):
        begin_ns, end_ns, delivered = start_ns, (first + 1) * block_ns, 0.0
        for bps in of_blocks:
            missing, delivered = remaining_bits[flow] - delivered, delivered + bps * (end_ns - begin_ns) / _NS_PER_S
            if remaining_bits[flow] - delivered <= bps * (SLACK_NS / _NS_PER_S):
                ticks = ceil(missing / bps * _NS_PER_S - SLACK_NS)
                ends.append((min(begin_ns + ticks, end_ns), flow))
                break
            begin_ns, end_ns = end_ns, end_ns + block_ns
    return min(ends, default=None)


def _windows(
    rates: Rates, block_ns: int, start_ns: int, end_ns: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Cut [start_ns, end_ns) into windows that double: the block edges (w + 1,), clipped, and the rates (k, w)."""
    block, count = start_ns // block_ns, _FIRST_WINDOW_BLOCKS
    stop = max(-(-end_ns // block_ns), block + 1)  # an empty interval still has one block, of length zero
    while block < stop:
        count = min(count, stop - block)
        bps = rates(block, count)
        edges_ns = np.arange(block * block_ns, (block + count + 1) * block_ns, block_ns)
        edges_ns[0], edges_ns[-1] = max(start_ns, block * block_ns), min(end_ns, (block + count) * block_ns)
        yield edges_ns, bps
        block += count
        count = min(2 * count, max(1, _WINDOW_VALUES // len(bps)))


def _bits(edges_ns: NDArray[np.int64], bps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bits (k, w) delivered between consecutive edges."""
    return bps * (edges_ns[1:] - edges_ns[:-1]) / _NS_PER_S
