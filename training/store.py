"""Results of training jobs on disk, by key, so that a killed run resumes and a sweep trains once.

One file a result, ``FOLDER/KK/KEY.safetensors`` with KK the first two digits of its key, and in it the hash of all
that was written, so that what was damaged since is never taken for a result. Processes share a folder without locks: a
file appears whole or not at all, of two writers of a key the last one's stays, and a file that another process has
removed is as good as never stored. Needs NumPy and no torch, so that looking into a store is quick.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
import uuid
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from stat import S_IWOTH
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

_KEY = re.compile(r"[0-9a-f]{3,}")
_SHARD = re.compile(r"[0-9a-f]{2}")
_OURS = re.compile(rf"{_KEY.pattern}\.safetensors|\.{_KEY.pattern}\.[0-9a-f]{{32}}\.part")
_ABANDONED_AFTER_S = 3600.0  # no write takes that long: whoever began the file was killed
_COUNTS_PER_FILLING = 10
_HASH = "hash"


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry:
    """A stored result: its arrays, writable and nobody else's, and short texts about them."""

    arrays: dict[str, NDArray[Any]]
    facts: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Usage:
    """How many results, their bytes on disk, and when the least and the most recently used ones were last used."""

    files: int
    nbytes: int
    oldest: datetime | None
    newest: datetime | None


class Store:
    """A folder of results that keeps the most recently used ones.

    A process counts the folder before its first result and then whenever it has written a tenth of ``most_bytes``;
    what others write meanwhile may overstep ``most_bytes`` until the next count.

    Raises:
        ValueError: ``most_bytes`` is negative, or a key is none.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        if most_bytes < 0:
            raise ValueError(f"most_bytes = {most_bytes}: must not be negative")
        self.folder = folder
        self.most_bytes = most_bytes
        self._room_bytes = 0  # may be written before the next count
        self._warned = False

    def __contains__(self, key: str) -> bool:
        """Whether there is a file for ``key``: quick, and no promise that ``get`` finds it whole, or at all."""
        path = self._path(key)
        try:
            return path.exists()
        except OSError:
            return False

    def get(self, key: str) -> Entry | None:
        """The result stored for ``key``, which counts as use; a damaged file is removed, and as good as none."""
        path = self._path(key)
        try:
            with safe_open(path, framework="np", backend="pread") as file:  # a mapped file that shrinks kills
                arrays, facts = file.get_tensors(), file.metadata() or {}
        except OSError:
            return None
        except (SafetensorError, ValueError, TypeError):  # the latter two of NumPy, for shapes that cannot be
            arrays, facts = {}, {}
        if facts.pop(_HASH, None) != _hash(arrays, facts):
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):
            os.utime(path)
        return Entry(arrays=arrays, facts=facts)

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, str]) -> None:
        """Keep a result; where it would pass the cap, the longest unused ones go. One larger than the cap is not kept.

        A store that cannot be written to (disk full, no permission) warns once, and the run goes on without it.

        Raises:
            SafetensorError: an array is of a type that the format does not know; those of bool, integers, float16,
                float32 and float64 are known.
        """
        path = self._path(key)
        in_rows = {name: np.asarray(array, order="C") for name, array in arrays.items()}
        content = safetensors.numpy.save(in_rows, {**facts, _HASH: _hash(in_rows, facts)})
        if len(content) > self.most_bytes:
            return
        try:
            if len(content) > self._room_bytes:
                if not self.folder.exists():
                    self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._room_bytes = self._make_room(len(content))
            _write(path, content)
        except OSError as error:
            if not self._warned:
                reason = f"results are not kept in {self.folder}: {error.strerror}"
                warnings.warn(reason, RuntimeWarning, stacklevel=2)
            self._warned = True
        else:
            self._room_bytes -= len(content)

    def usage(self) -> Usage:
        """What is stored now.

        Raises:
            OSError: the folder cannot be read, or is none; one that does not exist holds nothing.
        """
        return _usage(self._results())

    def clear(self) -> Usage:
        """Remove all results, and return what they were; other files in the folder stay.

        Raises:
            OSError: the folder cannot be read or changed.
        """
        found = self._results()
        for file in found:
            file.path.unlink(missing_ok=True)
        return _usage(found)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"key = {key!r}: must be lower-case hexadecimal digits, three or more")
        return self.folder / key[:2] / f"{key}.safetensors"

    def _make_room(self, nbytes: int) -> int:
        """Count the folder, remove what is oldest if need be, and return how much may be written before the next count.

        A full folder is emptied by a tenth at once: if it stayed all but full, every result would take a count.
        """
        results = self._results()
        goal = max(nbytes, self.most_bytes // _COUNTS_PER_FILLING)
        free = self.most_bytes - sum(file.nbytes for file in results)
        if free < nbytes:
            for file in results:
                file.path.unlink(missing_ok=True)
                free += file.nbytes
                if free >= goal:
                    break
        return min(free, goal)

    def _results(self) -> list[_File]:
        """The files of results, oldest first. What killed writers left behind is removed on the way."""
        abandoned_ns = (time.time() - _ABANDONED_AFTER_S) * 1e9
        results = []
        for path in (path for shard in _named(self.folder, _SHARD) for path in _named(shard, _OURS)):
            with suppress(OSError):  # another process was quicker, or the file is not ours to remove
                stat = path.stat()
                if path.suffix == ".safetensors":
                    results.append(_File(stat.st_mtime_ns, stat.st_size, path))
                elif stat.st_mtime_ns < abandoned_ns:
                    path.unlink()
        return sorted(results)


def may_be_trusted(folder: Path) -> bool:
    """Whether nobody but its owner, who is the user or root, and perhaps a group, can have put results there."""
    try:
        stat = folder.stat()
    except OSError:
        return True  # there is none yet
    return stat.st_uid in (0, os.getuid()) and not stat.st_mode & S_IWOTH


def default_folder() -> Path:
    """``$COSIM_CACHE``, else ``$XDG_CACHE_HOME/cosim``, else ``~/.cache/cosim`` (XDG Base Directory Specification 0.8).

    As there, a variable that is empty counts as unset, and so does ``$XDG_CACHE_HOME`` if it is no absolute path.
    """
    chosen = os.environ.get("COSIM_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (caches if caches.is_absolute() else Path.home() / ".cache") / "cosim"


class _File(NamedTuple):
    """A file as it was when it was listed; sorts by age, oldest first."""

    modified_ns: int
    nbytes: int
    path: Path


def _named(folder: Path, shape: re.Pattern[str]) -> list[Path]:
    """What in ``folder`` is named like this; nothing where there is no folder."""
    try:
        return [path for path in folder.iterdir() if shape.fullmatch(path.name)]
    except FileNotFoundError:
        return []


def _usage(results: list[_File]) -> Usage:
    """Of files in order of age."""
    times = [datetime.fromtimestamp(file.modified_ns / 1e9, UTC) for file in results]
    oldest, newest = (times[0], times[-1]) if times else (None, None)
    return Usage(files=len(results), nbytes=sum(file.nbytes for file in results), oldest=oldest, newest=newest)


def _hash(arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, str]) -> str:
    """Of names, types, shapes and contents."""
    found = hashlib.blake2b(digest_size=16)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(repr((name, array.dtype.str, arrays[name].shape)).encode())
        found.update(array.data if array.size else b"")
    found.update(repr(sorted(facts.items())).encode())
    return found.hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Write beside ``path`` and rename, so that nobody ever reads half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex}.part")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
