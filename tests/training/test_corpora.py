"""Corpora: what is read, from where, and that nothing held out is ever trained on."""

import json
from dataclasses import replace
from pathlib import Path

import datasets
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.corpora import Corpus, Document, by_passage, load_corpus, passages, read_texts
from training.corpora.holding_out import hold_out_documents, hold_out_passages, words_of

WORDS = ("radio", "edge", "adapter", "token", "cloud", "fading", "queue", "server", "split", "rank", "clock", "user")
LONG_WORDS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(lambda words: words * 30)  # may be held out
TENTH = 0.1
TENTH_TOLERANCE = 0.04  # four standard deviations of the mean of 1,000 draws of probability 0.1


@pytest.fixture(scope="module")
def python_docs() -> Corpus:
    return load_corpus("python-docs")


def write_rows(path: Path, count: int = 60) -> Path:
    rows = [{"text": f"text number {i}", "who": f"author {i % 3}", "kind": i % 2} for i in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def numbered_passages(count: int) -> list[str]:
    """Passages that differ in one word each and are long enough to be held out."""
    return [f"{'word ' * 30}{chr(97 + i % 26) * (1 + i // 26)}" for i in range(count)]


def test_python_docs_have_about_eighty_authors_and_over_400_kilobytes(python_docs: Corpus) -> None:
    assert 70 <= len(python_docs.train) <= 90
    assert len({document.author for document in python_docs.train}) == len(python_docs.train)
    assert sum(len(document.text.encode()) for document in python_docs.train) >= 400_000


def test_no_held_out_passage_of_python_docs_occurs_in_any_training_document(python_docs: Corpus) -> None:
    training = [f" {words_of(document.text)} " for document in python_docs.train]
    held_out = [words_of(document.text) for document in by_passage(python_docs.held_out)]
    assert len(held_out) == len(set(held_out)) > 50
    assert [passage for passage in held_out if any(f" {passage} " in text for text in training)] == []


def test_python_docs_passages_are_all_in_training_or_held_out(python_docs: Corpus) -> None:
    from pydoc_data.topics import topics

    everything = {words_of(passage) for text in topics.values() for passage in passages(text)}
    parts = [by_passage(part) for part in (python_docs.train, python_docs.held_out)]
    assert everything == {words_of(document.text) for part in parts for document in part}


def test_passages_keep_the_indentation_of_literal_blocks() -> None:
    text = "Heading\n***\n\n   if x:\n       y()\n \n\n   z()\n"
    assert passages(text) == ["Heading\n***", "   if x:\n       y()", "   z()"]


@given(st.lists(LONG_WORDS, min_size=1, max_size=12), st.integers(0, 11))
def test_a_passage_is_on_one_side_in_every_document_however_it_is_laid_out(texts: list[list[str]], shift: int) -> None:
    flat = Document(text="\n\n".join(" ".join(words) for words in texts), author="flat")
    turned = texts[shift:] + texts[:shift]
    indented = Document(text="\n\n".join(f"[{shift}]  " + "\n     ".join(words) for words in turned), author="indented")
    train, held_out = ({words_of(d.text) for d in by_passage(part)} for part in hold_out_passages([flat, indented]))
    assert not train & held_out
    assert train | held_out == {" ".join(words) for words in texts}


def test_a_held_out_passage_is_kept_once_and_a_tenth_is_held_out() -> None:
    _, held_out = hold_out_passages([Document(text="\n\n".join(numbered_passages(1000)), author="a")] * 2)
    assert len(by_passage(held_out)) / 1000 == pytest.approx(TENTH, abs=TENTH_TOLERANCE)


def test_rows_are_held_out_whole_and_equal_rows_together() -> None:
    documents = [Document(text=f"{i % 1000} plus", author=str(i)) for i in range(2000)]
    train, held_out = hold_out_documents(documents)
    assert not {d.text for d in train} & {d.text for d in held_out}
    assert len(held_out) / 1000 == pytest.approx(TENTH, abs=TENTH_TOLERANCE)


def test_the_hash_tells_texts_authors_labels_and_split_but_not_names() -> None:
    a, b = Document(text="a", author="x", label="1"), Document(text="b", author="y")
    corpora = [
        Corpus(name="first", train=(a,), held_out=(b,)),
        Corpus(name="first", train=(b,), held_out=(a,)),
        Corpus(name="first", train=(a, b), held_out=(b,)),
        Corpus(name="first", train=(Document(text="a", author="z", label="1"),), held_out=(b,)),
        Corpus(name="first", train=(Document(text="a", author="x", label="2"),), held_out=(b,)),
        Corpus(name="first", train=(Document(text="c", author="x", label="1"),), held_out=(b,)),
    ]
    assert len({corpus.sha256 for corpus in corpora}) == len(corpora)
    assert corpora[0].sha256 == Corpus(name="second", train=(a,), held_out=(b,)).sha256


def test_what_a_corpus_is_made_from_has_another_fingerprint_for_another_text_validation_or_way_to_split(
    tmp_path: Path,
) -> None:
    for name, text in (("a.txt", "some text"), ("b.txt", "other text")):
        (tmp_path / name).write_text(text)
    a, b = str(tmp_path / "a.txt"), str(tmp_path / "b.txt")
    rows = read_texts(str(write_rows(tmp_path / "rows.jsonl", count=1)))
    sources = [read_texts(a), read_texts(b), read_texts(a, validation=a), read_texts(a, validation=b), rows]
    (tmp_path / "a.txt").write_text("some texts")
    sources += [read_texts(a), replace(rows, hold_out=hold_out_passages)]
    assert len({tuple(texts.fingerprint()) for texts in sources}) == len(sources)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "b.txt").write_text("other text")
    assert read_texts(str(tmp_path / "copy" / "b.txt")).fingerprint() == read_texts(b).fingerprint()


