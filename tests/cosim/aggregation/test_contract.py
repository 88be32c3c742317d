"""What every asynchronous aggregation owes: weights that are together one, and less for what is stale."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim import registry
from cosim.aggregation.base import Aggregation
from cosim.aggregation.staleness import Discount
from cosim.scenario.parts import AggregationPart

OPTIONS: dict[str, dict[str, Any]] = {"fedbuff": {"buffer": 3}, "fedasync": {"mixing": 0.6}}
DECLINES: list[dict[str, Any]] = [
    {"staleness": "constant"}, {"staleness": "polynomial", "a": 0.5}, {"staleness": "hinge", "a": 10.0, "b": 4},
]  # fmt: skip
REPORTS = st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 50)), min_size=3, max_size=3)


def test_every_member_is_tried() -> None:
    assert set(OPTIONS) == set(registry.FAMILIES["aggregation"])


@pytest.fixture(scope="module", params=OPTIONS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=DECLINES, ids=[decline["staleness"] for decline in DECLINES])
def aggregation(name: str, request: pytest.FixtureRequest) -> Aggregation:
    built: Aggregation = AggregationPart(name=name, **OPTIONS[name], **request.param).build()
    return built


@given(reports=REPORTS)
def test_all_weights_are_together_exactly_one(aggregation: Aggregation, reports: list[tuple[int, int]]) -> None:
    samples, staleness = zip(*reports[: aggregation.buffer], strict=True)
    mixture = aggregation.mixture(samples, staleness)
    assert len(mixture.trained) == len(mixture.began) == aggregation.buffer
    assert mixture.own + sum(mixture.trained) + sum(mixture.began) == 1
    assert all(weight > 0 for weight in mixture.trained)
    assert aggregation.needs_beginnings or not any(mixture.began)


@given(reports=REPORTS)
def test_who_is_later_counts_no_more(aggregation: Aggregation, reports: list[tuple[int, int]]) -> None:
    samples, staleness = zip(*reports[: aggregation.buffer], strict=True)
    now = aggregation.mixture(samples, staleness).trained[0]
    later = aggregation.mixture(samples, (staleness[0] + 1, *staleness[1:])).trained[0]
    assert later <= now


def test_fresh_reports_of_fedbuff_are_fedavg() -> None:
    """n_k / n, and nothing of the present model, from which they all began."""
    mixture = AggregationPart(name="fedbuff", buffer=3).build().mixture([1, 2, 5], [0, 0, 0])
    assert mixture.trained == (Fraction(1, 8), Fraction(2, 8), Fraction(5, 8))
    assert mixture.own + sum(mixture.began) == 0


def test_fedbuff_as_the_paper_has_it() -> None:
    """w + lr / K (d_1 + d_2 / sqrt(1 + 3)) for equal samples, staleness 0 and 3: worked by hand."""
    mixture = AggregationPart(name="fedbuff", buffer=2, server_lr=0.5).build().mixture([4, 4], [0, 3])
    assert mixture.trained == (Fraction(1, 4), Fraction(1, 8))
    assert mixture.began == (Fraction(-1, 4), Fraction(-1, 8))


def test_fedasync_as_the_paper_has_it() -> None:
    """alpha_t = alpha (t - tau + 1)^-a: 0.5 at staleness 3 and a = 1/2 is 0.25."""
    mixture = AggregationPart(name="fedasync", mixing=0.5).build().mixture([7], [3])
    assert (mixture.own, mixture.trained) == (Fraction(3, 4), (Fraction(1, 4),))


@pytest.mark.parametrize(("staleness", "factor"), [(0, 1.0), (4, 1.0), (5, 1 / 11), (6, 1 / 21)])
def test_the_hinge_holds_and_then_falls(staleness: int, factor: float) -> None:
    """1 up to b = 4, then 1 / (a (t - b) + 1) with a = 10: the paper's values."""
    assert float(Discount(decline="hinge", a=10.0, b=4).factor(staleness)) == factor


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"name": "fedbuff"}, "fedbuff needs buffer"),
        ({"name": "fedbuff", "buffer": 0}, "buffer = 0: expected"),
        ({"name": "fedbuff", "buffer": True}, "buffer = True: input should be a valid integer"),
        ({"name": "fedbuff", "buffer": 2, "server_lr": 0}, "server_lr = 0: expected a positive number"),
        (
            {"name": "fedbuff", "buffer": 2, "staleness": "linear"},
            "staleness = 'linear': input should be 'constant', 'polynomial' or 'hinge'",
        ),
        ({"name": "fedbuff", "buffer": 2, "staleness": "hinge"}, "b = None: "),
        ({"name": "fedbuff", "buffer": 2, "b": 3}, "b = 3: "),
        ({"name": "fedbuff", "buffer": 2, "a": -1}, "a = -1: expected a positive number"),
        ({"name": "fedbuff", "buffer": 2, "staleness": "hinge", "b": -1}, "b = -1: expected"),
        ({"name": "fedasync", "mixing": 1.5}, "mixing = 1.5: expected"),
        ({"name": "fedasync", "mixing": "half"}, "mixing = 'half': input should be a valid number"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_one_line(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told) as refusal:
        AggregationPart(**options).build()
    assert "\n" not in str(refusal.value)
