"""The machine: where training runs, and how wide."""

import os

import pytest
import torch

from training.machine import Machine


def test_auto_takes_the_accelerator_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.machine._may_have_accelerator", lambda: True)
    for there, device in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert Machine().resolved_device() == device


@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_a_device_that_is_not_there_is_refused_in_one_line(device: str) -> None:
    with pytest.raises(ValueError, match=rf"^host\.device = '{device}': not available here \(.*\)$"):
        Machine(device=device).resolved_device()


def test_a_cpu_has_a_lane_for_each_core_unless_told_otherwise_and_an_accelerator_one() -> None:
    assert Machine().lanes("cpu") == os.cpu_count()
    assert Machine(threads=3).lanes("cpu") == 3
    assert Machine(threads=3).lanes("cuda") == 1


@pytest.mark.parametrize(
    ("tokens", "each", "width"), [(1, 24, 1), (24, 24, 1), (47, 24, 1), (48, 24, 2), (1024, 64, 16)]
)
def test_as_many_clients_share_a_pass_as_have_the_tokens_together(tokens: int, each: int, width: int) -> None:
    assert Machine(tokens=tokens).width("cpu", each, lambda: 10**12) == width


def test_a_cpu_takes_eight_to_sixteen_clients_of_usual_batches() -> None:
    assert [Machine().width("cpu", batch * 64, lambda: 10**12) for batch in (1, 2)] == [16, 8]
    assert Machine().width("cpu", 10**9, lambda: 1) == 1


def test_an_accelerator_takes_as_many_as_its_free_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10**9, 4 * 10**9))
    widths = [Machine().width("cuda", 64, lambda each=bytes_each: each) for bytes_each in (10**6, 10**8, 10**10)]
    assert widths[0] > 100 * widths[2]
    assert 1 <= widths[1] <= 10, "no more than is free"
    assert widths[2] == 1
