"""Half precision: IEEE's own rounding, and no infinity."""

import numpy as np
import pytest
import torch

from training.compression.form import Form
from training.compression.half import Half


def test_it_is_the_rounding_of_numpy() -> None:
    x = np.random.default_rng(0).normal(size=(2, 50)).astype(np.float32)
    back = Half().passed(torch.from_numpy(x), Form.flat(50))
    assert np.array_equal(back.numpy(), x.astype(np.float16).astype(np.float32))


def test_the_other_format_keeps_the_upper_half_of_the_bits() -> None:
    x = torch.tensor([[1.0, -2.5, 3.0e38]])
    (buffer,) = Half(format="bfloat16").encode(Half(format="bfloat16").compress(x, Form.flat(3)))
    raw = x.numpy().view(np.uint32)[0]
    rounded = (raw + 0x7FFF + (raw >> 16 & 1)) >> 16  # to the nearest, and of two to the even one
    assert np.array_equal(np.frombuffer(buffer, "<u2"), rounded.astype(np.uint16))


def test_what_is_too_large_becomes_the_largest_and_what_is_no_number_stays_none() -> None:
    back = Half().passed(torch.tensor([[1e6, -1e6, float("nan")]]), Form.flat(3))
    assert back[0, :2].tolist() == [65504.0, -65504.0]
    assert back[0, 2].isnan()


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="half: format = 'float8': expected one of float16, bfloat16"):
        Half(format="float8")  # type: ignore[arg-type]
