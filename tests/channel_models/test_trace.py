from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_models.randomness import Stream
from channel_models.trace import Trace, TraceReplay
from channel_models.transfer import delivered_bits, first_completion

MS = 1_000_000
HOUR = 3600 * 1_000_000_000
ROUNDING = 1e-12  # relative, of sums of a few hundred floats
STREAM = Stream(0, "trace")
ROWS = st.lists(st.integers(0, 10**12), min_size=1, max_size=9).filter(any)
BINS_NS = st.integers(1, 5000)
INSTANTS_NS = st.integers(0, 10**15)


def trace(bits, bin_ns=MS):
    return Trace(bits=np.array(bits), bin_ns=bin_ns)


def naive_bits(bits, bin_ns, start_ns, end_ns):
    """The integral bin by bin."""
    total = Fraction(0)
    for bin_ in range(start_ns // bin_ns, end_ns // bin_ns + 1):
        overlap_ns = min(end_ns, (bin_ + 1) * bin_ns) - max(start_ns, bin_ * bin_ns)
        total += Fraction(bits[bin_ % len(bits)] * max(overlap_ns, 0), bin_ns)
    return total


@given(ROWS, BINS_NS, st.integers(0, 20_000), st.integers(0, 20_000))
def test_bits_are_the_exact_integral(bits, bin_ns, one_ns, other_ns):
    start_ns, end_ns = sorted((one_ns, other_ns))
    bin_ns = max(bin_ns, 200)  # the oracle goes bin by bin
    assert trace(bits, bin_ns).bits_between(start_ns, end_ns) == naive_bits(bits, bin_ns, start_ns, end_ns)


@given(ROWS, BINS_NS, INSTANTS_NS, st.integers(1, 10**18))
def test_the_end_is_the_first_tick_with_all_bits(bits, bin_ns, start_ns, wanted):
    replay = trace(bits, bin_ns)
    end_ns = replay.end_ns(start_ns, wanted)
    assert replay.bits_between(start_ns, end_ns) >= wanted
    assert replay.bits_between(start_ns, end_ns - 1) < wanted


@given(ROWS, BINS_NS, INSTANTS_NS, st.integers(0, 10**6))
def test_a_round_delivers_exactly_what_was_recorded_wherever_it_begins(bits, bin_ns, start_ns, rounds):
    replay = trace(bits, bin_ns)
    assert replay.bits_between(start_ns, start_ns + rounds * replay.period_ns) == rounds * sum(bits)


def test_a_transfer_waits_through_a_stall_and_wraps_round():
    replay = trace([1000, 0, 0, 500])
    assert replay.end_ns(0, 1000) == MS
    assert replay.end_ns(MS, 1) == 3 * MS + MS // 500
    assert replay.end_ns(500_000, 500 + 500 + 1) == 4 * MS + MS // 1000
    assert replay.end_ns(2 * MS, 0) == 2 * MS


def test_the_transfers_integral_sees_the_same_rates():
    replay = TraceReplay(traces=(trace([3000, 0, 70, 1200, 9]),), stream=STREAM)
    links = np.arange(4)

    def rates(first_block, blocks):
        return replay.rates_bps(links, first_block, blocks)

    exact = [float(replay.bits_between(link, 123, 77 * MS + 5)) for link in range(4)]
    np.testing.assert_allclose(delivered_bits(rates, MS, 123, 77 * MS + 5), exact, rtol=ROUNDING)
    end_ns, winner = first_completion(rates, MS, 123, np.full(4, 44_444.0), horizon_ns=HOUR)
    ends_ns = [replay.end_ns(link, 123, 44_444) for link in range(4)]
    assert abs(end_ns - min(ends_ns)) <= 1  # a rounded end may fall on either side of a tick
    assert winner == int(np.argmin(ends_ns))


def test_each_link_replays_some_trace_from_some_bin_of_its_own():
    traces = trace(range(1, 51)), trace(range(1001, 1101))
    replay = TraceReplay(traces=traces, stream=STREAM)
    first = replay.rates_bps(np.arange(2000), 0, 1)[:, 0] * MS / 1e9
    assert np.mean(first > 1000) == pytest.approx(0.5, abs=0.06)  # 4.9 standard errors of 2,000 halves
    assert len(np.unique(first.round())) == 150
    assert (replay.rates_bps(np.arange(7), 13, 9) == replay.rates_bps(np.arange(9), 10, 20)[:7, 3:12]).all()


def test_impossible_traces_are_errors():
    for bits, says in (([1, -1], "non-negative integers"), ([0.5], "non-negative integers"), ([0, 0], "all be zero")):
        with pytest.raises(ValueError, match=says):
            trace(bits)
    with pytest.raises(ValueError, match="bin_ns must be at least 1"):
        trace([1], 0)
    with pytest.raises(ValueError, match="traces must have bins of one length"):
        TraceReplay(traces=(trace([1]), trace([1], 5)), stream=STREAM)
    with pytest.raises(ValueError, match="start_ns and end_ns must satisfy"):
        trace([1]).bits_between(2, 1)
    with pytest.raises(ValueError, match="start_ns and bits must not be negative"):
        trace([1]).end_ns(0, -1)
