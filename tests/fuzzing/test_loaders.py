"""A little of it in every run of the tests; ``python -m tests.fuzzing`` takes ten minutes."""

import random
from pathlib import Path

import pytest

from tests.fuzzing.campaign import campaign
from tests.fuzzing.loaders import LOADERS
from tests.fuzzing.mutation import mutated


@pytest.mark.parametrize("name", LOADERS)
def test_damaged_files_are_read_or_refused_in_words(name: str) -> None:
    assert campaign(LOADERS[name], seed=11, files=40).failures == []


@pytest.mark.parametrize("name", LOADERS)
def test_what_is_damaged_was_valid_before(name: str, tmp_path: Path) -> None:
    loader = LOADERS[name]
    (tmp_path / loader.name).write_bytes(loader.valid[0])
    assert loader.read(tmp_path / loader.name) is not None


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
