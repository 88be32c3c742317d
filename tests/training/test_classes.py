"""Classes: the labels of the training part, and what is wrong with a corpus that has none or others."""

import json
from pathlib import Path

import pytest

from training.classes import classes_of
from training.corpora import Corpus, Document, load_corpus

BANKING77 = Path(__file__).parents[3] / "shared" / "data" / "banking77"


def corpus(train: list[str | None], held_out: list[str | None]) -> Corpus:
    parts = [
        tuple(Document(text=f"text {i}", author="ann", label=label) for i, label in enumerate(labels))
        for labels in (train, held_out)
    ]
    return Corpus(name="rows.csv", train=parts[0], held_out=parts[1])


def test_classes_are_those_of_training_by_name_or_by_number() -> None:
    assert classes_of(corpus(["lost card", "age limit", "lost card"], ["age limit"])) == ("age limit", "lost card")
    assert classes_of(corpus(["10", "9", "0"], ["0"])) == ("0", "9", "10")
    assert classes_of(corpus(["10", "9", "x"], ["x"])) == ("10", "9", "x")
    assert classes_of(corpus(["1", "01", "0"], ["0"])) == ("0", "01", "1")


@pytest.mark.parametrize(
    ("train", "held_out", "said"),
    [
        (["a", "b"], ["a", "c"], "the held-out class 'c' is not among the 2"),
        (["a", "a"], ["a"], "has the one class 'a'; a classifier needs two"),
        (["a", None], ["a"], "has no label"),
        (["a", "b"], ["a", ""], "has no label"),
    ],
)
def test_labels_that_make_no_classifier_are_refused_in_one_line(train, held_out, said) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        classes_of(corpus(train, held_out))
    assert str(refused.value).startswith("data.label_column: ")
    assert "\n" not in str(refused.value)


@pytest.mark.skipif(not BANKING77.is_dir(), reason="Banking77 is not beside the checkout")
def test_the_classes_of_banking77_are_its_77_categories() -> None:
    rows = load_corpus(str(BANKING77 / "test.csv"), label_column="category")
    assert set(classes_of(rows)) == set(json.loads((BANKING77 / "categories.json").read_text()))
    assert len(classes_of(rows)) == 77
