"""Quantisation: by hand, within half a step, and two codes to a byte."""

import numpy as np
import pytest
import torch

from training.compression.base import Shared
from training.compression.form import Form
from training.compression.quantised import Int4, Int8, Quantised

ROUNDING = 1e-6  # relative, of single precision


def test_by_hand() -> None:
    x = torch.tensor([[1.27, -0.64, 0.003, 0.0, 14.0, 7.9]])
    packed = Int8(block=4).compress(x, Form.flat(6))
    assert packed["scales"].tolist() == [[pytest.approx(0.01), pytest.approx(14.0 / 127)]]
    assert packed["codes"].tolist() == [[127, -64, 0, 0, 127, 72]]
    assert Int4(block=4).compress(x, Form.flat(6))["codes"].tolist() == [[7, -4, 0, 0, 7, 4]]


def test_codes_of_four_bits_lie_two_to_a_byte() -> None:
    codes = np.array([-7, 7, 1, 0, -1], dtype=np.int8)
    assert Int4().written(codes).tobytes() == bytes([0x79, 0x01, 0x0F])  # two's complement: -7 is 9, -1 is f
    assert Int4().read(np.frombuffer(bytes([0x79, 0x01, 0x0F]), np.uint8), 5).tolist() == codes.tolist()


@pytest.mark.parametrize(("compressor", "nbytes"), [(Int8(), 1000 + 16 * 4), (Int4(), 500 + 16 * 4)], ids=repr)
def test_bytes_by_hand(compressor: Quantised, nbytes: int) -> None:
    assert compressor.nbytes(Form.flat(1000)) == nbytes  # 15 blocks of 64, and one of 40


@pytest.mark.parametrize("kind", [Int8, Int4])
@pytest.mark.parametrize(("rounding", "steps"), [("nearest", 0.5), ("stochastic", 1.0)])
def test_no_number_is_farther_off_than_a_step_allows(kind: type[Quantised], rounding: str, steps: float) -> None:
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 640)).astype(np.float32))
    compressor = kind(rounding=rounding)  # type: ignore[arg-type]
    off = (compressor.passed(x, Form.flat(640), Shared(draws=(1, 2))) - x).abs().view(2, 10, 64)
    step = x.abs().view(2, 10, 64).amax(dim=2, keepdim=True) / compressor.levels
    assert (off <= steps * step * (1 + ROUNDING)).all()


def test_what_is_no_number_spoils_its_block_alone() -> None:
    x = torch.ones(1, 8)
    x[0, 1] = float("nan")
    back = Int8(block=4).passed(x, Form.flat(8))
    assert back[0, :4].isnan().all()
    assert torch.equal(back[0, 4:], torch.ones(4))


def test_impossible_options_are_refused() -> None:
    with pytest.raises(ValueError, match="int8: block = 0: expected a number of numbers"):
        Int8(block=0)
    with pytest.raises(ValueError, match="int4: rounding = 'up': expected one of nearest, stochastic"):
        Int4(rounding="up")  # type: ignore[arg-type]
