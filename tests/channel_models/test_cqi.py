import numpy as np
import pytest

from channel_models.cqi import THRESHOLDS_DB, CqiRate, default_thresholds_db, efficiencies
from channel_models.harq import WATERFALL_PER_DB
from channel_models.randomness import Stream

PRINTED = 5.1e-5  # the tables print four decimals
ROUNDING = 1e-12
BOUND_DB = 0.05  # Shannon's bounds below are rounded to a decimal
# Efficiencies as 3GPP TS 38.214 prints them
TABLE_1 = [0.1523, 0.2344, 0.3770, 0.6016, 0.8770, 1.1758, 1.4766, 1.9141,
           2.4063, 2.7305, 3.3223, 3.9023, 4.5234, 5.1152, 5.5547]  # fmt: skip
TABLE_2 = [0.1523, 0.3770, 0.8770, 1.4766, 1.9141, 2.4063, 2.7305, 3.3223,
           3.9023, 4.5234, 5.1152, 5.5547, 6.2266, 6.9141, 7.4063]  # fmt: skip
TABLE_3 = [0.0586, 0.0977, 0.1523, 0.2344, 0.3770, 0.6016, 0.8770, 1.1758,
           1.4766, 1.9141, 2.4063, 2.7305, 3.3223, 3.9023, 4.5234]  # fmt: skip
BLOCKS = 200_000
STANDARD_ERRORS = 4.9  # right draws miss with probability 1e-6; the seed is fixed


def linear(level_db):
    return 10 ** (np.asarray(level_db) / 10)


@pytest.mark.parametrize(("table", "printed"), [(1, TABLE_1), (2, TABLE_2), (3, TABLE_3)])
def test_efficiencies_are_those_of_the_tables(table, printed):
    assert efficiencies(table)[0] == 0.0
    np.testing.assert_allclose(efficiencies(table)[1:], printed, rtol=0, atol=PRINTED)


def test_a_cqi_is_used_from_its_threshold_on():
    rate = CqiRate()
    at = linear(THRESHOLDS_DB)
    assert rate.cqi(at * (1 + 1e-9)).tolist() == list(range(1, 16))
    assert rate.cqi(at * (1 - 1e-9)).tolist() == list(range(15))
    own = CqiRate(thresholds_db=tuple(range(15)))
    assert own.cqi(linear([-0.1, 0.1, 13.9, 14.1, 50.0])).tolist() == [0, 1, 14, 15, 15]


def test_thresholds_of_table_1_lie_above_shannons_bound():
    bound_db = [-9.5, -7.5, -5.2, -2.9, -0.8, 1.0, 2.5, 4.4, 6.3, 7.5, 9.5, 11.4, 13.4, 15.3, 16.6]
    exact_db = 10 * np.log10(2 ** efficiencies(1)[1:] - 1)
    np.testing.assert_allclose(exact_db, bound_db, rtol=0, atol=BOUND_DB + 0.01)
    assert (np.array(THRESHOLDS_DB) > exact_db).all()


def test_where_tables_share_an_efficiency_they_share_the_threshold_but_for_the_target():
    """Entry 4 of table 2 is entry 7 of table 1. For 1e-5 instead of 0.1 a logistic of slope 12 needs 0.776 dB more."""
    assert default_thresholds_db(2, WATERFALL_PER_DB)[3] == pytest.approx(THRESHOLDS_DB[6], abs=1e-9)
    assert default_thresholds_db(3, WATERFALL_PER_DB)[2] == pytest.approx(THRESHOLDS_DB[0] + 0.776, abs=1e-3)
    for table in (1, 2, 3):
        assert (np.diff(default_thresholds_db(table, WATERFALL_PER_DB)) > 0).all()


def test_a_tenth_of_the_blocks_fails_at_the_threshold_when_none_is_repeated():
    at = linear(np.array(THRESHOLDS_DB) + 1e-9)
    rate = CqiRate(attempts=1).bps(1.0, at)
    np.testing.assert_allclose(rate, 0.9 * efficiencies(1)[1:], rtol=1e-6)  # the SINR is a billionth off


def test_far_above_its_threshold_a_cqi_gives_its_whole_efficiency_less_overhead():
    np.testing.assert_allclose(CqiRate(overhead=0.25).bps(1e6, linear([60.0])), [0.75e6 * efficiencies(1)[15]])


@pytest.mark.parametrize("attempts", [1, 2, 4])
def test_goodput_is_what_blocks_sent_one_after_another_deliver(attempts):
    """Blocks drawn one by one: each attempt fails with the waterfall's probability at k times the SINR, k attempts
    being combined; bits that arrive over attempts made, for 200,000 blocks, is the rate."""
    rate = CqiRate(attempts=attempts, thresholds_db=tuple(range(15)), waterfall_per_db=3.0)
    sinr = float(linear(4.02))
    lots = Stream(0, "blocks").uniform(np.arange(BLOCKS)[:, None], np.arange(attempts))
    margin_db = 10 * np.log10(np.arange(1, attempts + 1) * sinr / linear(4.0))
    fails = lots < 1 / (1 + np.exp(3.0 * margin_db + np.log(9.0)))
    made = np.minimum(np.cumprod(fails, axis=1).sum(axis=1) + 1, attempts)
    arrived = ~fails.all(axis=1)
    expected = rate.bps(1.0, np.array([sinr]))[0] / efficiencies(1)[5]
    ratio = arrived.sum() / made.sum()
    error = np.std(arrived - ratio * made) / (made.mean() * np.sqrt(BLOCKS))
    assert abs(ratio - expected) < STANDARD_ERRORS * error


def test_expected_delay_counts_the_repetitions():
    """At the threshold a tenth is repeated, and with twice the SINR nearly nothing again."""
    delay_s = CqiRate().delay_s(linear(np.array(THRESHOLDS_DB[:1]) + 1e-9))
    assert delay_s[0] == pytest.approx(0.1 * 8e-3, rel=1e-6)


def test_impossible_options_are_errors():
    for options, says in (
        ({"table": 4}, "table must be one of 1, 2, 3, got 4"),
        ({"thresholds_db": (1.0, 2.0)}, "thresholds_db must be 15 levels that rise"),
        ({"thresholds_db": tuple(range(15, 0, -1))}, "thresholds_db must be 15 levels that rise"),
        ({"attempts": 0}, "attempts must be at least 1, got 0"),
        ({"waterfall_per_db": 0.0}, "waterfall_per_db must be positive"),
        ({"overhead": 1.0}, r"overhead must lie in \[0, 1\), got 1"),
    ):
        with pytest.raises(ValueError, match=says):
            CqiRate(**options)
