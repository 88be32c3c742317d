import gzip
from pathlib import Path

import pytest

from channel_models.trace_files import PACKET_BITS, read_mahimahi, read_rates

RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "traces"
MAHIMAHI = sorted((RECORDINGS / "mahimahi").glob("*.gz"))
UCC = RECORDINGS / "ucc-5g" / "ucc5g_1s.csv.gz"
SECOND = 1_000_000_000
RATES = "trace,app,t_s,dl_mbps\na,Video,0,9\na,Download,3,1.5\na,Download,4,0\na,Download,7,0.0000004\nb,Download,0,2\n"


def write(folder: Path, text: str) -> str:
    file = folder / "trace.txt"
    file.write_text(text)
    return str(file)


def test_a_packet_leaves_in_the_millisecond_that_ends_at_its_time(tmp_path: Path) -> None:
    """Three in the third, one in the fifth; the round has five, and time zero is the end of the round before."""
    trace = read_mahimahi(write(tmp_path, "0\n3\n3\n3\n5\n"))
    assert (trace.bits // PACKET_BITS).tolist() == [0, 0, 3, 0, 2]
    assert trace.bin_ns == 1_000_000


def test_one_packet_a_millisecond_is_twelve_megabits_a_second(tmp_path: Path) -> None:
    trace = read_mahimahi(write(tmp_path, "1\n"))
    assert trace.bits_between(0, SECOND) == 12_000_000
    assert trace.end_ns(0, 24_000_000) == 2 * SECOND


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no packet after time zero"),
        ("0\n0\n", "no packet after time zero"),
        ("1\n2.5\n", "line 2: '2.5' is not a whole number of milliseconds"),
        ("4\n3\n", "line 2: 3 comes before the 4 above it"),
    ],
)
def test_a_packet_file_that_cannot_be_read_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_mahimahi(write(tmp_path, text))


def test_rates_are_read_by_group_and_filter_and_last_until_the_next_row(tmp_path: Path) -> None:
    first, second = read_rates(write(tmp_path, RATES), "dl_mbps", group_column="trace", where={"app": "Download"})
    assert first.bits.tolist() == [1_500_000, 0, 0, 0, 0]
    assert second.bits.tolist() == [2_000_000]
    assert first.bin_ns == SECOND


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("t_s,dl_mbps\n", "no row with a rate"),
        ("t_s,dl_mbps\n0,0\n", "no row with a rate"),
        ("t_s,ul_mbps\n0,1\n", "no column 'dl_mbps', only t_s, ul_mbps"),
        ("t_s,dl_mbps\n0,-1\n", "line 2: dl_mbps = '-1' is not a rate from 0 on"),
        ("t_s,dl_mbps\n0,\n", "line 2: dl_mbps = '' is not a rate from 0 on"),
        ("t_s,dl_mbps\n0.5,1\n", "line 2: t_s = '0.5' is not a whole number of seconds"),
        ("t_s,dl_mbps\n1,1\n1,1\n", "line 3: t_s = 1 does not rise"),
    ],
)
def test_a_rate_file_that_cannot_be_read_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_rates(write(tmp_path, text), "dl_mbps")


@pytest.mark.skipif(not MAHIMAHI, reason="needs the recorded traces, which do not ship")
def test_every_recorded_packet_is_replayed() -> None:
    """Lines of the file times 12,000 bits in a round, from anywhere in it."""
    for file in MAHIMAHI[:3]:
        with gzip.open(file, "rt") as text:
            times_ms = [int(line) for line in text]
        trace = read_mahimahi(str(file))
        assert trace.period_ns == times_ms[-1] * 1_000_000
        assert trace.bits_between(777, trace.period_ns + 777) == len(times_ms) * PACKET_BITS
        begin = next(time for time in times_ms if time > 0) * 1_000_000
        sent = sum(time <= times_ms[-1] // 2 for time in times_ms if time > begin // 1_000_000)
        assert trace.bits_between(begin, times_ms[-1] // 2 * 1_000_000) == sent * PACKET_BITS


@pytest.mark.skipif(not UCC.is_file(), reason="needs the recorded rates, which do not ship")
def test_the_recorded_downloads_are_read() -> None:
    traces = read_rates(str(UCC), "dl_mbps", group_column="trace", where={"app": "Download"})
    assert len(traces) == 21
    assert sum(len(trace.bits) for trace in traces) >= 38_936
