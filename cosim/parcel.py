"""A message, or a stretch of one: the payloads that travel together, and which of their bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.jobs import PayloadKind, Ref


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """Bytes [``first``, ``last``) of ``refs``, one payload after another, which have these ``sizes``.

    By radio they may have been sent before, and are ``repeated``.
    """

    refs: Sequence[Ref]
    sizes: Sequence[int]
    first: int
    last: int
    repeated: bool = False

    @classmethod
    def of(cls, refs: Sequence[Ref], given: Mapping[PayloadKind, int] | None = None) -> Parcel:
        """All of ``refs``; those of a ``given`` kind have that many bytes in place of their own.

        Raises:
            ValueError: one of them is no payload.
        """
        for ref in refs:
            if ref.output.kind is None:
                raise ValueError(f"{ref.name!r} is not a payload and cannot be sent")
        sizes = tuple([ref.nbytes if given is None else given.get(ref.output.kind, ref.nbytes) for ref in refs])  # type: ignore[arg-type]  # no None left
        return cls(refs=refs, sizes=sizes, first=0, last=sum(sizes))

    @property
    def nbytes(self) -> int:
        """How many bytes it has."""
        return self.last - self.first

    @property
    def buffer_bytes(self) -> int:
        """Memory that it takes at a node on its way; models go by storage."""
        models = [ref for ref in self.refs if ref.output.kind == "model"]
        return self.nbytes - self.bytes_of(models) if models else self.nbytes

    @property
    def columns(self) -> dict[str, int]:
        """Bytes by kind of payload, as the record's columns."""
        if self.repeated:
            return {"repeated_bytes": self.nbytes}
        columns: dict[str, int] = {}
        for ref, nbytes in self._shares():
            column = f"{ref.output.kind}_bytes"
            columns[column] = columns.get(column, 0) + nbytes
        return columns

    def before(self, nbytes: int) -> Parcel:
        """The first ``nbytes``."""
        return replace(self, last=self.first + nbytes)

    def after(self, nbytes: int) -> Parcel:
        """All but the first ``nbytes``."""
        return replace(self, first=self.first + nbytes)

    def again(self, nbytes: int) -> Parcel:
        """So many of the bytes, to be sent once more; for what they take, it is the same which."""
        return replace(self, first=self.last - nbytes, repeated=True)

    def bytes_of(self, refs: Sequence[Ref]) -> int:
        """How many bytes of it belong to one of ``refs``."""
        return sum(nbytes for ref, nbytes in self._shares() if ref in refs) if refs else 0

    def _shares(self) -> Iterator[tuple[Ref, int]]:
        """Every payload, with the number of its bytes that are here."""
        begin = 0
        for ref, size in zip(self.refs, self.sizes, strict=True):
            end = begin + size
            yield ref, max(0, min(end, self.last) - max(begin, self.first))
            begin = end
