import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from training.store import Store, default_folder, may_be_trusted

ROOT = Path(__file__).parents[2]
ROOMY = 10**9
KEY = "0123456789abcdef"
FLOATS = 25_000  # 100 kB a result of float32
HEADER_BYTES = 300  # more than the header of such a result takes
RESULT_BYTES = 4 * FLOATS + HEADER_BYTES
HOUR_S = 3600.0

stored_arrays = st.sampled_from([np.float32, np.float64, np.int64, np.uint8]).flatmap(
    lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)

WRITER = """
import sys
from pathlib import Path
import numpy as np
from training.store import Store
store = Store(Path(sys.argv[1]), 10**9)
for _ in range(40):
    store.put(sys.argv[2], {"x": np.full(100_000, float(sys.argv[3]))}, {"writer": sys.argv[3]})
"""

KILLED_WRITERS = """
import itertools, os, signal, sys, time
from pathlib import Path
import numpy as np
from training.store import Store
for number in range(20):
    writer = os.fork()
    if not writer:
        store = Store(Path(sys.argv[1]), 10**9)
        for key in itertools.cycle([2 * number, 2 * number + 1]):
            store.put(f"{key:04x}", {"x": np.full(125_000, float(key))}, {"key": str(key)})
    time.sleep(0.01 + 0.005 * number)
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache", ROOMY)


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], cwd=ROOT, text=True)


def keep(store: Store, *keys: str) -> None:
    """A result of nearly ``RESULT_BYTES`` for each key."""
    for key in keys:
        store.put(key, {"x": np.zeros(FLOATS, dtype=np.float32)}, {})


def file_of(store: Store, key: str) -> Path:
    return store.folder / key[:2] / f"{key}.safetensors"


def age(path: Path, by_s: float) -> None:
    used_s = path.stat().st_mtime - by_s
    os.utime(path, (used_s, used_s))


def files_below(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def same_bits(a: NDArray[np.generic], b: NDArray[np.generic]) -> bool:
    return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


@given(
    named=st.dictionaries(st.text(max_size=10), stored_arrays, max_size=4),
    facts=st.dictionaries(st.text(max_size=10), st.text(max_size=20), max_size=4),
)
def test_what_was_put_is_got_bit_by_bit(named: dict[str, NDArray[np.generic]], facts: dict[str, str]) -> None:
    """Of any shape, 0-d and empty ones too, and with every NaN's own bits."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), ROOMY)
        store.put(KEY, named, facts)
        entry = store.get(KEY)
        assert entry is not None
        assert entry.facts == facts
        assert set(entry.arrays) == set(named)
        assert all(same_bits(entry.arrays[name], array) for name, array in named.items())


def test_a_view_is_stored_as_what_it_shows(store: Store) -> None:
    whole = np.arange(12.0).reshape(3, 4)
    store.put(KEY, {"columns": whole.T, "every_second": whole[:, ::2]}, {})
    entry = store.get(KEY)
    assert entry is not None
    assert same_bits(entry.arrays["columns"], whole.T)
    assert same_bits(entry.arrays["every_second"], whole[:, ::2])


def test_what_is_got_can_be_changed_and_the_stored_result_stays(store: Store) -> None:
    keep(store, KEY)
    for _ in range(2):
        entry = store.get(KEY)
        assert entry is not None
        assert not entry.arrays["x"].any()
        entry.arrays["x"] += 1


def test_a_key_is_there_once_it_was_put(store: Store) -> None:
    assert KEY not in store
    assert store.get(KEY) is None
    keep(store, KEY)
    assert KEY in store
    assert "fedcba" not in store
    assert files_below(store.folder) == {f"{KEY}.safetensors"}


def test_the_last_result_of_a_key_stays(store: Store) -> None:
    for number in ("1", "2"):
        store.put(KEY, {}, {"number": number})
    entry = store.get(KEY)
    assert entry is not None
    assert entry.facts == {"number": "2"}
    assert store.usage().files == 1


@pytest.mark.parametrize("key", ["", "ab", "ABCDEF", "../../etc", "abc/def", "abc.", "abc\n", "xyz"])
def test_a_key_that_is_none_is_refused(store: Store, key: str) -> None:
    for use in (store.__contains__, store.get, lambda key: store.put(key, {}, {})):
        with pytest.raises(ValueError, match="must be lower-case hexadecimal digits"):
            use(key)


def test_a_negative_cap_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="most_bytes = -1: must not be negative"):
        Store(tmp_path, -1)


