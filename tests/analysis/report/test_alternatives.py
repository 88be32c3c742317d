"""Figures in words: the numbers are those of the data."""

import pandas as pd

from analysis.report.alternatives import curves_in_words, delays_in_words, signals_in_words


def test_curves_are_told_by_their_ends_over_seeds() -> None:
    rows = [("a", 0, 0, 0.0, 40.0), ("a", 0, 1, 2.0, 10.0), ("a", 1, 0, 0.0, 40.0), ("a", 1, 1, 4.0, 20.0)]
    rows += [("b", 0, 0, 0.0, 40.0), ("b", 0, 1, 120.0, 5.0)]
    data = pd.DataFrame(rows, columns=["label", "seed", "round", "sim_time_s", "perplexity"])
    assert curves_in_words(data, "sim_time_s", "perplexity") == (
        "Line chart of perplexity against simulated time. a goes from 40 to 15 by 3 s; b goes from 40 to 5 by 2 min."
    )
    assert "a goes from 40 to 15 by round 1" in curves_in_words(data.drop(columns="sim_time_s"), "round", "perplexity")


def test_bars_are_told_by_their_length_and_largest_parts() -> None:
    seconds = {"user_compute": 1.0, "uplink": 5.0, "downlink": 0.0, "backhaul": 1.5, "waiting": 2.5}
    data = pd.DataFrame({"label": "a", "kind": list(seconds), "delay_s": list(seconds.values())})
    assert delays_in_words(data) == (
        "Stacked bar chart of a user's time by kind, mean over users. "
        "a takes 10 s, of which uplink 50 %, waiting 25 %, backhaul 15 %."
    )


def test_a_bar_of_nothing_is_told_as_nothing() -> None:
    data = pd.DataFrame({"label": ["a"], "kind": ["uplink"], "delay_s": [0.0]})
    assert delays_in_words(data).endswith("a takes 0 s, of which nothing.")


def test_signals_are_told_by_their_range_and_interruptions() -> None:
    rows = [("signal", True, -60.2), ("signal", True, -90.0), ("signal", False, -120.0)]
    data = pd.DataFrame([*rows, ("outage", None, None)], columns=["what", "serving", "signal_dbm"])
    words = signals_in_words(data, 3)
    assert "between -90 and -60 dBm" in words
    assert "0 handovers, 1 outages, 0 absences, 0 deadlines" in words
