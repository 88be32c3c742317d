"""The allocator: told once, where it can be."""

import ctypes
from types import SimpleNamespace

import pytest

from training.allocator import keep_freed_memory

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h


def test_glibc_is_told_to_keep_large_blocks(monkeypatch) -> None:
    told = []
    library = SimpleNamespace(mallopt=lambda *pair: told.append(pair))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    keep_freed_memory()
    assert dict(told) == {M_MMAP_THRESHOLD: 2**30, M_TRIM_THRESHOLD: 2**31 - 1}


@pytest.mark.parametrize("error", [OSError, TypeError], ids=lambda error: error.__name__)
def test_where_no_library_can_be_opened_nothing_happens(monkeypatch, error) -> None:
    def refuse(name: None) -> None:
        raise error

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    keep_freed_memory()


def test_a_library_without_mallopt_is_left_alone(monkeypatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    keep_freed_memory()
