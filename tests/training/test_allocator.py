"""The allocator: told where it can be."""

import ctypes
import errno
import gc
import mmap
from pathlib import Path
from types import SimpleNamespace

import pytest

from training.allocator import block, keep_freed_memory

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # glibc's malloc.h


def test_glibc_is_told_to_keep_large_blocks_in_one_heap(monkeypatch) -> None:
    told = []
    library = SimpleNamespace(mallopt=lambda *pair: told.append(pair))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    keep_freed_memory()
    assert dict(told) == {M_MMAP_THRESHOLD: 2**30, M_TRIM_THRESHOLD: 2**31 - 1, M_ARENA_MAX: 1}


SMALL, LARGE = 1000, 600_001
BUDGET = 64 * LARGE


@pytest.mark.parametrize("nbytes", [0, SMALL, LARGE])
def test_a_block_can_be_written_and_has_its_size(nbytes) -> None:
    held = memoryview(block(nbytes))
    held[:] = bytes(range(256)) * (nbytes // 256) + bytes(nbytes % 256)
    assert held.nbytes == nbytes and not held.readonly


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="pages are counted by Linux")
def test_the_pages_of_a_large_block_go_back_at_once_whatever_lies_behind_it() -> None:
    def resident_bytes() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE

    gc.collect()  # what others have left is not freed meanwhile
    before = resident_bytes()
    held = [(block(LARGE), bytearray(SMALL)) for _ in range(64)]  # in a heap, the small ones would hold the holes open
    during = resident_bytes()
    small = [each for _, each in held]
    del held
    assert during - before > 0.9 * BUDGET, "Linux counts pages a processor at a time, and says so now and then"
    assert resident_bytes() - before < BUDGET / 4, "what a process needs besides is far less"
    assert len(small) == 64


def test_where_there_are_no_more_pages_the_heap_serves(monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", refuse)
    assert block(LARGE) == bytearray(LARGE)


def test_where_pages_cannot_come_at_once_the_heap_serves(monkeypatch) -> None:
    monkeypatch.delattr(mmap, "MAP_POPULATE", raising=False)
    assert block(LARGE) == bytearray(LARGE)


@pytest.mark.parametrize("error", [OSError, TypeError], ids=lambda error: error.__name__)
def test_where_no_library_can_be_opened_nothing_happens(monkeypatch, error) -> None:
    def refuse(name: None) -> None:
        raise error

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    keep_freed_memory()


def test_another_library_is_left_alone(monkeypatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    keep_freed_memory()
