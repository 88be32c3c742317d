import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cosim.memory import MEMORY_KINDS, Ledger, MemoryKind

LAST_NS = 100
CHANGES = st.lists(
    st.tuples(st.integers(0, 49), st.integers(1, 50), st.sampled_from(MEMORY_KINDS), st.integers(0, 1000)), max_size=12
)


def test_nothing_held_has_no_peak() -> None:
    assert Ledger().memory("user0").peaks() == dict.fromkeys((*MEMORY_KINDS, "total"), 0)


def test_peaks_by_kind_may_lie_at_other_instants_than_that_of_the_total() -> None:
    memory = Ledger().memory("user0")
    memory.settle(0, "weights 0:3", {"weights": 100})
    memory.during(10, 20, "activations", 50)
    memory.during(15, 30, "buffers", 30)  # total 180 in [15, 20)
    memory.during(40, 50, "activations", 60)  # total 160
    assert memory.peaks() == {
        **dict.fromkeys(MEMORY_KINDS, 0),
        "weights": 100,
        "activations": 60,
        "buffers": 30,
        "total": 180,
    }


def test_changes_may_be_written_out_of_the_order_of_time() -> None:
    memory = Ledger().memory("user0")
    memory.change(30, "buffers", -7)
    memory.change(20, "buffers", 2)
    memory.change(10, "buffers", 5)
    assert memory.peaks()["buffers"] == 7
    assert memory.left()["buffers"] == 0


def test_what_is_freed_before_something_else_comes_at_the_same_instant_does_not_overlap() -> None:
    memory = Ledger().memory("user0")
    memory.during(0, 10, "activations", 5)
    memory.during(10, 20, "activations", 5)
    assert memory.peaks()["activations"] == 5


def test_a_name_settles_once() -> None:
    memory = Ledger().memory("user0")
    for instant_ns in (5, 0, 9):
        memory.settle(instant_ns, "state user0", {"adapter": 10, "optimiser": 20})
    memory.settle(7, "state user1", {"adapter": 1})
    assert memory.left() == {**dict.fromkeys(MEMORY_KINDS, 0), "adapter": 11, "optimiser": 20}
    assert memory.peaks()["total"] == 31


def test_what_is_released_is_held_no_longer_and_may_settle_again() -> None:
    memory = Ledger().memory("user0")
    memory.release(0, "state user0")  # never settled
    memory.settle(5, "state user0", {"adapter": 10, "optimiser": 20})
    memory.release(10, "state user0")
    assert memory.left() == dict.fromkeys(MEMORY_KINDS, 0)
    memory.settle(15, "state user0", {"adapter": 10, "optimiser": 20})
    assert (memory.left()["adapter"], memory.peaks()["total"]) == (10, 30)


@given(CHANGES)
def test_peaks_are_those_of_a_simulation_tick_by_tick(changes: list[tuple[int, int, MemoryKind, int]]) -> None:
    held = np.zeros((len(MEMORY_KINDS), LAST_NS), dtype=np.int64)
    memory = Ledger().memory("user0")
    for start_ns, length_ns, kind, nbytes in changes:  # departures first, so that none overlaps an arrival
        memory.change(start_ns + length_ns, kind, -nbytes)
    for start_ns, length_ns, kind, nbytes in changes:
        memory.change(start_ns, kind, nbytes)
        held[MEMORY_KINDS.index(kind), start_ns : start_ns + length_ns] += nbytes
    peaks = {kind: int(row.max()) for kind, row in zip(MEMORY_KINDS, held, strict=True)}
    assert memory.peaks() == {**peaks, "total": int(held.sum(axis=0).max())}
    assert set(memory.left().values()) == {0}