def test_readers_and_two_writers_of_one_key_do_not_hurt_each_other(store: Store) -> None:
    writers = [start(WRITER, store.folder, KEY, number) for number in (1, 2)]
    was_there = False
    while any(writer.poll() is None for writer in writers):
        entry = store.get(KEY)
        assert entry is not None or not was_there, "what was there once is never missing or half"
        if entry is not None:
            was_there = True
            assert (entry.arrays["x"] == float(entry.facts["writer"])).all()
    assert [writer.returncode for writer in writers] == [0, 0]
    assert was_there
    assert files_below(store.folder) == {f"{KEY}.safetensors"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are forked, so that twenty are quick to start")
def test_killed_writers_leave_whole_results(store: Store) -> None:
    """Of twenty, each with two keys of its own, most are in the middle of a write."""
    assert start(KILLED_WRITERS, store.folder).wait() == 0
    kept = {number for number in range(40) if f"{number:04x}" in store}
    assert kept, "no writer came to write anything"
    for number in kept:
        entry = store.get(f"{number:04x}")
        assert entry is not None
        assert entry.facts == {"key": str(number)}
        assert entry.arrays["x"].shape == (125_000,)
        assert (entry.arrays["x"] == number).all()
    left = files_below(store.folder) - {f"{number:04x}.safetensors" for number in kept}
    assert all(name.endswith(".part") for name in left)


def test_what_a_killed_writer_left_is_removed_when_it_is_an_hour_old(store: Store) -> None:
    keep(store, KEY)
    name = f".{KEY}.{'0' * 32}.part"
    left = store.folder / KEY[:2] / name
    for remove in (lambda: keep(Store(store.folder, ROOMY), KEY), store.clear):
        left.write_bytes(b"half")
        remove()
        assert left.exists(), "somebody may still be writing it"
        age(left, by_s=HOUR_S + 1)
        remove()
        assert not left.exists()


def test_the_oldest_go_when_the_cap_would_be_passed(tmp_path: Path) -> None:
    store = Store(tmp_path, 4 * RESULT_BYTES)
    for number, key in enumerate(["aaaa", "bbbb", "cccc", "aadd"]):
        keep(store, key)
        age(file_of(store, key), by_s=100 - number)
    assert store.usage().files == 4
    keep(store, "eeee")
    assert files_below(tmp_path) == {f"{key}.safetensors" for key in ("bbbb", "cccc", "aadd", "eeee")}


def test_what_was_got_is_young_again(tmp_path: Path) -> None:
    store = Store(tmp_path, 2 * RESULT_BYTES)
    keep(store, "aaaa", "bbbb")
    age(file_of(store, "aaaa"), by_s=100)
    age(file_of(store, "bbbb"), by_s=50)
    store.get("aaaa")
    keep(store, "cccc")
    assert "aaaa" in store
    assert "bbbb" not in store


def test_one_process_never_passes_the_cap_and_keeps_it_nine_tenths_full(tmp_path: Path) -> None:
    store = Store(tmp_path, 30 * RESULT_BYTES)
    for number in range(100):
        keep(store, f"{number:04x}")
        files = store.usage().files
        assert min(number + 1, 27) <= files <= 30


def test_results_of_other_processes_count(tmp_path: Path) -> None:
    """Each of three counts again when it has written a tenth, here one result."""
    stores = [Store(tmp_path, 10 * RESULT_BYTES) for _ in range(3)]
    for number in range(60):
        keep(stores[number % 3], f"{number:04x}")
    assert stores[0].usage().nbytes <= 10 * RESULT_BYTES


@pytest.mark.parametrize(("room_for", "most_counts"), [(10_000, 1), (50, 200 / 5 + 1)])
def test_the_folder_is_counted_once_a_tenth_and_not_at_every_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room_for: int, most_counts: float
) -> None:
    """Nor when it is full."""
    counts: list[Path] = []
    iterdir = Path.iterdir

    def counted(folder: Path) -> Iterator[Path]:
        counts.extend([folder] if folder == tmp_path else [])
        return iterdir(folder)

    monkeypatch.setattr(Path, "iterdir", counted)
    keep(Store(tmp_path, room_for * RESULT_BYTES), *(f"{number:04x}" for number in range(200)))
    assert 1 <= len(counts) <= most_counts


@pytest.mark.parametrize("most_bytes", [0, 4 * FLOATS])
def test_a_result_larger_than_the_cap_is_not_stored_and_drives_nothing_out(tmp_path: Path, most_bytes: int) -> None:
    keep(Store(tmp_path, ROOMY), "aaaa")
    keep(Store(tmp_path, most_bytes), "bbbb")
    assert files_below(tmp_path) == {"aaaa.safetensors"}


@given(kept=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_as_good_as_none_and_is_removed(kept: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), ROOMY)
        keep(store, KEY)
        os.truncate(file_of(store, KEY), int(kept * file_of(store, KEY).stat().st_size))
        assert store.get(KEY) is None
        assert KEY not in store


@given(content=st.binary(max_size=100))
def test_a_file_of_something_else_is_as_good_as_none_and_is_removed(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), ROOMY)
        keep(store, KEY)
        file_of(store, KEY).write_bytes(content)
        assert store.get(KEY) is None
        assert KEY not in store
        keep(store, KEY)
        assert store.get(KEY) is not None


