"""What the README shows, works."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cosim import registry
from cosim.commands import application
from cosim.preparation import prepare
from cosim.scenario import load_scenario

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_scheme_of_the_readme_runs(tmp_path: Path) -> None:
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code is not None
    (tmp_path / "my_schemes.py").write_text(code.group(1), encoding="utf-8")
    small = ["--set", "users.count=2", "--set", "scheme={name: 'my_schemes:Relay', rounds: 1}", "--execution=analytic"]
    scenario = str(ROOT / "scenarios" / "quickstart.yaml")
    done = subprocess.run(
        [sys.executable, "-m", "cosim", "run", scenario, *small, "--quiet", "--out", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "summary.json").is_file()


def test_the_classifier_of_the_readme_is_a_whole_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = re.search(r"## Classification.*?```yaml\n(.*?)```", README, re.DOTALL)
    assert code is not None
    (tmp_path / "s.yaml").write_text(code.group(1), encoding="utf-8")
    for name in ("train", "test"):
        (tmp_path / f"{name}.csv").write_text("text,category\nthe radio,waves\nthe server,wires\n")
    monkeypatch.chdir(tmp_path)
    scenario = load_scenario(Path("s.yaml"), ["users.count=2"])
    assert (scenario.model.classifies, scenario.data.sequences) == (True, "pad")
    assert prepare(scenario, None).lab.train.labels == ("waves", "wires")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_every_link_leads_somewhere(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_file_tree_names_files_that_exist() -> None:
    tree = re.search(r"## Where things are\n\n```\n(.*?)```", README, re.DOTALL)
    assert tree is not None
    folder = ROOT
    for line in tree.group(1).splitlines():
        names = re.match(r"( *)((?:[\w/.-]+(?:/|\.py) ?)+)", line)
        assert names is not None, line
        paths = names.group(2).split()
        if not names.group(1):
            folder = ROOT / paths[0]
        assert all((folder / path).exists() or (ROOT / path).exists() for path in paths), line


def test_the_command_table_has_every_command_and_scheme() -> None:
    for command in application.registered_commands:
        name = command.name or command.callback.__name__  # type: ignore[union-attr]
        assert f"`cosim {name}" in README
    for scheme in registry.FAMILIES["schemes"]:
        assert f"| `{scheme}` |" in README


def test_the_table_of_the_radio_has_every_part() -> None:
    table = re.search(r"## Radio\n(.*?)\n## ", README, re.DOTALL)
    assert table is not None
    rows = re.findall(r"^\| (`.*?`) \|", table.group(1), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    for family in ("pathloss", "fading", "rate", "access", "layout", "mobility", "availability"):
        assert set(registry.FAMILIES[family]) <= named, family
