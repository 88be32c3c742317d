"""Peak memory of SplitLLM and its baselines, as the ledgers of analytic runs have it.

The formulas of what is expected take an instance of the model's last part a stream, all at work at once: so is the
cloud set up here, with a place for each and jobs that take so long that all streams meet there. What is known of the
paper is one number, and not of which entity: a reduction of up to 74 %. It is read as that of the server, whose N
instances of split-fed learning become M.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cosim.reproduce.gpt2 import Gpt2Small

if TYPE_CHECKING:
    from cosim.runner import Run

SPLITLLM, SPLITFED, IN_TURN, FEDERATED = "splitllm", "splitfed", "split_learning", "federated"
USERS, EDGES = (8, 10, 16, 20), (1, 2, 3, 4, 5)
PAPERS_USERS, PAPERS_EDGES = 10, 3
"""Our reading, at which the paper's number is reached."""
_MEETING_SPEED = "10 GFLOP/s"
"""Of the cloud: an instance takes more than a minute for a mini-batch, by when all others have come."""
_BRIEFLY = ("scheme.rounds=1", "scheme.local_steps=2")
"""Later rounds hold no more."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """What a server held at its peak with instances of a part whose frozen weights of ``weights_bytes`` they share."""

    peak_bytes: int
    weights_bytes: int
    instances: int

    @property
    def replicated_bytes(self) -> int:
        """The peak if every instance had frozen weights of its own, as processes have."""
        return self.peak_bytes + (self.instances - 1) * self.weights_bytes


@dataclass(frozen=True, kw_only=True)
class Reduction:
    """By how many percent SplitLLM's cloud holds less than the server of split-fed learning, at their peaks."""

    users: int
    edges: int
    replicated: float
    shared: float


def side_by_side(users: int, edges: int) -> list[str]:
    """Overrides with which all instances are at work at once."""
    cloud = [f"cloud.compute.jobs={users}", f"cloud.compute.speed={_MEETING_SPEED}"]
    return [*one_by_one(users, edges), *cloud]


def one_by_one(users: int, edges: int) -> list[str]:
    """Overrides with which the server takes one mini-batch after another."""
    return [f"users.count={users}", f"edges.count={edges}", *_BRIEFLY]


def peaks_bytes(run: Run) -> dict[str, int]:
    """The peak of the node that held most, by role."""
    ledger = run.world.ledger
    totals = dict(zip(ledger.nodes, ledger.peaks()["total"].tolist(), strict=True))
    found = dict.fromkeys(("user", "edge", "cloud"), 0)
    for node in run.world.nodes:
        found[node.role] = max(found[node.role], totals[node.name])
    return found


def server(run: Run, instances: int) -> Server:
    """The cloud of a run."""
    peaks, cloud = run.world.ledger.peaks(), run.world.ledger.nodes.index(run.world.cloud.name)
    return Server(
        peak_bytes=int(peaks["total"][cloud]), weights_bytes=int(peaks["weights"][cloud]), instances=instances
    )


def reduction(smaller: Server, larger: Server, users: int, edges: int) -> Reduction:
    """Of two servers, with weights for each instance and with common ones."""
    return Reduction(
        users=users,
        edges=edges,
        replicated=100.0 * (1.0 - smaller.replicated_bytes / larger.replicated_bytes),
        shared=100.0 * (1.0 - smaller.peak_bytes / larger.peak_bytes),
    )


def reductions(world: Gpt2Small, users: Sequence[int], edges: Sequence[int]) -> list[Reduction]:
    """For every pair of N ``users`` and M ``edges``; split-fed learning's server hangs on N alone."""
    found = []
    for count in users:
        larger = server(world.run(SPLITFED, side_by_side(count, max(edges))), count)
        for pairs in edges:
            smaller = server(world.run(SPLITLLM, side_by_side(count, pairs)), pairs)
            found.append(reduction(smaller, larger, count, pairs))
    return found


def at_papers(world: Gpt2Small, overrides: Sequence[str]) -> Reduction:
    """At the N and M that we read from the paper, under ``overrides``."""
    smaller = server(world.run(SPLITLLM, overrides), PAPERS_EDGES)
    larger = server(world.run(SPLITFED, overrides), PAPERS_USERS)
    return reduction(smaller, larger, PAPERS_USERS, PAPERS_EDGES)


def kept_runs(world: Gpt2Small, folder: Path) -> dict[str, dict[str, int]]:
    """A run of every scheme at that N and M, kept in ``folder`` by its label: the peaks by role."""
    from cosim.tracking.keeping import Keeping  # noqa: PLC0415

    found = {}
    for label in world.labels:
        (folder / label).mkdir(parents=True, exist_ok=True)
        run = world.run(label, side_by_side(PAPERS_USERS, PAPERS_EDGES), [Keeping(folder / label)])
        found[label] = peaks_bytes(run)
    return found
