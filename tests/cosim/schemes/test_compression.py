"""Compression in schemes: what is learned and how long it takes change together, and where it makes no sense it is
refused. That compressed schemes keep the contract of schemes is among the slow tests, see ``conftest.SCHEMES``."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from channel_models.randomness import Stream
from cosim import runner
from cosim.runner import Run
from cosim.scenario import Scenario, ScenarioError, load_scenario
from cosim.scenario.checks import check_against_files
from cosim.scenario.entries import entries
from cosim.schemes.demand import batches_of, mean_demand
from cosim.schemes.places import Place
from cosim.tracking.callback import Callback
from cosim.trained_once import training_of
from training.compression.base import Shared
from training.compression.exact import Exact
from training.compression.form import Form
from training.compression.random_k import RandomK

Runner = Callable[..., Run]
Maker = Callable[..., Scenario]

ROUNDS, STEPS, USERS, BLOCKS = 2, 2, 3, 4
BATCH, LENGTH, HIDDEN, RANK = 2, 16, 32, 4
ACTIVATION, LABELS = 4 * BATCH * LENGTH * HIDDEN, 4 * BATCH * LENGTH
NUMBERS = RANK * (HIDDEN + 3 * HIDDEN)  # of LoRA on one block's c_attn: A (r, H) and B (3H, r)
WHOLE = BLOCKS * NUMBERS
ONE_CLIENT_A_PASS = {"host": {"device": "cpu", "threads": 1, "cache": False, "tokens": 1}}
ANALYTIC = {"execution": "analytic", "host": {"device": "cpu", "threads": 1, "cache": True}}
"""Nothing is trained, and the tokens are those of the run before."""
SUMMED = 1e-7
"""Weights of about a tenth in single precision, averaged in another order."""

ALL_WAYS = ("upload", "download", "activations", "gradients")
WAYS: dict[str, tuple[str, ...]] = {
    "federated": ALL_WAYS[:2],
    "splitfed": ALL_WAYS,
    "splitllm": ALL_WAYS,
    "split_learning": (ALL_WAYS[0], *ALL_WAYS[2:]),
}
"""What each scheme sends."""
REST = ("federated", "splitllm", "split_learning")
"""Their ways are tried one by one below, and all together with the slow tests."""


def options(name: str) -> dict[str, Any]:
    cut: dict[str, Any] = {"splitllm": {"cut": [1, 3]}, "federated": {}}
    return {"name": name, **cut.get(name, {"cut": 1})}


def everywhere(name: str, part: Any) -> dict[str, Any]:
    """The scheme, with one compressor for all that it sends."""
    return {**options(name), "compression": dict.fromkeys(WAYS[name], part)}


def amounts(run: Run, kind: str) -> dict[str, int]:
    """Bytes of a kind of payload, by the kind of link."""
    found: dict[str, int] = {}
    for activity in run.world.recorder.activities:
        if nbytes := getattr(activity, f"{kind}_bytes"):
            found[activity.kind] = found.get(activity.kind, 0) + nbytes
    return found


def averages(run: Run) -> torch.Tensor:
    return torch.from_numpy(run.runtime.weights(run.scheme.model()))


@pytest.fixture(scope="module")
def run_once(run_small: Runner) -> Runner:
    """Equal runs of this file are one."""
    runs: dict[str, Run] = {}

    def run(scheme: dict[str, Any], **sections: Any) -> Run:
        key = repr((scheme, sections))
        if key not in runs:
            runs[key] = run_small(scheme, **sections)
        return runs[key]

    return run


def moved(after: torch.Tensor, before: torch.Tensor) -> set[int]:
    """Which numbers are others: weights of users add up to one but for rounding."""
    return set(((after - before).abs() > SUMMED).nonzero().flatten().tolist())


def start_of(run: Run) -> torch.Tensor:
    """The weights from which all begin."""
    return run.runtime.lab.layout.initial(run.runtime.lab.whole, run.runtime.lab.seed)


@pytest.fixture
def own_compressor(monkeypatch: pytest.MonkeyPatch) -> str:
    """A compressor of a user's own, which loses nothing but does not say so."""

    class Faithful(Exact):
        """Everything is sent."""

        exact = False

    module = ModuleType("own_compressors")
    module.Faithful = Faithful  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "own_compressors", module)
    return "own_compressors:Faithful"


