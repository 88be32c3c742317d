"""The garbage collector rests while a library is loaded, and is afterwards as it was."""

import gc
import sys
from pathlib import Path

import pytest

from cosim import libraries


def test_the_collector_rests_while_a_library_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "many_things.py").write_text("import gc\nmeanwhile = gc.isenabled()\n")
    monkeypatch.syspath_prepend(tmp_path)
    libraries.load("many_things")
    assert not sys.modules["many_things"].meanwhile
    assert gc.isenabled()


def test_a_collector_that_rests_stays_at_rest_and_a_module_that_is_not_there_is_an_error() -> None:
    gc.disable()
    try:
        with pytest.raises(ModuleNotFoundError, match="no_such_module"):
            libraries.load("no_such_module")
        assert not gc.isenabled()
    finally:
        gc.enable()
