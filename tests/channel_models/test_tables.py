import gzip
import math
from pathlib import Path

import pytest

from channel_models.tables import count, number, rows

TEXT = "user, speed\n0,1.5\n1,fast\n2,\n-1,2\n"


def test_rows_come_with_their_lines_plain_or_compressed_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    plain, packed = tmp_path / "t.csv", tmp_path / "t.csv.gz"
    plain.write_text("\ufeff" + TEXT, encoding="utf-8")
    packed.write_bytes(gzip.compress(TEXT.encode()))
    assert list(rows(str(plain), ["speed"])) == list(rows(str(packed), ["speed"]))
    assert [line for line, _ in rows(str(plain), ["speed"])] == [2, 3, 4, 5]
    assert [row["speed"] for _, row in rows(str(plain), [], {"user": "1"})] == ["fast"]


def test_a_cell_that_is_no_such_number_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text(TEXT)
    (first, fast, empty, minus) = rows(str(file), ["user"])
    assert number(*first, "speed", "a number") == 1.5
    assert count(*first, "user") == 0
    for row, text in ((fast, "line 3: speed = 'fast'"), (empty, "line 4: speed = ''")):
        with pytest.raises(ValueError, match=rf"^{text} is not a number$"):
            number(*row, "speed", "a number")
    with pytest.raises(ValueError, match=r"^line 2: speed = '1\.5' is not a whole number$"):
        number(*first, "speed", "a whole number", float.is_integer)
    with pytest.raises(ValueError, match=r"^line 5: user = '-1' is not a number from 0 on$"):
        count(*minus, "user")
    assert math.isfinite(number(*minus, "speed", "a number"))


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^no such file$"):
        list(rows(str(tmp_path / "none.csv"), []))
    broken = tmp_path / "t.csv.gz"
    broken.write_bytes(b"not packed")
    with pytest.raises(ValueError, match=r"^cannot be read: "):
        list(rows(str(broken), []))
