"""The arrows of imports, and the one clock: read off the source, so that no habit can wear them away."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OWN = {"channel_models", "training", "cosim", "analysis"}
FILES = {package: sorted((ROOT / package).rglob("*.py")) for package in sorted(OWN)}
HOST_CLOCKS = {"time", "datetime"}
SHOWS_WALL_TIME = {"cosim/runner.py", "cosim/tracking/keeping.py"}  # a result, and when to write; no event hangs on it


def imports(file: Path) -> Iterator[str]:
    """Top-level names of all packages that a file imports, inside functions and for types too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield str(node.module).split(".")[0]


def name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def importers(package: str, *imported: str) -> set[str]:
    """The files of ``package`` that import one of these."""
    return {name(file) for file in FILES[package] if set(imports(file)) & set(imported)}


@pytest.mark.parametrize("package", sorted(OWN))
def test_there_are_files_to_judge(package: str) -> None:
    assert len(FILES[package]) > 5


def test_channel_models_need_numpy_and_nothing_else() -> None:
    foreign = {top for file in FILES["channel_models"] for top in imports(file)} - set(sys.stdlib_module_names)
    assert foreign == {"numpy", "channel_models"}


@pytest.mark.parametrize("package", ["channel_models", "training", "analysis"])
def test_these_packages_import_no_other_of_the_project(package: str) -> None:
    assert importers(package, *(OWN - {package})) == set()


def test_only_the_commands_import_the_analysis() -> None:
    assert all(file.endswith(("commands.py", "_command.py")) for file in importers("cosim", "analysis"))


def test_no_package_imports_the_tests() -> None:
    assert [importers(package, "tests") for package in OWN] == [set()] * 4


@pytest.mark.parametrize("package", ["cosim", "channel_models"])
def test_host_time_stays_out_of_the_simulation(package: str) -> None:
    assert importers(package, *HOST_CLOCKS) <= SHOWS_WALL_TIME


def test_only_the_clock_turns_delays_into_events() -> None:
    makers = {
        name(file)
        for file in FILES["cosim"]
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("Environment", "timeout")
    }
    assert makers == {"cosim/clock.py"}


@pytest.mark.parametrize("package", ["cosim", "channel_models"])
def test_no_random_number_comes_from_a_hidden_state(package: str) -> None:
    """Counter-based streams are the only source: no ``random``, no ``np.random.seed`` or ``default_rng``."""
    assert importers(package, "random") == set()
    hidden = {
        f"{name(file)}: {node.attr}"
        for file in FILES[package]
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("default_rng", "RandomState", "manual_seed")
    }
    assert hidden == set()