def test_a_text_file_is_one_author_and_loses_a_tenth_of_its_passages(tmp_path: Path) -> None:
    lines = numbered_passages(200)
    (tmp_path / "novel.txt").write_text("\n\n".join(lines))
    corpus = load_corpus(str(tmp_path / "novel.txt"))
    assert [document.author for document in corpus.train] == ["novel"]
    assert sorted(d.text for d in by_passage(corpus.train) + by_passage(corpus.held_out)) == sorted(lines)


def test_a_folder_has_an_author_for_each_file_and_skips_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "deep/c.md", ".hidden", ".git/d.txt"):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_text(f"text of {name}\n")
    (tmp_path / "other.txt").write_text("held out")
    corpus = load_corpus(str(tmp_path / "set"), validation=str(tmp_path / "other.txt"))
    assert [document.author for document in corpus.train] == ["a.txt", "b.txt", "deep/c.md"]
    assert corpus.held_out == (Document(text="held out", author="other"),)


def test_rows_of_json_lines_take_author_and_label_from_named_columns(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl")
    corpus = load_corpus(str(path), author_column="who", label_column="kind", validation=str(path))
    assert corpus.train[1] == Document(text="text number 1", author="author 1", label="1")
    assert len(corpus.train) == len(corpus.held_out) == 60


def test_rows_without_an_author_column_are_their_own_authors(tmp_path: Path) -> None:
    corpus = load_corpus(str(write_rows(tmp_path / "rows.jsonl")))
    both = corpus.train + corpus.held_out
    assert len({document.author for document in both}) == len(both) == 60


def test_cells_of_a_csv_file_are_read_as_they_stand_and_blank_rows_dropped(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('body,who\nNA,007\n"quoted ""x"",\ntwo lines",1.50\n  ,3\n')
    corpus = load_corpus(str(path), text_column="body", author_column="who", validation=str(path))
    assert corpus.train == (Document(text="NA", author="007"), Document(text='quoted "x",\ntwo lines', author="1.50"))


def test_reading_rows_leaves_no_cache_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_rows(tmp_path / "rows.jsonl")
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    load_corpus(str(path))
    assert list((tmp_path / "scratch").iterdir()) == []
    assert not (tmp_path / "cache").exists()


def test_a_hub_name_says_data_set_configuration_and_split(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load_dataset(**options: object) -> list[dict[str, str]]:
        asked.append((options["path"], options["name"], options["split"]))
        return [{"text": "a row"}]

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    corpus = load_corpus("hub:owner/name/raw", validation="hub:owner/name:test")
    assert asked == [("owner/name", "raw", "train"), ("owner/name", None, "test")]
    assert corpus.train == (Document(text="a row", author="row 1"),)


def test_a_hub_that_cannot_be_reached_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(**_: object) -> None:
        raise ConnectionError("Couldn't reach the Hub\nsecond line")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(ValueError, match=r"^corpus 'hub:owner/name' cannot be read: Couldn't reach the Hub$"):
        load_corpus("hub:owner/name")


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("pyhton-docs", {}, "'pyhton-docs' is neither python-docs, nor"),
        ("missing.csv", {}, "'missing.csv' is neither"),
        ("hub:name", {}, "written hub:OWNER/NAME"),
        ("python-docs", {"label_column": "kind"}, "'python-docs' is running text, without the columns"),
        ("rows.jsonl", {"author_column": "writer"}, "row 1 has no column 'writer'; it has 'text', 'who', 'kind'"),
        ("rows.jsonl", {"validation": "missing.txt"}, "'missing.txt' is neither"),
        ("holes.jsonl", {}, "row 2: column 'text' must hold a string or a number, not None"),
        ("broken.jsonl", {}, "broken.jsonl' cannot be read: "),
        ("nothing.jsonl", {}, "holds no text"),
        ("nothing.csv", {}, "nothing.csv' cannot be read: "),
        ("nothing.txt", {}, "holds no text"),
        ("empty", {}, "holds no text"),
        ("latin.txt", {}, "is not UTF-8 text"),
        ("short.txt", {}, "too small to hold out a tenth"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(
    source: str, options: dict[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "rows.jsonl")
    (tmp_path / "holes.jsonl").write_text('{"text": "a", "n": 1}\n{"n": 2}\n')
    (tmp_path / "broken.jsonl").write_text('{"text": "a"\n')
    (tmp_path / "latin.txt").write_bytes("café".encode("latin-1"))
    (tmp_path / "short.txt").write_text("one passage")
    (tmp_path / "empty").mkdir()
    for name in ("nothing.jsonl", "nothing.csv", "nothing.txt"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=message) as error:
        load_corpus(source, **options)
    assert "\n" not in str(error.value)
