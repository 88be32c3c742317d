"""Text to learn from: who wrote what, and what is held out for evaluation."""

from training.corpora.corpus import Corpus, Document
from training.corpora.holding_out import by_passage, passages
from training.corpora.load import PYTHON_DOCS, Texts, load_corpus, read_texts

__all__ = ["PYTHON_DOCS", "Corpus", "Document", "Texts", "by_passage", "load_corpus", "passages", "read_texts"]
