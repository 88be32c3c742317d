"""What can be known to be impossible before anything is loaded.

Checked are references to parts of one's own, cuts and sequence lengths against the base model's configuration, the
corpus, the partition's options and the files of devices. Whether the corpus has texts and authors enough shows when the
run begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from channel_models.randomness import Stream
from channel_models.trace import TraceReplay
from cosim.bands import checked_allocator
from cosim.cells.build import access_of, interference_of
from cosim.devices import read_population, read_profile
from cosim.interference import Ether
from cosim.radio import Direction, availability, fading, large_scale, mobility, path_loss, rate, sites_m
from cosim.recordings import read_traces
from cosim.scenario.compute import FleetCompute
from cosim.scenario.convergence import Convergence
from cosim.scenario.errors import ScenarioError, shown
from cosim.scenario.models import Scenario
from cosim.scenario.radio import Radio
from training import model_files
from training.corpora import PYTHON_DOCS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cosim.scenario.entries import Entry
    from cosim.scenario.faults import Faults


def check_against_files(scenario: Scenario, found: Sequence[Entry]) -> None:
    """Compare the scenario with the base model's configuration, and with the files and the code it names.

    Raises:
        ScenarioError: a reference that leads nowhere, a cut outside the model, a sequence it has no positions for, a
            model configuration that cannot be read, a corpus that is not there, a partition or an optimiser that
            cannot be made, a file of devices that does not say how fast they are, ranks of users that the adapter or a
            scheme has not, an allocator that cannot be made, or what else a scheme cannot be run with.
    """
    problems = [
        *_radio_problems(scenario),
        *_model_problems(scenario, found),
        *_corpus_problems(scenario),
        *_partition_problems(scenario),
        *_optimiser_problems(scenario),
        *_device_problems(scenario),
        *_rank_problems(scenario, found),
        *_allocation_problems(scenario, found),
        *(f"{entry.label}: {problem}" for entry in found for problem in entry.options.problems(scenario)),
    ]
    if problems:
        raise ScenarioError("\n".join(problems))


def _radio_problems(scenario: Scenario) -> list[str]:
    problems = []
    for key, make in _RADIO_PARTS.items():
        try:
            make(scenario)
        except ValueError as error:
            problems.append(f"radio.{key} = {getattr(scenario.radio, key).said}: {error}")
    try:
        availability(scenario.users.availability, 0, "checked")
    except ValueError as error:
        problems.append(f"users.availability = {scenario.users.availability.said}: {error}")
    problems += _fault_problems(scenario.faults)
    problems += [*_access_problems(scenario), *_trace_problems(scenario.radio)]
    if not problems:
        try:
            large_scale(scenario.radio, scenario.seed, np.zeros(1, dtype=np.int64))
        except ValueError as error:
            problems.append(f"radio: {error}")
    return problems


def _fault_problems(faults: Faults) -> list[str]:
    parts = {key: getattr(faults, key) for key in ("dropouts", "edge_crashes", "cloud_pauses")}
    if faults.stragglers is not None:
        parts["stragglers.steady"] = faults.stragglers.steady
    problems = []
    for key, part in parts.items():
        try:
            availability(part, 0, "checked")
        except ValueError as error:
            problems.append(f"faults.{key} = {part.said}: {error}")
    return problems


def _access_problems(scenario: Scenario) -> list[str]:
    problems = []
    for key, direction in _ACCESS_KEYS.items():
        part = getattr(scenario.radio, key)
        if part is not None:
            try:
                for attached in _attached(scenario):
                    access_of(scenario, direction, attached)
            except ValueError as error:
                problems.append(f"radio.{key} = {part.said}: {error}")
    return list(dict.fromkeys(problems))


def _attached(scenario: Scenario) -> list[NDArray[np.int64]]:
    """The users of each cell, where that is known without a look at the channel; else one."""
    users, edges = np.arange(scenario.users.count), scenario.edges.count
    apart = scenario.radio.layout.name == "separate"
    return [users[edge::edges] for edge in range(edges)] if apart else [users[:1]]


def _trace_problems(radio: Radio) -> list[str]:
    problems = []
    for key in ("uplink_trace", "downlink_trace"):
        source = getattr(radio, key)
        if source is not None:
            try:
                TraceReplay(traces=read_traces(source), stream=Stream(0, "checked"))
            except ValueError as error:
                problems.append(f"radio.{key} = {shown(source.model_dump(mode='json', exclude_unset=True))}: {error}")
    return problems


def _silence() -> Ether:
    """A part that hears the others is tried with nobody there."""
    return Ether(direction="uplink", power_w=np.empty(0), gain=lambda _edge, links: np.zeros(len(links)), edges=1)


_ACCESS_KEYS: dict[str, Direction] = {"access": "uplink", "uplink_access": "uplink", "downlink_access": "downlink"}

_RADIO_PARTS: dict[str, Callable[[Scenario], object]] = {
    "pathloss": lambda scenario: path_loss(scenario.radio),
    "fading": lambda scenario: fading(scenario.radio, Stream(0, "checked")),
    "layout": lambda scenario: sites_m(scenario.radio, scenario.edges.count),
    "interference": lambda scenario: interference_of(scenario, 1.0, _silence(), 0),
    "mobility": lambda scenario: mobility(scenario.radio, scenario.seed, scenario.users.count),
    "rate": lambda scenario: rate(scenario.radio, "uplink"),
    "outages": lambda scenario: availability(scenario.radio.outages, 0, "checked"),
}


def _model_problems(scenario: Scenario, found: Sequence[Entry]) -> list[str]:
    try:
        config = model_files.local_config(scenario.model.base)
        blocks, positions = model_files.blocks(config or {}), model_files.positions(config or {})
    except ValueError as error:
        return [f"model.base = {scenario.model.base!r}: {error}"]
    if config is None:
        if not model_files.may_be_of_hub(scenario.model.base):
            return [f"model.base = {scenario.model.base!r}: no model in that folder"]
        return []
    problems = []
    if scenario.execution != "analytic" and model_files.lacks_weights(scenario.model.base):
        problems.append(
            f"model.base = {scenario.model.base!r}: no .safetensors weights beside its config.json, which only "
            f"execution: analytic can do without; execution is {scenario.execution}"
        )
    length = scenario.data.sequence_length
    if positions and length > positions:
        problems.append(f"data.sequence_length = {length}: {scenario.model.base} has {positions} positions")
    for entry in found:
        given = getattr(entry.options, "cut", ())
        cuts, said = ((1,), given) if isinstance(given, str) else (given, list(given))  # auto needs one
        if blocks and any(a >= b for a, b in zip((0, *cuts), (*cuts, blocks), strict=True)):
            problems.append(
                f"{entry.label}: scheme.cut = {said!r}: cut layers must rise between 1 and {blocks - 1}, "
                f"{scenario.model.base} having {blocks} blocks"
            )
    return problems


def _rank_problems(scenario: Scenario, found: Sequence[Entry]) -> list[str]:
    ranks, lora = scenario.users.ranks, scenario.model.lora
    widest = max([lora.r, *lora.rank_pattern.values()])
    problems = (
        [f"users.ranks = {list(ranks)}: the adapter's rank is {widest} (model.lora)"]
        if max(ranks, default=0) > widest
        else []
    )
    problems += [
        f"users.ranks = {list(ranks)}: {entry.label} hands one adapter from user to user, which all need its rank"
        for entry in found
        if ranks and not entry.scheme.ranks_may_differ
    ]
    for entry in found:
        tried = list(getattr(entry.options, "ranks", None) or ())
        if max(tried, default=0) > widest:
            problems.append(f"{entry.label}: scheme.ranks = {tried}: the adapter's rank is {widest} (model.lora)")
        if tried and ranks:
            problems.append(f"users.ranks = {list(ranks)}: {entry.label} chooses one rank for all (scheme.ranks)")
    return problems


def _allocation_problems(scenario: Scenario, found: Sequence[Entry]) -> list[str]:
    problems = []
    for entry in found:
        part = getattr(entry.options, "allocation", None)
        if part is not None:
            try:
                allocator = checked_allocator(scenario, part)
                for cell, attached in enumerate(_attached(scenario)):
                    allocator.require_room(attached, cell)
            except ValueError as error:
                problems.append(f"{entry.label}: scheme.allocation = {part.said}: {error}")
        if isinstance(convergence := getattr(entry.options, "convergence", None), Convergence):
            try:
                convergence.model()
            except ValueError as error:
                problems.append(f"{entry.label}: scheme.convergence: {error}")
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
        return [f"data.partition = {scenario.data.partition.said}: {error}"]
    return []


def _optimiser_problems(scenario: Scenario) -> list[str]:
    try:
        scenario.training.build()
    except ValueError as error:
        return [f"training.optimiser = {scenario.training.optimiser.said}: {error}"]
    return []


def _device_problems(scenario: Scenario) -> list[str]:
    problems = []
    for role in ("users", "edges", "cloud"):
        compute = getattr(scenario, role).compute
        if compute.profile is not None:
            try:
                read_profile(compute.profile)
            except ValueError as error:
                problems.append(f"{role}.compute.profile = {compute.profile!r}: {error}")
        if isinstance(compute, FleetCompute) and compute.capacities is not None:
            try:
                read_population(compute.capacities)
            except ValueError as error:
                said = compute.capacities.model_dump(exclude_defaults=True)
                problems.append(f"{role}.compute.capacities = {shown(said)}: {error}")
    return problems
