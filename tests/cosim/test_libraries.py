"""What is loaded once is out of the collector's sight; all that comes later is not."""

import gc
import sys
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from cosim import libraries


class Node:
    """May refer to itself."""

    me: "Node"


def test_what_is_loaded_is_left_alone_and_later_garbage_is_still_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "many_things.py").write_text(
        "import gc\nmeanwhile = gc.isenabled()\nthings = [[] for _ in range(999)]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    left_alone = gc.get_freeze_count()
    libraries.load("many_things")
    assert gc.isenabled()
    assert not sys.modules["many_things"].meanwhile
    libraries.leave_alone()
    assert gc.get_freeze_count() >= left_alone + 999
    assert not _outlives(libraries.leave_alone)


def test_garbage_is_not_left_alone() -> None:
    libraries._new = True
    assert not _outlives(libraries.leave_alone)


def test_what_is_there_already_changes_nothing() -> None:
    libraries.leave_alone()
    left_alone = gc.get_freeze_count()
    libraries.load("gc", "sys")
    libraries.leave_alone()
    assert gc.get_freeze_count() == left_alone


def _outlives(act: Callable[[], None]) -> bool:
    """Whether an object that only refers to itself outlives ``act`` and a collection."""
    node = Node()
    node.me, gone = node, weakref.ref(node)
    del node
    act()
    gc.collect()
    return gone() is not None


def test_a_collector_that_rests_stays_at_rest_and_a_module_that_is_not_there_is_an_error() -> None:
    gc.disable()
    try:
        with pytest.raises(ModuleNotFoundError, match="no_such_module"):
            libraries.load("no_such_module")
        assert not gc.isenabled()
    finally:
        gc.enable()
