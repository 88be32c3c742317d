"""What nodes need, found before a run, against what they come to hold in it; and what follows where it is too much."""

from collections.abc import Callable
from typing import Any

import pytest

from cosim import runner
from cosim.memory_needs import MemoryNeeds
from cosim.nodes import Node, User
from cosim.runner import Run
from cosim.scenario import Scenario, ScenarioError
from cosim.scenario.entries import entries
from cosim.schemes.base import Scheme
from cosim.schemes.places import Course, Load, Place
from cosim.schemes.telling import Acts
from training.adapters import Part

Runner = Callable[..., Run]

SLACK = 1.05
"""Adapters that come while nobody computes, and parts of a step that do not meet: small against the activations.
So are buffers for compressed messages."""

BLOCKS, USERS = 4, 5
SPEEDS = {"users": "1 GFLOP/s", "edges": "0.2 GFLOP/s", "cloud": "0.2 GFLOP/s"}  # so that users meet at servers


def world(jobs: int = 2, **memory: Any) -> dict[str, Any]:
    """Users who crowd at two edge servers and a cloud that compute so many jobs at a time; ``memory`` is by role."""
    counts, sections = {"users": {"count": USERS}, "edges": {"count": 2}, "cloud": {}}, {}
    for role, speed in SPEEDS.items():
        limit = {"memory": memory[role]} if role in memory else {}
        sections[role] = {**counts[role], "compute": {"speed": speed, "jobs": jobs}, **limit}
    return {"execution": "analytic", "host": {"device": "cpu", "cache": True}, **sections}  # of tokens and prices


def peak_bytes(node: Node) -> int:
    return node.memory.peaks()["total"]


def needs_of(scheme: Scheme) -> dict[Node, int]:
    return scheme.needs.of(scheme.load())


def test_no_node_ever_holds_more_than_it_was_found_to_need_and_those_who_compute_hold_almost_that(
    scheme: dict[str, Any], run_small: Runner
) -> None:
    sections = world()
    if scheme["name"] not in {"split_learning", "fedsllm"}:
        sections["users"]["ranks"] = [4, 2]
    run = run_small({**scheme, "rounds": 3}, **sections)
    needs = needs_of(run.scheme)
    for node in run.world.nodes:
        assert peak_bytes(node) <= needs.get(node, 0), node.name
        if node.memory.peaks()["activations"]:
            assert needs[node] < SLACK * peak_bytes(node), node.name


@pytest.mark.parametrize("jobs", [1, 5])
def test_as_many_instances_as_a_server_computes_at_a_time_count_whole(jobs: int, run_small: Runner) -> None:
    run = run_small({"name": "splitfed", "cut": 1, "main_server": "cloud"}, **world(jobs))
    peaks, need = run.world.cloud.memory.peaks(), needs_of(run.scheme)[run.world.cloud]
    (turn,) = run.scheme.learning.phase_costs(Part(first=1, last=BLOCKS), (2, 16))
    assert peaks["activations"] + peaks["transient"] == jobs * (turn.saved_bytes + turn.transient_bytes)
    assert peaks["total"] <= need < SLACK * peaks["total"]


def test_rows_of_unequal_lengths_need_what_the_longest_do(run_small: Runner, classifying: dict[str, Any]) -> None:
    run = run_small({"name": "splitfed", "cut": 1}, execution="analytic", **classifying)
    needs = needs_of(run.scheme)
    assert all(peak_bytes(node) <= needs.get(node, 0) for node in run.world.nodes)


def test_what_deadlines_leave_at_a_server_that_does_not_keep_up_counts(run_small: Runner) -> None:
    sections, options = world(1), {"cut": [1, 3], "rounds": 6, "local_steps": 4}
    sections["cloud"]["compute"]["speed"] = "2 MFLOP/s"
    relaxed, late = (
        run_small({"name": "splitfed", **options, "deadline": deadline}, **sections) for deadline in (None, "500 ms")
    )
    needs = needs_of(late.scheme)
    assert all(peak_bytes(node) <= needs[node] for node in late.world.nodes)
    assert peak_bytes(late.world.cloud) > needs_of(relaxed.scheme)[relaxed.world.cloud]


