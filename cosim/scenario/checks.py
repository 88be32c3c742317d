"""What can be known to be impossible before anything is computed: cuts, sequence lengths, corpora, scarce authors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cosim.scenario.errors import ScenarioError
from cosim.scenario.models import Scenario
from training import model_files
from training.corpora import PYTHON_DOCS

if TYPE_CHECKING:
    from cosim.scenario.entries import Entry


def check_against_files(scenario: Scenario, found: Sequence[Entry]) -> None:
    """Compare the scenario with the base model's configuration and with the files it names.

    Raises:
        ScenarioError: a cut outside the model, a sequence it has no positions for, a corpus that is not there.
    """
    problems = [*_model_problems(scenario, found), *_corpus_problems(scenario), *_partition_problems(scenario)]
    if problems:
        raise ScenarioError("\n".join(problems))


def _model_problems(scenario: Scenario, found: Sequence[Entry]) -> list[str]:
    config = model_files.local_config(scenario.model.base)
    if config is None:
        if Path(scenario.model.base).is_absolute() or scenario.model.base.startswith((".", "~")):
            return [f"model.base = {scenario.model.base!r}: no model in that folder"]
        return []
    problems = []
    blocks, positions = model_files.blocks(config), model_files.positions(config)
    length = scenario.data.sequence_length
    if positions and length > positions:
        problems.append(f"data.sequence_length = {length}: {scenario.model.base} has {positions} positions")
    for entry in found:
        cuts = getattr(entry.options, "cut", ())
        if blocks and any(a >= b for a, b in zip((0, *cuts), (*cuts, blocks), strict=True)):
            problems.append(
                f"{entry.label}: scheme.cut = {list(cuts)}: cut layers must rise between 1 and {blocks - 1}, "
                f"{scenario.model.base} having {blocks} blocks"
            )
    return problems


def _corpus_problems(scenario: Scenario) -> list[str]:
    problems = []
    for key in ("corpus", "validation"):
        source = getattr(scenario.data, key)
        if source is None or source == PYTHON_DOCS or source.startswith("hub:"):
            continue
        if not Path(source).expanduser().exists():
            problems.append(f"data.{key} = {source!r}: not {PYTHON_DOCS}, nor a path that exists, nor hub:owner/name")
    return problems


def _partition_problems(scenario: Scenario) -> list[str]:
    try:
        scenario.data.partition.build()
    except ValueError as error:
        return [f"data.partition = {scenario.data.partition.model_dump()!r}: {error}"]
    return []