def test_files_that_vanish_while_the_folder_is_counted_are_none(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(store, "aaaa", "aabb", "cccc")
    stat = Path.stat

    def vanishing(path: Path, **options: bool) -> os.stat_result:
        if path.name == "aaaa.safetensors":
            path.unlink(missing_ok=True)
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", vanishing)
    assert store.usage().files == 2
    assert store.clear().files == 2


def test_where_nothing_can_be_written_one_warning_is_given_and_nothing_is_found(tmp_path: Path) -> None:
    """A file where the folder should be: it stops root too, whom permissions do not."""
    (tmp_path / "cache").write_text("in the way")
    store = Store(tmp_path / "cache", ROOMY)
    with pytest.warns(RuntimeWarning, match="results are not kept in .*cache: Not a directory") as warned:
        keep(store, "aaaa", "bbbb", "cccc")
    assert len(warned) == 1
    assert warned[0].filename == __file__
    assert "aaaa" not in store
    assert store.get("aaaa") is None


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_a_read_only_folder_still_gives_what_it_holds(store: Store) -> None:
    keep(store, "aaaa")
    file_of(store, "aaaa").parent.chmod(0o555)
    with pytest.warns(RuntimeWarning, match="Permission denied"):
        keep(store, "aabb")
    assert store.get("aaaa") is not None
    file_of(store, "aaaa").parent.chmod(0o755)


def test_a_full_disk_keeps_no_half_file_and_what_fits_later_is_stored(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bytes = Path.write_bytes

    def write_half(path: Path, content: bytes) -> int:
        write_bytes(path, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", write_half)
        with pytest.warns(RuntimeWarning, match="No space left on device") as warned:
            keep(store, "aaaa", "bbbb")
    assert len(warned) == 1
    assert files_below(store.folder) == set()
    keep(store, "aaaa")
    assert "aaaa" in store


def test_a_name_too_long_for_the_disk_is_only_a_warning(store: Store) -> None:
    with pytest.warns(RuntimeWarning, match="File name too long"):
        keep(store, "a" * 300)
    assert "a" * 300 not in store
    assert store.get("a" * 300) is None


def test_usage_says_how_many_how_large_and_from_when_to_when(store: Store) -> None:
    keep(store, "aaaa", "bbbb", "cccc")
    for key, day in (("aaaa", 2), ("bbbb", 3), ("cccc", 1)):
        used_s = datetime(2026, 1, day, tzinfo=UTC).timestamp()
        os.utime(file_of(store, key), (used_s, used_s))
    usage = store.usage()
    assert usage.files == 3
    assert usage.nbytes == sum(path.stat().st_size for path in store.folder.rglob("*.safetensors"))
    assert (usage.oldest, usage.newest) == (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC))


def test_clear_removes_results_and_nothing_else(store: Store) -> None:
    keep(store, "aaaa", "bbbb")
    others = [store.folder / "notes.txt", store.folder / "aa" / "model.safetensors"]
    for path in others:
        path.write_text("not ours")
    usage = store.usage()
    assert store.clear() == usage
    assert usage.files == 2
    assert files_below(store.folder) == {"notes.txt", "model.safetensors"}
    assert (store.usage().files, store.usage().oldest) == (0, None)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"COSIM_CACHE": "/mine", "XDG_CACHE_HOME": "/caches"}, "/mine"),
        ({"COSIM_CACHE": "~/mine"}, "/home/somebody/mine"),
        ({"COSIM_CACHE": "", "XDG_CACHE_HOME": "/caches"}, "/caches/cosim"),
        ({"XDG_CACHE_HOME": ""}, "/home/somebody/.cache/cosim"),
        ({"XDG_CACHE_HOME": "relative"}, "/home/somebody/.cache/cosim"),
        ({}, "/home/somebody/.cache/cosim"),
    ],
)
def test_the_default_folder_is_the_users_choice_or_the_platforms(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    for name in ("COSIM_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"HOME": "/home/somebody"} | environment).items():
        monkeypatch.setenv(name, value)
    assert default_folder() == Path(expected)


def test_importing_the_store_imports_nothing_that_is_slow() -> None:
    slow = ("torch", "pandas", "transformers", "peft", "pyarrow", "datasets")
    probe = f"import sys, training.store; print([name for name in {slow} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"


def test_a_single_bit_that_changed_on_disk_makes_no_wrong_result(store: Store) -> None:
    store.put(KEY, {"x": np.arange(100.0)}, {"step": "3"})
    (path,) = store.folder.rglob("*.safetensors")
    whole = path.read_bytes()
    for place in range(8, len(whole), 37):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        assert store.get(KEY) is None, place
        assert not path.exists()


def test_the_folder_is_the_users_own(store: Store) -> None:
    store.put(KEY, {"x": np.arange(3.0)}, {})
    assert store.folder.stat().st_mode & 0o777 == 0o700
    assert may_be_trusted(store.folder)
    assert may_be_trusted(store.folder / "none")
    store.folder.chmod(0o777)
    assert not may_be_trusted(store.folder)