class Relay(Scheme):
    """The README's example of a scheme, which keeps its adapter at the cloud, with what it asks of memory."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        whole = self.learning.whole
        self.home = self.stage(self.world.cloud, whole, "home", samples=0)
        self.away = [self.stage(user, whole, "away", user.samples) for user in self.world.users]

    def model(self) -> list[Any]:
        return [self.home.adapter]

    def load(self) -> Load:
        courses = [Course.through(user, [stage]) for user, stage in zip(self.world.users, self.away, strict=True)]
        cloud = self.world.cloud
        return Load(alternatives=[courses], idle=[Place.of(self.home)], hub=cloud, exchanged=[self.learning.whole])

    def story(self) -> Acts:
        for _ in self.rounds():
            yield from self.in_turn(self.visit, self.world.users)

    def visit(self, user: User) -> Acts:
        stage = self.away[user.index]
        yield from self.hand_over(self.home.adapter, self.world.cloud, stage)
        for batch in self.batches(user):
            yield from self.train_step([stage], batch)
        yield from self.hand_over(stage.adapter, user, self.home)


def test_a_scheme_of_ones_own_says_what_it_keeps_and_does_at_the_same_time(run_small: Runner) -> None:
    run = run_small({"name": f"{__name__}:Relay"}, **world())
    needs = needs_of(run.scheme)
    assert all(peak_bytes(node) <= needs[node] for node in (*run.world.users, run.world.cloud))
    assert needs[run.world.users[0]] < SLACK * peak_bytes(run.world.users[0])
    with pytest.raises(ScenarioError, match=r"cloud needs .* of memory and has 1 kB"):
        run_small({"name": f"{__name__}:Relay"}, **world(cloud="1 kB"))


def test_sizes_of_a_paper_count_in_the_buffers_of_who_sends(run_small: Runner) -> None:
    huge = {"activation": "80 Mbit", "gradient": "80 Mbit", "adapter": "8 Mbit", "label": "8 Mbit"}
    run = run_small({"name": "splitfed", "cut": 1, "main_server": "cloud"}, **world(), payloads=huge)
    needs = needs_of(run.scheme)
    assert all(peak_bytes(node) <= needs.get(node, 0) for node in run.world.nodes)
    assert needs[run.world.users[0]] > 10e6


def test_what_does_not_fit_is_refused_before_it_runs_and_what_just_fits_is_not(
    run_small: Runner, small_scenario: Callable[..., Scenario]
) -> None:
    scheme = {"name": "splitfed", "cut": 1}
    free = run_small(scheme, **world())
    needs = {node.name: need for node, need in needs_of(free.scheme).items()}
    just = {"users": f"{needs['user0']} B", "edges": [f"{needs['edge0']} B", f"{needs['edge1']} B"]}
    run = run_small(scheme, **world(**just))
    assert run.world.recorder.activities == free.world.recorder.activities
    told: list[str] = []

    class Listener(runner.Callback):
        def start(self, run: Run) -> None:
            told.append("it began")

    less = small_scenario(scheme, **world(users=["1 GB", f"{needs['user1'] - 1} B"], edges=f"{needs['edge0'] // 2} B"))
    with pytest.raises(ScenarioError) as refused:
        runner.run(less, entries(less)[0], [Listener()])
    assert str(refused.value) == (
        f"small: splitfed: edge0 needs {needs['edge0'] / 1e6:.4g} MB of memory and has "
        f"{needs['edge0'] // 2 / 1e6:.4g} MB (edges.memory); 3 more have too little"
    )
    assert not told


def test_a_scheme_that_does_not_say_what_goes_on_at_once_runs_only_where_nothing_is_limited(
    run_small: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("cosim.schemes.centralised.Centralised.load")
    run_small({"name": "centralised"}, **world())
    with pytest.raises(ScenarioError, match=r"^small: centralised: memory is limited.* it needs Centralised\.load$"):
        run_small({"name": "centralised"}, **world(cloud="1 GB"))


@pytest.fixture(scope="module")
def by_cut(run_small: Runner) -> dict[int, int]:
    """What the ledger says that user 0 holds at most, with so many blocks."""
    cuts = range(1, BLOCKS)
    runs = {cut: run_small({"name": "splitfed", "cut": cut, "rounds": 1}, **world()) for cut in cuts}
    return {cut: peak_bytes(run.world.users[0]) for cut, run in runs.items()}


@pytest.mark.parametrize("fitting", range(BLOCKS))
def test_the_most_blocks_of_a_user_are_those_that_a_run_would_leave_room_for(
    fitting: int, by_cut: dict[int, int], run_small: Runner
) -> None:
    """The limit lies midway between what two cuts hold: nearer to neither than what needs are above the ledger."""
    holds = [0, *by_cut.values(), 2 * by_cut[BLOCKS - 1]]
    limit = f"{(holds[fitting] + holds[fitting + 1]) // 2} B"
    run = run_small({"name": "centralised", "rounds": 1}, **world(users=["1 TB", limit, "1 B"]))
    unlimited, limited, none, *_ = run.world.users
    needs = run.scheme.needs
    assert [needs.most_blocks(user) for user in (unlimited, limited, none)] == [BLOCKS - 1, fitting, 0]
    for cut in by_cut:
        assert needs.fits(Place(limited, Part(first=0, last=cut), None, "tried"), limited) == (cut <= fitting)


def test_narrow_adapters_and_small_batches_leave_room_for_more(run_small: Runner) -> None:
    run = run_small({"name": "centralised", "rounds": 1}, **world())
    place = Place(run.world.users[0], Part(first=0, last=2), None, "tried")
    narrow = Place(place.node, place.part, (1,) * BLOCKS, "tried")
    needs: MemoryNeeds = run.scheme.needs
    assert needs.alone(narrow, run.world.users[0]) < needs.alone(place, run.world.users[0])


DEEP_IS_FAST = {"users": "1 TFLOP/s", "edges": "200 kFLOP/s", "cloud": "1 TFLOP/s"}


def choosing(run_small: Runner, **memory: Any) -> Run:
    sections = world(jobs=USERS, **memory)
    for role, speed in DEEP_IS_FAST.items():
        sections[role] = {**sections[role], "compute": {"speed": speed, "jobs": USERS}}
    options = {"name": "fedsllm", "cut": "auto", "rounds": 1, "local_steps": 2, "federated_server": "cloud"}
    return run_small(options, **sections, radio={"bandwidth": "10 MHz", "fading": "none", "downlink": "neglected"})


@pytest.mark.parametrize("most", [1, 2, 3])
def test_the_chosen_cut_is_the_fastest_that_fits(most: int, by_cut: dict[int, int], run_small: Runner) -> None:
    """Slow servers ask for a deep cut, and one user for a shallow one."""
    holds = [*by_cut.values(), 2 * by_cut[BLOCKS - 1]]
    limit = f"{(holds[most - 1] + holds[most]) // 2} B"
    assert choosing(run_small, users=["1 TB", limit]).scheme.plan["cut"] == most
    assert choosing(run_small).scheme.plan["cut"] == BLOCKS - 1


def test_where_no_cut_fits_the_choice_is_refused(run_small: Runner) -> None:
    with pytest.raises(ScenarioError, match=r"^small: no cut of 3 fits; with the fastest, user0 needs .*; 4 more have"):
        choosing(run_small, users="1 kB")
