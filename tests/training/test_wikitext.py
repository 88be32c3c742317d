"""WikiText: running English again."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.wikitext import UNKNOWN, detokenise, read


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("a role @-@ playing game", "a role-playing game"),
        ("10 @,@ 000 @,@ 000 of 2 @.@ 5", "10,000,000 of 2.5"),
        ("the game , which began in 2010 .", "the game, which began in 2010."),
        ("it ( the game ) ended ; it did", "it (the game) ended; it did"),
        ("[ note 1 ]", "[note 1]"),
        ('called " the Nameless " by all', 'called "the Nameless" by all'),
        ('" one " and " two "', '"one" and "two"'),
        ("Sega 's game did n't and they 've", "Sega's game didn't and they've"),
        ("50 % of all ?", "50% of all?"),
        (" = = Plot = = \n", "= = Plot = =\n"),
        ("the <unk> of <unk>", f"the {UNKNOWN} of {UNKNOWN}"),
        ('an odd " alone', 'an odd " alone'),
    ],
)
def test_marks_are_undone(tokens: str, text: str) -> None:
    assert detokenise(tokens) == text


@given(st.text("ab \n", max_size=60))
def test_plain_words_lose_nothing_but_spaces_at_line_ends(text: str) -> None:
    assert detokenise(text).split() == text.split()
    assert detokenise(text).count("\n") == text.count("\n")


def test_quotes_do_not_pair_across_lines() -> None:
    assert detokenise('a " b\nc " d') == 'a " b\nc " d'


def test_a_part_is_read_from_plain_or_packed_text(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(" it did n't \n", encoding="utf-8")
    with gzip.open(tmp_path / "valid.txt.gz", "wt", encoding="utf-8") as file:
        file.write(" it did n't \n")
    assert read(tmp_path, "train") == read(tmp_path, "valid") == "it didn't\n"
    with pytest.raises(FileNotFoundError):
        read(tmp_path, "test")
