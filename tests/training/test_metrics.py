"""F1 of classes, by hand."""

import pytest

from training.metrics import Count, Metrics, Score, macro_f1


def test_f1_is_the_mean_over_classes_of_the_harmonic_mean_of_precision_and_recall() -> None:
    """Right a a a b b c, predicted a a b b b b: precision 1, 1/2, -; recall 2/3, 1, 0; F1 4/5, 2/3, 0."""
    scores = [
        Score(loss=1.0, hits=2, predictions=3, counts=(Count(2, 2, 3), Count(0, 1, 0), Count(0, 0, 0), Count(0, 0, 0))),
        Score(loss=2.0, hits=2, predictions=3, counts=(Count(0, 0, 0), Count(2, 3, 2), Count(0, 0, 1), Count(0, 0, 0))),
    ]
    found = Metrics.of(scores)
    assert found.f1 == pytest.approx((4 / 5 + 2 / 3 + 0) / 3)
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.loss == 0.5


def test_a_class_that_is_nowhere_does_not_count_and_of_none_there_is_no_f1() -> None:
    assert macro_f1([Count(3, 3, 3), Count(0, 0, 0)]) == 1.0
    assert macro_f1([Count(0, 2, 0)]) == 0.0
    assert macro_f1([]) is None
    assert Metrics.of([Score(loss=1.0, hits=1, predictions=2)]).f1 is None
