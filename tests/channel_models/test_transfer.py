from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_models.transfer import TransferNeverFinishes, delivered_bits, first_completion

MS = 1_000_000
SECOND = 1_000_000_000
HOUR = 3600 * SECOND
ROUNDING = 1e-12  # relative, of sums over a few hundred blocks
SLACK_NS = Fraction(1, 50)  # the documented hundredth of a tick, and as much for the float arithmetic around it


def constant(*bps):
    return lambda first_block, blocks: np.tile(np.array(bps, dtype=float)[:, None], (1, blocks))


def table(rows):
    """Rates that run through a table (k, period) again and again."""
    values = np.array(rows, dtype=float)
    return lambda first_block, blocks: values[:, np.arange(first_block, first_block + blocks) % values.shape[1]]


def exact_bits(row, block_ns, start_ns, end_ns):
    """The integral of one flow's rate in exact arithmetic, block by block."""
    total = Fraction(0)
    for block in range(start_ns // block_ns, end_ns // block_ns + 1):
        overlap_ns = min(end_ns, (block + 1) * block_ns) - max(start_ns, block * block_ns)
        total += Fraction(row[block % len(row)]) * overlap_ns / SECOND
    return total


RATES = st.floats(0.0, 1e9, allow_subnormal=False).map(lambda bps: 0.0 if bps < 1.0 else bps)
TABLES = st.integers(1, 3).flatmap(
    lambda flows: st.lists(st.lists(RATES, min_size=7, max_size=7), min_size=flows, max_size=flows)
)
INSTANTS = st.integers(0, 200_000)
BLOCKS_NS = st.integers(1, 2_000).map(lambda ns: 500 + ns)


def test_a_megabyte_over_eight_megabits_a_second_takes_exactly_one_second():
    assert first_completion(constant(8e6), MS, 0, np.array([8e6]), horizon_ns=HOUR) == (SECOND, 0)


@pytest.mark.parametrize("start_ns", [0, 1, 123_456, 999_999, 17 * SECOND + 3])
@pytest.mark.parametrize("block_ns", [MS, 333_333, 7 * SECOND])
@pytest.mark.parametrize(("bps", "seconds"), [(8e6, 1), (1e9, 3), (1e3, 100), (12_345_679.0, 2)])
def test_at_a_constant_rate_neither_start_nor_block_length_matters(start_ns, block_ns, bps, seconds):
    end_ns, _ = first_completion(constant(bps), block_ns, start_ns, np.array([bps * seconds]), horizon_ns=HOUR)
    assert end_ns - start_ns == seconds * SECOND


@pytest.mark.parametrize(("bits", "end_ns"), [(1.0, 334), (2.0, 667), (3.0, 1000), (3.1, 1034)])
def test_an_end_between_two_ticks_counts_at_the_later_one(bits, end_ns):
    assert first_completion(constant(3e6), MS, 0, np.array([bits]), horizon_ns=HOUR) == (end_ns, 0)


def test_the_integral_skips_blocks_without_rate():
    rates = table([[1e6, 0.0, 0.0, 2e6]])
    assert delivered_bits(rates, MS, 500_000, 3_500_000).tolist() == [1500.0]
    assert first_completion(rates, MS, 500_000, np.array([500.0]), horizon_ns=HOUR) == (MS, 0)
    assert first_completion(rates, MS, 500_000, np.array([502.0]), horizon_ns=HOUR) == (3 * MS + 1000, 0)


def test_the_first_flow_to_finish_is_named_and_the_lowest_wins_a_tie():
    assert first_completion(constant(1e6, 4e6), MS, 0, np.array([1e6, 1e6]), horizon_ns=HOUR) == (SECOND // 4, 1)
    assert first_completion(constant(1e6, 2e6, 4e6), MS, 0, np.array([2e6, 2e6, 4e6]), horizon_ns=HOUR) == (SECOND, 1)


@pytest.mark.parametrize(("late_ns", "winner"), [(0.001, 0), (0.02, 1)])
def test_an_end_a_hundredth_of_a_tick_into_the_next_block_still_ties_with_one_at_the_edge(late_ns, winner):
    rates = table([[1e6, 1e9], [1e6, 0.0]])
    remaining = np.array([1000.0 + late_ns, 1000.0])  # at 1e9 bit/s a bit takes one nanosecond
    assert first_completion(rates, MS, 0, remaining, horizon_ns=HOUR) == (MS, winner)


@pytest.mark.parametrize("nothing", [0.0, -1e-9])
def test_a_flow_with_nothing_left_ends_at_once_even_without_rate(nothing):
    assert first_completion(constant(1e6, 0.0), MS, 77, np.array([5.0, nothing]), horizon_ns=HOUR) == (77, 1)


def test_an_empty_interval_delivers_nothing():
    assert delivered_bits(constant(1e6, 2e6), MS, 5 * MS, 5 * MS).tolist() == [0.0, 0.0]


@given(TABLES, BLOCKS_NS, INSTANTS, INSTANTS)
def test_delivered_bits_are_the_exact_integral(rows, block_ns, one_ns, other_ns):
    start_ns, end_ns = sorted((one_ns, other_ns))
    exact = [float(exact_bits(row, block_ns, start_ns, end_ns)) for row in rows]
    np.testing.assert_allclose(delivered_bits(table(rows), block_ns, start_ns, end_ns), exact, rtol=ROUNDING)


@given(TABLES, BLOCKS_NS, st.tuples(INSTANTS, INSTANTS, INSTANTS))
def test_delivered_bits_add_up_over_any_split_of_the_time(rows, block_ns, instants):
    start_ns, middle_ns, end_ns = sorted(instants)
    parts = [delivered_bits(table(rows), block_ns, *part) for part in ((start_ns, middle_ns), (middle_ns, end_ns))]
    whole = delivered_bits(table(rows), block_ns, start_ns, end_ns)
    np.testing.assert_allclose(parts[0] + parts[1], whole, rtol=ROUNDING)


@given(TABLES, BLOCKS_NS, INSTANTS, st.lists(st.floats(1e-3, 1e3), min_size=3, max_size=3))
def test_the_first_completion_is_the_first_tick_at_which_some_flow_has_its_bits(rows, block_ns, start_ns, bits):
    rows = [[*row, 1e6] for row in rows]  # no flow waits for ever
    remaining = np.array(bits[: len(rows)])
    end_ns, winner = first_completion(table(rows), block_ns, start_ns, remaining, horizon_ns=SECOND)

    def missing(flow, instant_ns):
        return Fraction(remaining[flow]) - exact_bits(rows[flow], block_ns, start_ns, instant_ns)

    def worth(flow, instant_ns):
        fastest = max(rows[flow][block % len(rows[flow])] for block in (instant_ns // block_ns, end_ns // block_ns))
        return Fraction(fastest) * SLACK_NS / SECOND + Fraction(remaining[flow]) / 10**12

    assert missing(winner, end_ns) <= worth(winner, end_ns - 1)
    for flow in range(len(rows)):
        assert missing(flow, end_ns - 1) > -worth(flow, end_ns - 1)
    assert all(missing(flow, end_ns) > -worth(flow, end_ns) for flow in range(winner))


@given(TABLES, BLOCKS_NS, INSTANTS, st.lists(st.floats(1e-3, 1e3), min_size=3, max_size=3))
def test_few_flows_end_as_flows_in_a_crowd_do_to_the_bit(rows, block_ns, start_ns, bits):
    """A few are looked at one by one, many as arrays: here the same few among many that never end."""
    rows = [[*row, 1e6] for row in rows]
    waiting = 20
    crowd = [*rows, *([[0.0] * len(rows[0])] * waiting)]
    remaining = np.array(bits[: len(rows)])
    alone = first_completion(table(rows), block_ns, start_ns, remaining, horizon_ns=SECOND)
    among = np.append(remaining, np.ones(waiting))
    assert first_completion(table(crowd), block_ns, start_ns, among, horizon_ns=SECOND) == alone


@given(TABLES, BLOCKS_NS, INSTANTS, st.floats(1.0, 1e4), st.floats(0.0, 1.0))
def test_stopping_on_the_way_and_going_on_ends_at_the_same_time(rows, block_ns, start_ns, bits, share):
    rates = table([[*rows[0], 1e6]])
    end_ns, _ = first_completion(rates, block_ns, start_ns, np.array([bits]), horizon_ns=SECOND)
    stop_ns = start_ns + round(share * (end_ns - start_ns))
    left = bits - delivered_bits(rates, block_ns, start_ns, stop_ns)
    resumed_ns, _ = first_completion(rates, block_ns, stop_ns, left, horizon_ns=SECOND)
    assert abs(resumed_ns - end_ns) <= 1  # an end within rounding of a tick may fall on either side of it


def test_the_cost_of_looking_ahead_grows_with_the_blocks_elapsed():
    asked = []

    def rates(first_block, blocks):
        asked.append(blocks)
        return constant(1e6)(first_block, blocks)

    elapsed_blocks = 5000
    first_completion(rates, MS, 0, np.array([elapsed_blocks * 1000.0]), horizon_ns=HOUR)
    assert sum(asked) < 4 * elapsed_blocks
    assert len(asked) < 15


def test_windows_stay_small_however_long_the_transfer():
    largest = 0

    def rates(first_block, blocks):
        nonlocal largest
        largest = max(largest, 4 * blocks)
        return constant(1e6, 1e6, 1e6, 1e6)(first_block, blocks)

    assert delivered_bits(rates, MS, 0, 2000 * SECOND).tolist() == [2e9] * 4
    assert 2**15 < largest <= 2**16


@pytest.mark.parametrize("bps", [0.0, 1e-12])
def test_a_transfer_that_cannot_finish_in_time_is_an_error(bps):
    with pytest.raises(TransferNeverFinishes, match="at least 100 bits are left"):
        first_completion(constant(bps, bps), MS, 0, np.array([100.0, 900.0]), horizon_ns=10 * SECOND)


def test_the_horizon_counts_from_the_start_and_is_inclusive():
    start_ns = 5 * SECOND + 1
    assert first_completion(constant(1e6), MS, start_ns, np.array([1e6]), horizon_ns=SECOND)[0] == start_ns + SECOND
    with pytest.raises(TransferNeverFinishes):
        first_completion(constant(1e6), MS, start_ns, np.array([1e6]), horizon_ns=SECOND - 1)


def test_impossible_questions_are_errors():
    with pytest.raises(ValueError, match="start_ns and end_ns must satisfy"):
        delivered_bits(constant(1.0), MS, 2, 1)
    with pytest.raises(ValueError, match="start_ns must not be negative"):
        first_completion(constant(1.0), MS, -1, np.array([1.0]), horizon_ns=HOUR)
    for remaining in ([], [np.nan], [np.inf]):
        with pytest.raises(ValueError, match="remaining_bits must be one finite number a flow"):
            first_completion(constant(1.0), MS, 0, np.array(remaining), horizon_ns=HOUR)


def test_a_transfer_that_would_take_ten_times_too_long_at_its_pace_is_given_up_after_a_million_blocks():
    asked = []

    def rates(first_block, blocks):
        asked.append(first_block + blocks)
        return constant(1e-3)(first_block, blocks)

    with pytest.raises(TransferNeverFinishes):
        first_completion(rates, MS, 0, np.array([1e9]), horizon_ns=10**7 * SECOND)
    assert 2**20 < max(asked) < 2**22
