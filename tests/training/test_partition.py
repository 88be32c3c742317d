"""Partitions: one contract for all partitioners, then what is particular to each."""

import numpy as np
import pytest

from cosim import registry
from training.partition import Dirichlet, Iid, LengthDirichlet, Natural, Partitioner
from training.sequences import Sequences, next_tokens

USERS = 6
WHOLE: list[Partitioner] = [
    Natural(),
    Iid(),
    Dirichlet(alpha=0.01),
    Dirichlet(alpha=100.0),
    LengthDirichlet(alpha=0.1),
    LengthDirichlet(alpha=100.0, buckets=3),
]
PER_USER: list[Partitioner] = [Natural(authors_per_user=2), Iid(samples_per_user=7)]
NEARLY_ALL = 0.8  # of a class at alpha 0.01, where about one class in ten is shared at all
APART_TOKENS = 2.0  # spread of users' mean lengths at alpha 0.01: buckets of 3 tokens, each with about one user
ALIKE_TOKENS = 0.5  # at alpha 1000, where a mean over 1,000 lengths of deviation 9 has a standard error of 0.3
SKEW_TOLERANCE = 0.05  # a share of 1/USERS has standard deviation below 0.012 at alpha 1000, plus that of the counts


def make_sequences(rows: int = 240, authors: int = 20, labels: int = 0, length: int = 32) -> Sequences:
    """Sequences of 2..``length`` tokens; author k has a share of them that grows with k; labels in turn."""
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 100, (rows, length))
    tokens = rng.integers(2, length + 1, rows)
    author = (authors * np.linspace(0, 1, rows, endpoint=False) ** 0.5).astype(np.int64)
    return Sequences(
        ids=ids,
        targets=next_tokens(ids, tokens),
        tokens=tokens,
        author=author,
        label=np.arange(rows) % labels if labels else np.full(rows, -1),
        authors=tuple(f"author {i}" for i in range(authors)),
        labels=tuple(f"label {i}" for i in range(labels)),
    )


SEQUENCES = make_sequences()


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("partitioner", WHOLE, ids=repr)
@pytest.mark.parametrize("users", [1, 2, USERS, 20])
def test_every_sequence_has_exactly_one_user(partitioner: Partitioner, users: int) -> None:
    held = partitioner.assign(SEQUENCES, users, seed=1)
    assert len(held) == users
    assert np.array_equal(np.sort(np.concatenate(held)), np.arange(len(SEQUENCES)))


@pytest.mark.parametrize("partitioner", WHOLE + PER_USER, ids=repr)
def test_no_sequence_has_two_users_and_no_user_none(partitioner: Partitioner) -> None:
    held = partitioner.assign(SEQUENCES, USERS, seed=1)
    together = np.concatenate(held)
    assert len(np.unique(together)) == len(together)
    assert all(len(rows) and np.all(np.diff(rows) > 0) for rows in held)


@pytest.mark.parametrize("partitioner", WHOLE + PER_USER, ids=repr)
def test_the_seed_alone_decides(partitioner: Partitioner) -> None:
    held = partitioner.assign(SEQUENCES, USERS, seed=1)
    assert same(held, partitioner.assign(SEQUENCES, USERS, seed=1))
    assert not same(held, partitioner.assign(SEQUENCES, USERS, seed=2))


@pytest.mark.parametrize("partitioner", WHOLE + PER_USER, ids=repr)
def test_no_user_and_too_many_users_are_refused(partitioner: Partitioner) -> None:
    with pytest.raises(ValueError, match="users must be at least 1, not 0"):
        partitioner.assign(SEQUENCES, 0, seed=1)
    with pytest.raises(ValueError, match=r"241 users need \d+ (authors|sequences), but there are only \d+"):
        partitioner.assign(SEQUENCES, 241, seed=1)


@pytest.mark.parametrize("partitioner", PER_USER, ids=repr)
def test_adding_a_user_leaves_the_others_sequences_when_each_holds_a_stated_amount(partitioner: Partitioner) -> None:
    few, more = (partitioner.assign(SEQUENCES, users, seed=1) for users in (USERS, USERS + 1))
    assert same(few, more[:USERS])


