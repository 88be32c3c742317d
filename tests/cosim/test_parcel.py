from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.parcel import Parcel
from training.jobs import Output, Ref

PAYLOADS = st.lists(st.tuples(st.sampled_from(["activation", "label", "adapter"]), st.integers(0, 99)), max_size=5)


def refs(*payloads: tuple[Any, int]) -> list[Ref]:
    return [Ref("it", Output(nbytes=nbytes, kind=kind), "", None) for kind, nbytes in payloads]


def test_a_stretch_has_the_bytes_of_the_payloads_it_covers() -> None:
    parcel = Parcel.of(refs(("activation", 100), ("label", 10), ("activation", 50)))
    assert (parcel.nbytes, parcel.columns) == (160, {"activation_bytes": 150, "label_bytes": 10})
    assert parcel.before(105).columns == {"activation_bytes": 100, "label_bytes": 5}
    assert parcel.after(105).columns == {"activation_bytes": 50, "label_bytes": 5}
    assert parcel.after(20).before(10).columns == {"activation_bytes": 10, "label_bytes": 0}


def test_sizes_that_are_given_by_kind_stand_in_for_those_of_the_tensors() -> None:
    parcel = Parcel.of(refs(("activation", 100), ("label", 10)), {"activation": 7, "adapter": 1})
    assert (parcel.nbytes, parcel.columns) == (17, {"activation_bytes": 7, "label_bytes": 10})
    assert parcel.after(5).columns == {"activation_bytes": 2, "label_bytes": 10}


@given(payloads=PAYLOADS, share=st.floats(0, 1))
def test_two_halves_have_every_byte_once(payloads: list[Any], share: float) -> None:
    whole = Parcel.of(refs(*payloads))
    cut = int(share * whole.nbytes)
    for column, nbytes in whole.columns.items():
        assert whole.before(cut).columns[column] + whole.after(cut).columns[column] == nbytes
    assert whole.before(cut).bytes_of(whole.refs) == cut


def test_what_is_no_payload_is_refused() -> None:
    with pytest.raises(ValueError, match="'it' is not a payload and cannot be sent"):
        Parcel.of(refs((None, 3)))
