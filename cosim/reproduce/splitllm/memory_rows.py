"""What was derived of SplitLLM's memory from formulas, and the paper's number, beside what ledgers have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cosim.reproduce.gpt2 import Gpt2Small
from cosim.reproduce.row import Row, our_rows
from cosim.reproduce.splitllm.memory import (
    FEDERATED,
    IN_TURN,
    PAPERS_EDGES,
    PAPERS_USERS,
    SPLITLLM,
    USERS,
    Reduction,
    at_papers,
    one_by_one,
    peaks_bytes,
    side_by_side,
)

STATED_PERCENT = 74.0
TOLERANCE_PERCENT = 2.0
DERIVED_PERCENT: Mapping[int, Sequence[tuple[int, int]]] = {
    8: ((89, 88), (79, 77), (68, 66), (57, 55), (46, 44)),
    10: ((91, 90), (83, 81), (74, 73), (66, 64), (57, 55)),
    16: ((95, 94), (89, 88), (84, 83), (79, 77), (73, 72)),
    20: ((96, 95), (91, 91), (87, 86), (83, 82), (79, 77)),
}
"""By N, then by M from 1: with weights for each instance, and with common ones."""

DERIVED_MB = {"user": 423.0, "edge": 461.0, "cloud": 2402.0, "server": 2793.0, "federated": 2992.0}
DERIVED_TOLERANCE = 0.05
_WHY_DERIVED = (
    "for parts without the head the formula has 36 BSH bytes for a moment, where 28 to 32 are measured, and buffers "
    "of both ways at once"
)
_MB = 1e6


def rows(world: Gpt2Small, found: Sequence[Reduction], held: Mapping[str, Mapping[str, int]]) -> list[Row]:
    """All; ``found`` are the reductions at the N and M of the derived table, ``held`` the peaks by label and role."""
    return [
        *_peak_rows(world),
        *_scheme_rows(held),
        *_growth_rows(world),
        *_reduction_rows(found),
        *_other_rows(world),
    ]


def _peak_rows(world: Gpt2Small) -> list[Row]:
    """Of one instance at each place."""
    group = "peak memory, GPT-2 small, B=4, S=512, r=8 on c_attn, split 2 | 4 | 6 blocks"
    alone = side_by_side(PAPERS_USERS, 1)
    pair = peaks_bytes(world.run(SPLITLLM, alone))
    ours = {
        "user": ("user of SplitLLM and split-fed learning", pair["user"]),
        "edge": ("edge server of SplitLLM", pair["edge"]),
        "cloud": ("cloud of SplitLLM, one instance", pair["cloud"]),
        "server": ("server of split-fed learning, one instance", peaks_bytes(world.run(IN_TURN, alone))["cloud"]),
        "federated": ("user of federated learning", peaks_bytes(world.run(FEDERATED, alone))["user"]),
    }
    return [
        Row(group=group, name=name, ours=peak / _MB, expected=DERIVED_MB[key], unit="MB", known="derived",
            tolerance=DERIVED_TOLERANCE * DERIVED_MB[key], why=_WHY_DERIVED)
        for key, (name, peak) in ours.items()
    ]  # fmt: skip


def _scheme_rows(held: Mapping[str, Mapping[str, int]]) -> list[Row]:
    """Of each scheme where most is held, all instances at work at once and with common weights."""
    return [
        Row(group=f"peak memory of every scheme, N={PAPERS_USERS}, M={PAPERS_EDGES}, common weights",
            name=f"{label}, {role}", ours=peak / _MB, unit="MB", known="ours")
        for label, peaks in held.items()
        for role, peak in peaks.items()
    ]  # fmt: skip


def _growth_rows(world: Gpt2Small) -> list[Row]:
    """What more users change at a user and an edge server."""
    few, many = (peaks_bytes(world.run(SPLITLLM, side_by_side(count, PAPERS_EDGES))) for count in (USERS[0], USERS[-1]))
    return [
        Row(group=f"peak memory with {USERS[-1]} users less that with {USERS[0]}, M={PAPERS_EDGES}", name=role,
            ours=(many[role] - few[role]) / _MB, expected=0.0, unit="MB", known="derived", tolerance=0.0,
            why="one user an edge server, however many there are")
        for role in ("user", "edge")
    ]  # fmt: skip


def _reduction_rows(found: Sequence[Reduction]) -> list[Row]:
    """The paper's number, and the table that was derived for it."""
    (papers,) = [each for each in found if (each.users, each.edges) == (PAPERS_USERS, PAPERS_EDGES)]
    stated = Row(
        group="reduction of the server's peak memory against split-fed learning",
        name=f"up to, read as N={PAPERS_USERS}, M={PAPERS_EDGES}, weights for each instance",
        ours=papers.replicated,
        paper=STATED_PERCENT,
        unit="%",
        known="stated",
        tolerance=TOLERANCE_PERCENT,
        why="the paper's N, M, split and model are not known, nor of which entity the number is",
    )
    return [stated, *(row for each in found for row in _derived(each))]


def _derived(found: Reduction) -> list[Row]:
    expected = DERIVED_PERCENT[found.users][found.edges - 1]
    ours = {"each": found.replicated, "common": found.shared}
    return [
        Row(group=f"the same, by N and M, weights for each instance or common ones: N={found.users}",
            name=f"M={found.edges}, {weights}", ours=percent, expected=float(right), unit="%", known="derived",
            tolerance=TOLERANCE_PERCENT, why="the table is rounded, and of rounded peaks")
        for (weights, percent), right in zip(ours.items(), expected, strict=True)
    ]  # fmt: skip


def _other_rows(world: Gpt2Small) -> list[Row]:
    """What the number hangs on besides M / N."""
    parallel = side_by_side(PAPERS_USERS, PAPERS_EDGES)
    ways = {
        "a loss by chunks of logits, which all instances may use": at_papers(
            world, [*parallel, "model.logits=chunked"]
        ).replicated,
        "mini-batches one after another at a server that is one instance": at_papers(
            world, one_by_one(PAPERS_USERS, PAPERS_EDGES)
        ).shared,
    }
    group = f"the same at N={PAPERS_USERS}, M={PAPERS_EDGES}, other servers"
    return our_rows(ways, group, "%")