@pytest.mark.parametrize("name", ["splitfed", *(pytest.param(name, marks=pytest.mark.slow) for name in REST)])
def test_what_is_exact_changes_nothing_to_the_bit(name: str, run_once: Runner) -> None:
    plain, packed = run_once(options(name)), run_once(everywhere(name, {"name": "top_k", "density": 1}))
    assert packed.world.recorder.activities == plain.world.recorder.activities
    assert packed.observer.rows == plain.observer.rows
    assert torch.equal(averages(packed), averages(plain))


def test_what_loses_nothing_between_parts_changes_nothing_to_the_bit(own_compressor: str, run_once: Runner) -> None:
    given = {"activations": own_compressor, "gradients": own_compressor}
    plain, packed = (
        run_once({**options("splitfed"), "compression": ways}, **ONE_CLIENT_A_PASS) for ways in ({}, given)
    )
    assert packed.world.recorder.activities == plain.world.recorder.activities
    assert packed.observer.rows == plain.observer.rows
    assert torch.equal(averages(packed), averages(plain))
    assert packed.runtime.jobs_run > 2 * plain.runtime.jobs_run, "its parts do not learn as one"


def test_however_it_is_executed_the_same_is_simulated_and_learned_to_the_bit(run_once: Runner) -> None:
    ways = {
        "upload": {"name": "top_k", "density": "1/2", "error_feedback": True},
        "download": {"name": "int8", "rounding": "stochastic"},
        "activations": "half",
        "gradients": {"name": "low_rank", "rank": 8},
    }
    scheme = {**options("splitfed"), "compression": ways}
    eager, deferred = (run_once(scheme, **ONE_CLIENT_A_PASS, execution=how) for how in ("eager", "deferred"))
    assert deferred.world.recorder.activities == eager.world.recorder.activities
    assert deferred.observer.rows == eager.observer.rows
    assert torch.equal(averages(deferred), averages(eager))
    assert run_once(scheme, **ANALYTIC).world.recorder.activities == eager.world.recorder.activities


