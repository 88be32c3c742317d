"""Every key with whatever it does not allow: refused in a line that says which key and value, and what is right."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cosim import registry
from cosim.scenario import ScenarioError
from cosim.scenario.loading import changed, checked
from cosim.scenario.parts import option_of
from tests.cosim.scenario.wrong_scenarios import Tree, Wrong, smallest, wrong_scenarios

Ended = tuple[int, str, str]

EVERY = list(wrong_scenarios())
LONGEST = 600
"""Characters of a line: a key, 240 of the value, and what would be right; a terminal shows that at a glance."""
PLACES = {
    "pathloss": "radio.pathloss",
    "fading": "radio.fading",
    "rate": "radio.rate",
    "layout": "radio.layout",
    "mobility": "radio.mobility",
    "access": "radio.access",
    "interference": "radio.interference",
    "availability": "users.availability",
    "partition": "data.partition",
    "optimiser": "training.optimiser",
    "compression": "scheme.compression.upload",
    "allocation": "scheme.allocation",
    "pairing": "scheme.pairing",
    "cuts": "scheme.policy",
}
"""Where a member of each family may stand."""
SCHEME_FOR = {"pairing": "splitllm", "cuts": "splitft"}
OF_NO_TYPE: tuple[Any, ...] = ({}, {"a": 1}, True, float("nan"), float("inf"), -(10**400), 10**400, "\x00", ["a", [1]])
"""What no option can be, whatever its type; true is of switches."""


def refusal(tree: Tree) -> list[str]:
    """The lines that say what is wrong."""
    with pytest.raises(ScenarioError) as refused:
        checked(tree, "s.yaml")
    return str(refused.value).split("\n")


def assert_clear(lines: list[str], key: str) -> None:
    for line in lines:
        assert line.startswith("s.yaml: "), line
        assert len(line) < LONGEST, line
    assert any(key in line for line in lines), (key, lines)


def test_there_are_thousands_of_them_at_every_key() -> None:
    keys = {wrong.key for wrong in EVERY}
    assert len(EVERY) > 3000
    assert {"users.count", "radio.uplink_trace.unit", "model.lora.dropout", "scheme.convergence.xi"} <= keys


@pytest.mark.parametrize("scheme", [None, *registry.FAMILIES["schemes"]])
def test_each_is_refused_by_key(scheme: str | None) -> None:
    of_scheme = [
        wrong for wrong in EVERY if (wrong.tree["scheme"]["name"] if "scheme" in wrong.key else None) == scheme
    ]
    assert len(of_scheme) > 50
    for wrong in of_scheme:
        lines = refusal(wrong.tree)
        assert_clear(lines, wrong.key.removesuffix(".a").removesuffix(".v"))  # these two are wrong together
        assert not wrong.misspelt or "did you mean" in "".join(lines), lines


@pytest.mark.parametrize("family", PLACES)
def test_options_of_parts_are_of_the_types_that_their_code_declares(family: str) -> None:
    scheme = smallest(SCHEME_FOR.get(family, "federated"))
    for name in registry.FAMILIES[family]:
        for key, parameter in inspect.signature(registry.find(family, name)).parameters.items():
            for value in OF_NO_TYPE:
                if value is not True or not isinstance(parameter.default, bool):
                    tree = changed(scheme, PLACES[family], {"name": name, option_of(key): value})
                    assert_clear(refusal(tree), PLACES[family])


SAMPLE = EVERY[:: len(EVERY) // 40]


@pytest.mark.parametrize("wrong", SAMPLE, ids=str)
def test_from_the_command_line_it_is_status_2_and_nothing_is_left(
    wrong: Wrong, cosim: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "s.yaml"
    file.write_text(yaml.safe_dump(wrong.tree))
    for command in ("validate", "run", "compare", "sweep"):
        status, out, err = cosim(command, file)
        assert (status, out) == (2, "")
        assert err.startswith(f"{file}: ")
        assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == [file]
