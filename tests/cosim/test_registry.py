import json
from pathlib import Path

import pytest

from cosim import registry

MEMBERS = [(family, name) for family, names in registry.FAMILIES.items() for name in names]


@pytest.mark.parametrize(("family", "name"), MEMBERS)
def test_every_name_leads_to_code_with_one_line_of_documentation(family: str, name: str) -> None:
    assert callable(registry.find(family, name))
    summary = registry.summary(family, name)
    assert summary.endswith((".", ":")) or len(summary.split()) > 2
    assert "\n" not in summary


@pytest.mark.parametrize("family", registry.FAMILIES)
def test_an_unknown_name_is_refused_in_one_line_that_lists_the_known_ones(family: str) -> None:
    with pytest.raises(ValueError, match=r"^not one of .*, nor a reference package\.module:Name$") as refusal:
        registry.find(family, "no_such_part")
    assert all(name in str(refusal.value) for name in registry.FAMILIES[family])


def test_a_part_of_ones_own_is_found_by_reference() -> None:
    from fractions import Fraction

    assert registry.check("access", "fractions:Fraction") == "fractions:Fraction"
    assert registry.find("access", "fractions:Fraction") is Fraction


@pytest.mark.parametrize(
    "reference", ["no_such_package.module:Name", "json:NoSuchName", ".relative:Name", ":Name", "json:"]
)
def test_a_reference_that_leads_nowhere_is_named_in_one_line(reference: str) -> None:
    with pytest.raises(ValueError, match="cannot be imported") as refusal:
        registry.find("access", reference)
    assert repr(reference) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("content", ["def broken(:\n", "1 / 0\n", "raise RuntimeError('first line\\nsecond line')\n"])
def test_a_module_that_fails_while_it_is_imported_is_named_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    (tmp_path / "broken_part.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"^'broken_part:Name' cannot be imported: [^\n]+$"):
        registry.find("access", "broken_part:Name")


def test_code_of_ones_own_is_said_aloud_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        assert registry.find("fading", "json:JSONDecoder") is json.JSONDecoder
    assert registry.find("fading", "none").__name__ == "NoFading"
    assert caplog.messages == ["code of your own: json:JSONDecoder is imported, as the scenario asks"]
