"""WikiText as running English: the word-level marks of Merity et al. (2016, arXiv 1609.07843) undone."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

UNKNOWN = "<unk>"
"""What WikiText-2 writes for every word outside its 33,278-word vocabulary."""

_REWRITES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r" @([-,.])@ "), r"\1"),  # role @-@ playing, 10 @,@ 000, 2 @.@ 5
    (re.compile(r'" ([^"\n]*?) "'), r'"\1"'),
    (re.compile(r"([(\[]) "), r"\1"),
    (re.compile(r" ([)\],.;:!?%])"), r"\1"),
    (re.compile(r" (n't|'s|'m|'d|'ll|'re|'ve)\b"), r"\1"),
)


def detokenise(text: str) -> str:
    """Undo word-level marks and the spaces round punctuation; rare words stay ``<unk>``."""
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    return "\n".join(line.strip() for line in text.split("\n"))


def read(folder: Path, part: str) -> str:
    """Text of ``train``, ``valid`` or ``test`` of a folder with ``PART.txt`` or ``PART.txt.gz``."""
    plain, packed = folder / f"{part}.txt", folder / f"{part}.txt.gz"
    if plain.is_file():
        return detokenise(plain.read_text(encoding="utf-8"))
    with gzip.open(packed, "rt", encoding="utf-8") as lines:
        return detokenise(lines.read())
