"""Recorded rates in the engine: exactly the recorded bits, from a random place on, through stalls and round the end."""

import gzip
import hashlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channel_models.randomness import Stream
from channel_models.trace import Trace, TraceReplay
from channel_models.trace_files import PACKET_BITS
from cosim.cells.lanes import LaneCell
from cosim.clock import Clock
from cosim.recordings import files, read_traces, sha256
from cosim.scenario.radio import RateTrace

MAHIMAHI = sorted((Path(__file__).parents[3] / "shared" / "data" / "traces" / "mahimahi").glob("*.up.gz"))
MS = 1_000_000
SECOND = 1_000_000_000
ROWS = st.lists(st.integers(0, 40_000), min_size=1, max_size=8).filter(any)


def replay(*rows: Sequence[int], seed: int = 0) -> TraceReplay:
    traces = tuple(Trace(bits=np.array(row), bin_ns=MS) for row in rows)
    return TraceReplay(traces=traces, stream=Stream(seed, "uplink trace"))


def lane_cell(lanes: TraceReplay, users: int) -> tuple[Clock, LaneCell]:
    clock = Clock()
    return clock, LaneCell(clock=clock, lanes=lanes, on_air_w=np.full(users, 0.2))


@settings(max_examples=40)
@given(rows=st.lists(ROWS, min_size=1, max_size=3), sizes=st.lists(st.integers(1, 20_000), min_size=1, max_size=6))
def test_messages_back_to_back_take_exactly_the_recorded_bits(rows: list[list[int]], sizes: list[int]) -> None:
    """At each end all bits have come, and a tick before they had not: nothing is lost, made or left over."""
    lanes = replay(*rows)
    clock, cell = lane_cell(lanes, users=3)
    ends: dict[int, list[int]] = {link: [0] for link in range(3)}

    def sender(link: int):
        for nbytes in sizes:
            yield cell.begin(link, nbytes).done
            ends[link].append(clock.now_ns)

    for link in range(3):
        clock.process(sender(link))
    clock.env.run()
    for link in range(3):
        for (start_ns, end_ns), nbytes in zip(pairwise(ends[link]), sizes, strict=True):
            assert lanes.bits_between(link, start_ns, end_ns) >= nbytes * 8
            assert lanes.bits_between(link, start_ns, end_ns - 1) < nbytes * 8


def test_a_transfer_waits_through_a_stall_whoever_else_is_active() -> None:
    """A megabit in the first millisecond, none in the next nine; no scheduler divides it."""
    lanes = replay([1_000_000, *[0] * 9])
    offset_ns = next(  # the user begins somewhere in the recording
        bins * MS for bins in range(10) if lanes.bits_between(0, bins * MS, (bins + 1) * MS) > 0
    )
    for others in ([], [1, 2]):
        clock, cell = lane_cell(lanes, users=3)
        for link in others:
            cell.begin(link, 10**6)
        done = cell.begin(0, 125_000 + 125).done  # a megabit and a thousandth
        clock.run(done)
        assert clock.now_ns == offset_ns + 10 * MS + 1_000


def test_a_transfer_that_is_stopped_has_what_the_recording_left() -> None:
    lanes = replay([8_000, 0, 16_000])
    clock, cell = lane_cell(lanes, users=1)
    transfer = cell.begin(0, 10_000)
    waiting = cell.begin(0, 10)
    clock.run(clock.at(7 * MS + 1234, lambda: cell.stop(transfer)))
    assert transfer.remaining_bits == float(80_000 - lanes.bits_between(0, 0, 7 * MS + 1234))
    assert transfer.energy_j == pytest.approx(0.2 * 7.001234e-3)
    clock.env.run()
    assert waiting.done.triggered
    assert not transfer.done.triggered


def test_one_who_is_stopped_while_it_waits_has_sent_nothing() -> None:
    clock, cell = lane_cell(replay([8_000]), users=1)
    first, second = cell.begin(0, 1000), cell.begin(0, 1000)
    cell.stop(second)
    clock.run(first.done)
    assert clock.now_ns == MS
    assert (second.remaining_bits, second.energy_j, second.done.triggered) == (8000, 0, False)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_file_a_folder_or_a_pattern_names_recordings(tmp_path: Path) -> None:
    for name in ("b.up", "a.up", "a.down"):
        write(tmp_path / name, "1\n2\n")
    source = RateTrace(file=str(tmp_path))
    assert [file.name for file in files(source)] == ["a.down", "a.up", "b.up"]
    assert len(read_traces(source)) == 3
    assert [file.name for file in files(RateTrace(file=f"{tmp_path}/*.up"))] == ["a.up", "b.up"]
    assert sha256(RateTrace(file=f"{tmp_path}/a.up")) == {"a.up": hashlib.sha256(b"1\n2\n").hexdigest()}


def test_rates_by_the_second_come_from_a_table(tmp_path: Path) -> None:
    text = "t_s,run,app,up\n0,a,Download,1.5\n1,a,Download,0\n0,b,Video,9\n0,c,Download,2\n"
    source = RateTrace(
        file=str(write(tmp_path / "rates.csv", text)), column="up", group_column="run", where={"app": "Download"}
    )
    first, second = read_traces(source)
    assert first.bits.tolist() == [1_500_000, 0]
    assert (second.bits.tolist(), second.bin_ns) == ([2_000_000], SECOND)


def test_files_that_are_not_there_or_not_recordings_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such file, nor a folder or a pattern of any"):
        files(RateTrace(file=str(tmp_path / "none.up")))
    write(tmp_path / "bad.up", "one\n")
    with pytest.raises(ValueError, match=r"bad\.up: line 1: 'one' is not a whole number"):
        read_traces(RateTrace(file=str(tmp_path)))


@pytest.mark.skipif(not MAHIMAHI, reason="needs the recorded traces, which do not ship")
def test_a_recorded_uplink_delivers_every_packet_of_the_file() -> None:
    """As many bytes as the file has packets take exactly as long as the file lasts, from wherever a user begins."""
    source = RateTrace(file=str(MAHIMAHI[0]))
    (trace,) = read_traces(source)
    with gzip.open(MAHIMAHI[0], "rt") as text:
        packets = sum(1 for _ in text)
    lanes = TraceReplay(traces=(trace,), stream=Stream(0, "uplink trace"))
    for link in range(3):
        clock, cell = lane_cell(lanes, users=3)
        clock.run(cell.begin(link, packets * PACKET_BITS // 8).done)
        assert lanes.bits_between(link, 0, trace.period_ns) == packets * PACKET_BITS
        assert trace.period_ns - SECOND < clock.now_ns <= trace.period_ns  # the last may lie before a stall
