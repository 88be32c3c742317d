"""Sizes of messages as papers state them."""

import pytest
from pydantic import ValidationError

from cosim.scenario.payloads import Payloads


def test_nothing_is_said_unless_it_is() -> None:
    assert Payloads().sizes(4) == {}


def test_bits_become_whole_bytes() -> None:
    said = Payloads.model_validate({"adapter": "28.1 kbit", "activation": "100 kbit", "label": "0 bit"})
    assert said.sizes(4) == {"adapter": 3513, "activation": 12500, "label": 0}


def test_activations_of_a_round_are_shared_by_its_mini_batches() -> None:
    assert Payloads.model_validate({"round_activations": "32 kbit"}).sizes(8) == {"activation": 500, "label": 0}


def test_activations_are_said_once() -> None:
    with pytest.raises(ValidationError, match="give either activation, of a mini-batch, or round_activations"):
        Payloads.model_validate({"round_activations": "32 kbit", "activation": "1 kbit"})