@pytest.mark.parametrize("partitioner", [Natural(), Natural(authors_per_user=2)], ids=repr)
def test_natural_never_splits_an_author(partitioner: Partitioner) -> None:
    held = partitioner.assign(SEQUENCES, USERS, seed=1)
    authors = [set(SEQUENCES.author[rows]) for rows in held]
    assert sum(map(len, authors)) == len(set.union(*authors))
    assert [len(rows) for rows in held] == [np.isin(SEQUENCES.author, list(a)).sum() for a in authors]


@pytest.mark.parametrize("seed", range(10))
def test_natural_users_differ_by_less_than_the_largest_author(seed: int) -> None:
    load = [SEQUENCES.tokens[rows].sum() for rows in Natural().assign(SEQUENCES, USERS, seed)]
    largest = np.bincount(SEQUENCES.author, weights=SEQUENCES.tokens).max()  # bound of greedy list scheduling
    assert max(load) - min(load) <= largest


def test_iid_counts_differ_by_at_most_one() -> None:
    assert {len(rows) for rows in Iid().assign(SEQUENCES, 7, seed=1)} == {34, 35}


def largest_shares(classes: np.ndarray, held: list[np.ndarray]) -> np.ndarray:
    """For each class the share of the user that has most of it."""
    counts = np.stack([np.bincount(classes[rows], minlength=classes.max() + 1) for rows in held])
    return counts.max(axis=0) / counts.sum(axis=0)


@pytest.mark.parametrize("labels", [0, 4])
def test_dirichlet_concentrates_labels_or_else_authors_when_alpha_is_small(labels: int) -> None:
    sequences = make_sequences(rows=6000, authors=5, labels=labels)
    classes = sequences.label if labels else sequences.author
    skewed, even = (largest_shares(classes, Dirichlet(alpha=a).assign(sequences, USERS, seed=1)) for a in (0.01, 1000))
    assert np.mean(skewed) > NEARLY_ALL
    assert np.max(even) < 1 / USERS + SKEW_TOLERANCE


def test_dirichlet_shares_have_the_variance_of_the_distribution() -> None:
    alpha, classes, users = 0.5, 400, 4
    sequences = make_sequences(rows=8000, labels=classes, length=4)
    held = Dirichlet(alpha=alpha).assign(sequences, users, seed=3)
    shares = np.stack([np.bincount(sequences.label[rows], minlength=classes) for rows in held]) * classes / 8000
    beta = (users - 1) / users**2 / (users * alpha + 1)  # variance of one Dirichlet share
    multinomial = ((users - 1) / users**2 - beta) * classes / 8000  # of counts around it
    sampling = 0.15  # four standard errors of a variance over 400 classes and 4 users, about 0.037 each
    assert shares.var() == pytest.approx(beta + multinomial, rel=sampling)


def test_length_gives_users_different_lengths_when_alpha_is_small() -> None:
    sequences = make_sequences(rows=6000)
    skewed, even = (LengthDirichlet(alpha=alpha).assign(sequences, USERS, seed=1) for alpha in (0.01, 1000))
    assert np.std([sequences.tokens[rows].mean() for rows in skewed]) > APART_TOKENS
    assert np.std([sequences.tokens[rows].mean() for rows in even]) < ALIKE_TOKENS


def test_length_refuses_sequences_that_are_all_equally_long() -> None:
    packed = SEQUENCES.select(np.flatnonzero(SEQUENCES.tokens == 32))
    with pytest.raises(ValueError, match="all sequences have 32 tokens"):
        LengthDirichlet(alpha=1.0).assign(packed, 2, seed=1)


def test_a_user_for_every_sequence_is_possible_and_one_more_is_not() -> None:
    sequences = make_sequences(rows=30)
    assert {len(rows) for rows in Dirichlet(alpha=0.01).assign(sequences, 30, seed=1)} == {1}
    with pytest.raises(ValueError, match="31 users need 31 sequences"):
        Dirichlet(alpha=0.01).assign(sequences, 31, seed=1)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("natural", {"authors_per_user": 0}),
        ("iid", {"samples_per_user": -1}),
        ("dirichlet", {"alpha": 0.0}),
        ("dirichlet", {"alpha": float("nan")}),
        ("length", {"alpha": float("inf")}),
        ("length", {"alpha": 1.0, "buckets": 0}),
    ],
)
def test_impossible_options_are_refused_by_name(name: str, options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=rf"partition {name}: {list(options)[-1]} must be"):
        registry.find("partition", name)(**options)
