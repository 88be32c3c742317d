"""A little of it in every run of the tests; ``python -m tests.fuzzing`` takes ten minutes."""

import random

import pytest

from tests.fuzzing.campaign import campaign
from tests.fuzzing.loaders import LOADERS
from tests.fuzzing.mutation import mutated


@pytest.mark.parametrize("name", LOADERS)
def test_damaged_files_are_read_or_refused_in_words(name: str) -> None:
    ended = campaign(LOADERS[name], seed=11, files=40)
    assert ended.failures == []
    assert ended.refused < ended.files, "nothing was read, so that little was tried"


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", LOADERS)
def test_ten_minutes_of_them(name: str) -> None:
    assert campaign(LOADERS[name], seed=2, seconds=600 / len(LOADERS)).failures == []


def test_the_same_seed_damages_alike() -> None:
    valid = [b"a: 1\n", b"b: [2, 3]\n"]
    first, second = (([mutated(valid, draw) for _ in range(20)]) for draw in (random.Random(3), random.Random(3)))
    assert first == second
    assert len(set(first)) > 10
