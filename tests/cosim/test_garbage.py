"""The collector of cycles: at rest, seldom, and afterwards as before."""

import gc

import pytest

from cosim import runner
from cosim.garbage import seldom_collected, uncollected
from cosim.scenario.entries import entries
from cosim.scenario.models import Scenario


def test_it_rests_and_looks_seldom_meanwhile() -> None:
    before = gc.get_threshold()
    with seldom_collected(), uncollected():
        assert not gc.isenabled()
        assert gc.get_threshold()[0] > before[0]
    assert gc.isenabled()
    assert gc.get_threshold() == before


def test_after_an_error_it_is_as_before() -> None:
    before = gc.get_threshold()
    with pytest.raises(ZeroDivisionError), seldom_collected(), uncollected():
        raise ZeroDivisionError
    assert gc.isenabled()
    assert gc.get_threshold() == before


def test_in_a_run_it_looks_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    before, seen = gc.get_threshold(), []

    def watched(*_: object) -> None:
        seen.append(gc.get_threshold()[0])
        raise ZeroDivisionError

    monkeypatch.setattr(runner, "laid_out", watched)
    scenario = Scenario.model_validate({"name": "tiny", "scheme": {"name": "federated"}})
    with pytest.raises(ZeroDivisionError):
        runner.run(scenario, entries(scenario)[0])
    assert seen[0] > before[0]
    assert gc.get_threshold() == before