@pytest.mark.parametrize("way", ["activations", "gradients"])
def test_half_precision_halves_the_bytes_and_the_time_on_the_air(way: str, run_once: Runner) -> None:
    plain = run_once(options("splitfed"), **ANALYTIC)
    packed = run_once({**options("splitfed"), "compression": {way: "half"}}, **ANALYTIC)
    kind = way.removesuffix("s")
    link = {"activation": "uplink", "gradient": "downlink"}[kind]
    assert amounts(plain, kind) == {link: ROUNDS * STEPS * USERS * ACTIVATION}
    assert amounts(packed, kind) == {link: ROUNDS * STEPS * USERS * ACTIVATION // 2}
    assert amounts(packed, "label") == amounts(plain, "label")
    assert amounts(packed, "adapter") == amounts(plain, "adapter")
    assert packed.world.clock.now_s < plain.world.clock.now_s


def test_adapters_have_their_compressors_bytes_on_every_hop(run_once: Runner) -> None:
    ways = {"upload": {"name": "top_k", "density": "1/16"}, "download": "int8"}
    run = run_once({**options("federated"), "compression": ways}, **ANALYTIC)
    n = WHOLE
    up = ROUNDS * USERS * (4 * n // 16 + n // 8)  # the values, and a bitmap
    down = ROUNDS * USERS * (n + 4 * n // 64)  # a byte each, and the scales of blocks
    assert amounts(run, "adapter") == {"uplink": up, "downlink": down, "backhaul": up + down}


@pytest.mark.parametrize("name", ["splitfed", *(pytest.param(name, marks=pytest.mark.slow) for name in REST)])
def test_lossy_ones_change_what_is_learned(name: str, run_once: Runner) -> None:
    plain, packed = run_once(options(name)), run_once(everywhere(name, "int4"))
    assert packed.observer.rows[-1]["loss"] != plain.observer.rows[-1]["loss"]
    assert packed.world.clock.now_s < plain.world.clock.now_s


@dataclass
class Seen:
    """Weights at the end of a round: the averages, of each user's adapter, and what all have received last."""

    average: torch.Tensor
    users: list[torch.Tensor]
    received: torch.Tensor


class Diary(Callback):
    """Looks on; ``rounds`` begin with the start."""

    def __init__(self) -> None:
        self.rounds: list[Seen] = []
        self.shares: list[float] = []

    def round(self, run: Run, row: Any) -> None:
        packing, stages = run.scheme.packing, [stage for (stage,) in run.scheme.chains]
        last = [packing.known[stage].last for stage in stages]
        states = run.runtime.values([*(stage.adapter for stage in stages), *last])
        users, received = [state.weights for state in states[:USERS]], [state.weights for state in states[USERS:]]
        assert all(torch.equal(each, received[0]) for each in received)
        self.rounds.append(Seen(averages(run), users, received[0]))
        samples = np.array([stage.samples for stage in stages])
        self.shares = list(samples / samples.sum())


@pytest.fixture
def diary(small_scenario: Maker) -> Callable[..., Diary]:
    """What was seen of federated learning of so many rounds with compression."""

    def of(rounds: int, **ways: Any) -> Diary:
        scenario = small_scenario({"name": "federated", "rounds": rounds, "compression": ways})
        found = Diary()
        runner.run(scenario, entries(scenario)[0], [found])
        return found

    return of


def top(vector: torch.Tensor, k: int) -> torch.Tensor:
    """The k largest, by NumPy's stable sort."""
    kept = torch.zeros_like(vector)
    where = np.argsort(-np.abs(vector.numpy()), kind="stable")[:k]
    kept[where] = vector[where]
    return kept


@pytest.mark.parametrize("feedback", [False, True])
def test_uploads_by_hand(feedback: bool, diary: Callable[..., Diary]) -> None:
    """The next average is w + sum_k p_k C(w_k - w + e_k), and e_k what the round before has left of user k."""
    seen = diary(2, upload={"name": "top_k", "density": "1/8", "error_feedback": feedback})
    left = [torch.zeros(WHOLE) for _ in range(USERS)]
    for before, after in pairwise(seen.rounds):
        expected = before.average.clone()
        for user, share in enumerate(seen.shares):
            change = after.users[user] - before.average + left[user]
            sent = top(change, WHOLE // 8)
            left[user] = change - sent if feedback else left[user]
            expected += share * sent
        torch.testing.assert_close(after.average, expected, rtol=0, atol=SUMMED)


def test_downloads_are_the_weights_themselves(diary: Callable[..., Diary]) -> None:
    start, first, second = diary(2, download={"name": "top_k", "density": "1/8"}).rounds
    assert torch.equal(first.received, top(start.average, WHOLE // 8))
    assert torch.equal(second.received, top(first.average, WHOLE // 8))


def test_downloads_with_feedback_are_changes_since_the_last(diary: Callable[..., Diary]) -> None:
    start, *later = diary(3, download={"name": "top_k", "density": "1/8", "error_feedback": True}).rounds
    has = start.average  # which every user has from the start
    for before, after in pairwise([start, *later]):
        has = has + top(before.average - has, WHOLE // 8)
        torch.testing.assert_close(after.received, has, rtol=0, atol=SUMMED)


@pytest.mark.parametrize("renewed", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_mask_begins_when_both_sides_have_learned_weights(renewed: bool, diary: Callable[..., Diary]) -> None:
    """The first upload goes whole; later ones where the average of the first round, or the last, is largest."""
    _, one, two, three = diary(3, upload={"name": "magnitude_mask", "density": "1/2", "renewed": renewed}).rounds
    masks = [set(top(each.average, WHOLE // 2).nonzero().flatten().tolist()) for each in (one, two)]
    assert masks[0] != masks[1]
    assert moved(two.average, one.average) <= masks[0]
    assert moved(three.average, two.average) <= masks[renewed]
    assert len(moved(three.average, two.average)) > WHOLE // 4


def test_before_there_is_a_mask_adapters_go_whole(run_once: Runner) -> None:
    upload = {"name": "magnitude_mask", "density": "1/4"}
    run = run_once({"name": "federated", "compression": {"upload": upload}}, **ANALYTIC)
    assert amounts(run, "adapter")["uplink"] == USERS * (4 * WHOLE + 4 * WHOLE // 4)


@pytest.mark.parametrize("name", ["federated", "splitfed"])
def test_what_does_not_count_leaves_no_trace(name: str, run_once: Runner) -> None:
    """Of users whom a deadline leaves out there is no feedback, and nothing of theirs stays in a buffer."""
    upload = {"name": "top_k", "density": "1/8", "error_feedback": True}
    scheme = {**options(name), "rounds": 1, "compression": {"upload": upload, "download": "half"}}
    in_time = run_once(scheme, **ANALYTIC)
    ended = [
        max(a.end_ns for a in in_time.world.recorder.activities if a.user == user and a.act != "waiting")
        for user in range(USERS)
    ]
    deadline = f"{(min(ended) + max(ended)) / 2} ns"
    late = run_once({**scheme, "deadline": deadline}, **ANALYTIC)
    left_out = {a.node for a in late.world.recorder.activities if a.kind == "deadline"}
    assert 0 < len(left_out) < USERS
    for user, chain in zip(late.world.users, late.scheme.chains, strict=True):
        residuals = [late.scheme.packing.known[stage].residual for stage in chain]
        assert [residual is None for residual in residuals] == [user.name in left_out] * len(chain)
    assert not any(node.memory.left()["buffers"] for node in late.world.nodes)
    assert all(known.residual is not None for known in in_time.scheme.packing.known.values())


def test_what_is_handed_on_is_the_adapter_itself(run_once: Runner) -> None:
    run = run_once({**options("split_learning"), "compression": {"upload": "half"}})
    handed = ROUNDS * USERS - 1
    assert amounts(run, "adapter")["uplink"] == handed * NUMBERS * 2
    first = run.scheme.packing.known[run.scheme.place(run.world.users[1], 0)].last
    (state,) = run.runtime.values([first])
    assert torch.equal(state.weights, state.weights.half().float())
    assert state.weights.any()


def test_lots_are_those_of_seed_user_and_step(run_once: Runner) -> None:
    """Of the first message of the first user: what the server reads of it is where this generator says."""
    upload = {"name": "random_k", "density": "1/8"}
    run = run_once({"name": "federated", "rounds": 1, "compression": {"upload": upload}})
    form = Form.flat(WHOLE)
    draws = [Stream(0, "compression of upload").seed_of(user, 1) for user in range(USERS)]
    ones = torch.ones(USERS, form.numbers)
    sent = RandomK(density="1/8").compress(ones, form, Shared(draws=tuple(draws)))["positions"].flatten().unique()
    changed = moved(averages(run), start_of(run))
    assert changed <= set(sent.tolist())
    assert len(changed) > len(sent) / 3


def test_allocation_counts_on_compressed_messages(run_once: Runner) -> None:
    ways = {"upload": "half", "activations": "int8"}
    plain, packed = (run_once({**options("splitfed"), "compression": given}, **ANALYTIC) for given in ({}, ways))
    demands = []
    for run in (plain, packed):
        places = [[Place.of(stage) for stage in chain] for chain in run.scheme.chains]
        demands.append(mean_demand(run.scheme, places, batches_of(run.scheme, range(STEPS))))
    assert (demands[0].adapter_bits == 8 * 4 * NUMBERS).all()
    assert (demands[1].adapter_bits == 8 * 2 * NUMBERS).all()
    assert (demands[0].activation_bits == 8 * (ACTIVATION + LABELS)).all()
    assert (
        demands[1].activation_bits == 8 * (ACTIVATION * 17 // 64 + LABELS)
    ).all()  # 1 byte a number, 4 a block of 64


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "nothing is sent": (
        {"name": "centralised", "compression": {"upload": "int8"}}, {},
        "scheme.compression.upload = 'int8': it sends nothing that way; leave the section out",
    ),
    "nothing is sent that way": (
        {"name": "federated", "compression": {"activations": "int8"}}, {},
        "scheme.compression.activations = 'int8': it sends nothing that way; expected some of upload, download",
    ),
    "an option is missing": (
        {"name": "federated", "compression": {"upload": "top_k"}}, {},
        "scheme.compression.upload = 'top_k': top_k needs density",
    ),
    "an option is impossible": (
        {"name": "federated", "compression": {"upload": {"name": "top_k", "density": 2}}}, {},
        "top_k: density = 2: expected a share above 0 and up to 1, such as 1/16",
    ),
    "feedback between mini-batches": (
        {"name": "splitfed", "cut": 1, "compression": {"activations": {"name": "int8", "error_feedback": True}}}, {},
        "error_feedback is for adapters: what is left out of one mini-batch belongs to no other",
    ),
    "feedback without differences": (
        {"name": "split_learning", "cut": 1, "compression": {"upload": {"name": "int8", "error_feedback": True}}}, {},
        "error_feedback needs differences, and here an adapter is handed on as it is",
    ),
    "feedback of what is scaled up": (
        {"name": "federated", "compression": {"upload": {"name": "random_k", "density": 0.1, "error_feedback": True}}},
        {}, "error_feedback would grow without bound",
    ),
    "a mask that nobody shares": (
        {"name": "splitfed", "cut": 1, "compression": {"gradients": {"name": "magnitude_mask", "density": 0.1}}}, {},
        "it needs weights that both sides have",
    ),
    "sizes said twice": (
        {"name": "splitfed", "cut": 1, "compression": {"activations": "half"}},
        {"payloads": {"round_activations": "1 Mbit"}},
        "scheme.compression.activations = 'half': payloads says how large that is; leave one of them out",
    ),
    "no compressor": (
        {"name": "federated", "compression": {"upload": "fractions:Fraction"}}, {},
        "not a compressor, a subclass of training.compression.base:Compressor",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_sense_is_refused_in_one_line(case: str, small_scenario: Maker) -> None:
    scheme, sections, line = REFUSED[case]
    scenario = small_scenario(scheme, **sections)
    with pytest.raises(ScenarioError) as refusal:
        check_against_files(scenario, entries(scenario))
    assert line in str(refusal.value)
    assert str(refusal.value).startswith(f"{scheme['name']}: scheme.compression.")
    assert "\n" not in str(refusal.value)


def test_an_unknown_compressor_is_refused_by_its_key(small_scenario: Maker) -> None:
    scenario = small_scenario({"name": "federated", "compression": {"upload": "zip"}})
    with pytest.raises(ScenarioError, match=r"scheme\.compression\.upload.*'zip'.*not one of none, top_k, random_k"):
        entries(scenario)


def test_compared_schemes_compress_what_they_send_of_it(small_scenario: Maker) -> None:
    compare = [{"name": "federated"}, {"name": "centralised"}, {"name": "federated", "label": "own", "compression": {}}]
    scenario = small_scenario(everywhere("splitfed", "int8"), compare=compare)
    found = entries(scenario)
    check_against_files(scenario, found)
    assert [entry.options.compression.given for entry in found] == [list(ALL_WAYS), list(ALL_WAYS[:2]), [], []]


def test_with_compression_the_cut_decides_what_is_learned(small_scenario: Maker) -> None:
    def training(cut: int, ways: dict[str, Any]) -> str | None:
        scenario = small_scenario({"name": "splitfed", "cut": cut, "compression": ways}, host={"cache": True})
        return training_of(scenario.model_copy(update={"scheme": entries(scenario)[0].options.model_dump(mode="json")}))

    assert training(1, {}) == training(2, {})
    assert training(1, {"activations": "half"}) != training(2, {"activations": "half"})


def test_the_scenario_that_compares_compressors_is_valid() -> None:
    scenario = load_scenario(Path(__file__).parents[3] / "scenarios" / "compression.yaml")
    found = entries(scenario)
    check_against_files(scenario, found)
    assert sum(bool(entry.options.compression.given) for entry in found) == 4
