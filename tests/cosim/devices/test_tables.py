from collections.abc import Callable
from pathlib import Path

import pytest

from cosim.devices.tables import read_columns

Table = Callable[..., str]


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz"])
def test_columns_come_in_the_order_asked_for_rows_in_that_of_the_file(table: Table, name: str) -> None:
    file = table("a,b,c", "1,x,3e2", "4,y,.5", name=name)
    assert read_columns(file, ["c", "a"]).tolist() == [[300.0, 0.5], [1.0, 4.0]]


def test_files_of_spreadsheets_are_read_too(table: Table) -> None:
    file = table("\ufeffflops, seconds\r", '"1e9", 2\r', "\r", "3e9, 5\r", "")
    assert read_columns(file, ["flops", "seconds"]).tolist() == [[1e9, 3e9], [2.0, 5.0]]


def test_where_takes_the_rows_with_that_text_and_looks_at_no_others(table: Table) -> None:
    file = table("tier,task,ms", "low,lstm,9", "low,cnn,broken", "high,lstm,3")
    assert read_columns(file, ["ms"], {"task": "lstm"}).tolist() == [[9.0, 3.0]]
    assert read_columns(file, ["ms"], {"task": "lstm", "tier": "high"}).tolist() == [[3.0]]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("", "''"),
        ("fast", "'fast'"),
        ("0", "'0'"),
        ("-1", "'-1'"),
        ("nan", "'nan'"),
        ("inf", "'inf'"),
        ("1 ms", "'1 ms'"),
    ],
)
def test_a_cell_that_is_no_positive_number_is_named_with_its_line(table: Table, cell: str, shown: str) -> None:
    with pytest.raises(ValueError, match=rf"^line 3: ms = {shown} is not a positive number$"):
        read_columns(table("ms,name", "5,a", f"{cell},b"), ["ms"])


def test_a_row_that_is_too_short_is_named_as_well(table: Table) -> None:
    with pytest.raises(ValueError, match=r"^line 2: ms = '' is not a positive number$"):
        read_columns(table("name,ms", "a"), ["ms"])


@pytest.mark.parametrize(
    ("lines", "where", "problem"),
    [
        (["a,b", "1,2"], {}, "no column 'ms', only a, b"),
        ([""], {}, "no column 'ms', only an empty file"),
        (["ms", "1"], {"tier": "low"}, "no column 'tier', only ms"),
        (["ms"], {}, "no row below the header"),
        (["ms,tier", "1,high"], {"tier": "low"}, "no row where {'tier': 'low'}"),
    ],
)
def test_what_is_missing_is_said(table: Table, lines: list[str], where: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError) as refusal:
        read_columns(table(*lines), ["ms"], where)
    assert str(refusal.value) == problem


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, table: Table) -> None:
    plain, cut, folder = (
        tmp_path / "plain.csv.gz",
        Path(table("ms", *["1"] * 99, name="cut.csv.gz")),
        tmp_path / "d.csv",
    )
    plain.write_text("ms\n1\n")
    cut.write_bytes(cut.read_bytes()[:-12])
    (tmp_path / "latin.csv").write_bytes(b"ms,name\n1,\xe9\n")
    folder.mkdir()
    for file in (plain, cut, folder, tmp_path / "latin.csv"):
        with pytest.raises(ValueError, match=r"^cannot be read: .+$"):
            read_columns(str(file), ["ms"])
    with pytest.raises(ValueError, match=r"^no such file$"):
        read_columns(str(tmp_path / "none.csv"), ["ms"])
