"""Which user holds which sequences.

A partition that deals out everything changes when a user is added. Where it must not, say what one user holds:
``Natural(authors_per_user=...)`` and ``Iid(samples_per_user=...)`` leave all other users' sequences as they were.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from training.sequences import Sequences

Rows = NDArray[np.int64]
"""Indices of sequences, shape (k,), ascending."""


class Partitioner(Protocol):
    """Deals sequences to users."""

    def assign(self, sequences: Sequences, users: int, seed: int) -> list[Rows]:
        """Rows of each user: no row twice, no user without a row, the same for the same ``seed``.

        Raises ValueError if ``users`` is below 1 or more than the sequences can serve.
        """


@dataclass(frozen=True, kw_only=True)
class Natural:
    """Whole authors: one author's sequences are never split between users.

    By default all authors are dealt out, balanced by tokens. With ``authors_per_user`` = k user u holds authors
    u*k ... u*k+k-1 of an order that depends on the seed alone; the other authors are not used.
    """

    authors_per_user: int | None = None

    def __post_init__(self) -> None:
        _check_positive("natural: authors_per_user", self.authors_per_user)

    def assign(self, sequences: Sequences, users: int, seed: int) -> list[Rows]:
        """See ``Partitioner.assign``."""
        authors = np.unique(sequences.author)
        _check_users("natural", users, len(authors), "authors", self.authors_per_user)
        rng = _generator(seed)
        order = rng.permutation(authors)
        if self.authors_per_user is None:
            held = _dealt_by_size(order, np.bincount(sequences.author, weights=sequences.tokens)[order], users, rng)
        else:
            held = _first_blocks(order, users, self.authors_per_user)
        return [np.flatnonzero(np.isin(sequences.author, mine)) for mine in held]


@dataclass(frozen=True, kw_only=True)
class Iid:
    """Sequences at random: equal counts to all users (up to one), or ``samples_per_user`` each and the rest unused."""

    samples_per_user: int | None = None

    def __post_init__(self) -> None:
        _check_positive("iid: samples_per_user", self.samples_per_user)

    def assign(self, sequences: Sequences, users: int, seed: int) -> list[Rows]:
        """See ``Partitioner.assign``."""
        _check_users("iid", users, len(sequences), "sequences", self.samples_per_user)
        order = _generator(seed).permutation(len(sequences))
        if self.samples_per_user is None:
            return [np.sort(rows) for rows in np.array_split(order, users)]
        return [np.sort(rows) for rows in _first_blocks(order, users, self.samples_per_user)]


@dataclass(frozen=True, kw_only=True)
class Dirichlet:
    """Every class is shared among the users in proportions drawn from Dirichlet(``alpha``): small is skewed.

    Classes are labels, or authors where there are no labels. A user left without any sequence takes one from the user
    with most. Source: Li et al., "Federated Learning on Non-IID Data Silos", ICDE 2022 (label distribution skew).
    """

    alpha: float

    def __post_init__(self) -> None:
        _check_alpha("dirichlet", self.alpha)

    def assign(self, sequences: Sequences, users: int, seed: int) -> list[Rows]:
        """See ``Partitioner.assign``."""
        _check_users("dirichlet", users, len(sequences), "sequences")
        classes = sequences.label if sequences.labels else sequences.author
        return _shared_by_class(classes, users, self.alpha, _generator(seed))


@dataclass(frozen=True, kw_only=True)
class LengthDirichlet:
    """As ``Dirichlet``, the classes being quantile ``buckets`` of the sequences' lengths in tokens.

    For sequences made by ``pad``; packed ones are nearly all equally long. Source: SplitFT (arXiv 2604.26388); its
    number of buckets is unpublished, 10 is our default, unconfirmed.
    """

    alpha: float
    buckets: int = 10

    def __post_init__(self) -> None:
        _check_alpha("length", self.alpha)
        _check_positive("length: buckets", self.buckets)

    def assign(self, sequences: Sequences, users: int, seed: int) -> list[Rows]:
        """See ``Partitioner.assign``; ValueError also if all sequences are equally long."""
        _check_users("length", users, len(sequences), "sequences")
        tokens = sequences.tokens
        if np.ptp(tokens) == 0:
            raise ValueError(f"partition length: all sequences have {tokens[0]} tokens; pad them instead of packing")
        edges = np.quantile(tokens, np.arange(1, self.buckets) / self.buckets)
        return _shared_by_class(np.searchsorted(edges, tokens), users, self.alpha, _generator(seed))


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed))


def _first_blocks(order: Rows, users: int, size: int) -> list[Rows]:
    return [order[user * size : (user + 1) * size] for user in range(users)]


def _dealt_by_size(items: Rows, tokens: NDArray[np.float64], users: int, rng: np.random.Generator) -> list[Rows]:
    """Items, largest first, each to the user with fewest tokens so far.

    Sizes are compared by powers of two, so that the order of ``items`` decides among like ones.
    """
    held: list[list[int]] = [[] for _ in range(users)]
    load = np.zeros(users)
    for place in np.argsort(-np.floor(np.log2(tokens)), kind="stable"):
        user = int(np.argmin(load))
        held[user].append(int(items[place]))
        load[user] += tokens[place]
    return [np.array(held[user], dtype=np.int64) for user in rng.permutation(users)]


def _shared_by_class(classes: Rows, users: int, alpha: float, rng: np.random.Generator) -> list[Rows]:
    """Shares of every class by Dirichlet(alpha), as row indices; no user is left empty."""
    owner = np.empty(len(classes), dtype=np.int64)
    for name in np.unique(classes):
        rows = rng.permutation(np.flatnonzero(classes == name))
        counts = rng.multinomial(len(rows), rng.dirichlet(np.full(users, alpha)))
        owner[rows] = np.repeat(np.arange(users), counts)
    for user in range(users):
        if not np.any(owner == user):
            richest = np.argmax(np.bincount(owner, minlength=users))
            owner[rng.choice(np.flatnonzero(owner == richest))] = user
    return [np.flatnonzero(owner == user) for user in range(users)]


def _check_users(name: str, users: int, available: int, things: str, each: int | None = None) -> None:
    if users < 1:
        raise ValueError(f"partition {name}: users must be at least 1, not {users}")
    needed = users * (each or 1)
    if needed > available:
        raise ValueError(f"partition {name}: {users} users need {needed} {things}, but there are only {available}")


def _check_positive(name: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise ValueError(f"partition {name} must be at least 1, not {value}")


def _check_alpha(name: str, alpha: float) -> None:
    if not (math.isfinite(alpha) and alpha > 0):
        raise ValueError(f"partition {name}: alpha must be positive and finite, not {alpha}")
