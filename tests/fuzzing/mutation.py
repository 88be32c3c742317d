"""Bytes that are nearly those of a valid file."""

from __future__ import annotations

import random
from collections.abc import Sequence

TOKENS = (
    b"null", b"true", b"-1", b"0", b"010", b"1e400", b".nan", b"-.inf", b"1:30", b"&a ", b"*a", b"<<: *a", b"!!binary ",
    b"!!python/object/apply:os.getcwd []", b"!!set ", b"!!timestamp ", b"\t", b"\x00", b"\xff", b"\xef\xbb\xbf",
    b"---\n",
    b"? ", b"[" * 40, b"{", b"}", b": ", b"- ", b"\r\n", b'"', b"\\ud800", b"9" * 400, b"9**9**9 Hz", b"20 parsnips",
    b"~x/",    b"../", b"a.b:C", b"json:loads", b",", b"\n", b"PAR1", b"\x1f\x8b",
)  # fmt: skip
_MOST_CHANGES = 6


def mutated(valid: Sequence[bytes], draw: random.Random) -> bytes:
    """One of ``valid``, with a few bytes, tokens or slices of another put in, left out, doubled or changed."""
    content = bytearray(draw.choice(valid))
    for _ in range(draw.randint(1, _MOST_CHANGES)):
        start = draw.randint(0, len(content))
        end = min(len(content), start + draw.choice((0, 1, 2, 8, 64)))
        other = draw.choice(valid)
        place = draw.randint(0, len(other))
        content[start:end] = draw.choice(
            (
                draw.choice(TOKENS),
                bytes([draw.randrange(256)]),
                other[place : place + draw.randint(1, 64)],
                b"",
                bytes(content[start:end]) * 2,
            )
        )
    return bytes(content)
