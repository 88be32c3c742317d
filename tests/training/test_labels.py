"""Labels on the wire: what was sent comes back, in as many integers as are counted."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from training import labels
from training.adapters import AdapterLayout, HeadSite
from training.payloads import LABEL_BYTES
from training.sequences import IGNORED

LANGUAGE = AdapterLayout(())


def classifier(classes: int) -> AdapterLayout:
    return AdapterLayout((HeadSite(path="score", block=0, inputs=4, outputs=classes, deviation=0.02),))


@given(
    st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 149)), min_size=1, max_size=6), st.sampled_from([150, 2000])
)
def test_a_classifier_sends_one_integer_a_row(rows: list[tuple[int, int]], classes: int) -> None:
    targets = torch.full((len(rows), 4096), IGNORED)
    for row, (place, label) in enumerate(rows):
        targets[row, place] = label
    sent = labels.to_send(classifier(classes), targets)
    assert sent.numel() * sent.element_size() == LABEL_BYTES * len(rows)
    assert torch.equal(labels.received(classifier(classes), sent, 4096), targets)


def test_a_language_model_sends_one_integer_a_token() -> None:
    targets = torch.tensor([[5, 6, IGNORED], [7, IGNORED, IGNORED]])
    sent = labels.to_send(LANGUAGE, targets)
    assert sent.numel() * sent.element_size() == LABEL_BYTES * 6
    assert torch.equal(labels.received(LANGUAGE, sent, 3).long(), targets)
