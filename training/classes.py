"""The classes that a classifier tells apart: the labels of a corpus's training part."""

from __future__ import annotations

from training.corpora import Corpus


def classes_of(corpus: Corpus) -> tuple[str, ...]:
    """The classes in the order of the head's rows: by number where all labels are whole numbers, else by name.

    Raises:
        ValueError: a document without a label, fewer than two classes, or a held-out class that training lacks.
    """
    train, held_out = ({document.label or "" for document in part} for part in (corpus.train, corpus.held_out))
    if "" in train | held_out:
        raise ValueError(f"data.label_column: a row of {corpus.name!r} or of its held-out part has no label")
    if len(train) < 2:
        raise ValueError(f"data.label_column: {corpus.name!r} has the one class {min(train)!r}; a classifier needs two")
    unknown = held_out - train
    if unknown:
        raise ValueError(
            f"data.label_column: the held-out class {min(unknown)!r} is not among the {len(train)} that "
            f"the training part of {corpus.name!r} has; give both parts rows of every class"
        )
    by_name = sorted(train)
    return tuple(sorted(by_name, key=int) if all(label.isdecimal() for label in by_name) else by_name)
