"""The allocator: told where it can be."""

import ctypes
from types import SimpleNamespace

import pytest

from training.allocator import give_back_freed_memory, keep_freed_memory

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h


def test_glibc_is_told_to_keep_large_blocks(monkeypatch) -> None:
    told = []
    library = SimpleNamespace(mallopt=lambda *pair: told.append(pair))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    keep_freed_memory()
    assert dict(told) == {M_MMAP_THRESHOLD: 2**30, M_TRIM_THRESHOLD: 2**31 - 1}


def test_glibc_is_asked_to_give_back_what_is_free(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(malloc_trim=asked.append))
    give_back_freed_memory()
    assert asked == [0]


@pytest.mark.parametrize("error", [OSError, TypeError], ids=lambda error: error.__name__)
def test_where_no_library_can_be_opened_nothing_happens(monkeypatch, error) -> None:
    def refuse(name: None) -> None:
        raise error

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    keep_freed_memory()
    give_back_freed_memory()


def test_another_library_is_left_alone(monkeypatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    keep_freed_memory()
    give_back_freed_memory()
