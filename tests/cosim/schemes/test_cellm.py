"""CELLM and its siblings, through the whole engine, against a plain loop; their messages, counted by hand."""

import gzip
import json
from collections.abc import Callable, Sequence
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from channel_models.randomness import Stream
from cosim import results, tables
from cosim.runner import Run
from cosim.scenario import Scenario, ScenarioError
from cosim.scenario.checks import check_against_files
from cosim.scenario.entries import entries
from cosim.schemes.fedopt import FedOpt
from cosim.schemes.masked import MaskedRounds
from cosim.schemes.participation import sampled
from training import phases

Runner = Callable[..., Run]

USERS, ROUNDS, STEPS, CLIENTS = 4, 3, 2, 2
BLOCKS, HIDDEN, RANK = 4, 32, 4
A, B = BLOCKS * RANK * HIDDEN, BLOCKS * RANK * 3 * HIDDEN  # numbers of LoRA on c_attn
NUMBERS = A + B
CLIENT_LR, SERVER_LR, EPS = 0.5, 5e-3, 1e-5
OPTIMISERS = {
    "client": {"name": "sgd", "lr": CLIENT_LR, "momentum": 0.9},
    "server": {"name": "adamw", "lr": SERVER_LR, "eps": EPS},
}
ALONE = {"device": "cpu", "threads": 1, "cache": False, "tokens": 1}
SPEED = {"compute": {"speed": "1 GFLOP/s"}}


def run_rounds(
    run_small: Runner, name: str, users: dict[str, Any] | None = None, execution: str = "deferred", **options: Any
) -> Run:
    """A run of four users, of whom two are sampled for each of three rounds, one client a pass."""
    scheme = {"name": name, "rounds": ROUNDS, "local_steps": STEPS, "clients": CLIENTS, **OPTIMISERS, **options}
    return run_small(scheme, users={"count": USERS, **SPEED, **(users or {})}, host=ALONE, execution=execution)


def messages(run_small: Runner, name: str, users: dict[str, Any] | None = None, **options: Any) -> Run:
    """The same without training: what is sent and held."""
    return run_rounds(run_small, name, users, execution="analytic", **options)


def model_of(run: Run) -> Tensor:
    assert run.observer.last is not None
    (state,) = run.runtime.values(run.observer.last.adapters)
    return torch.as_tensor(state.weights)


def server_of(run: Run) -> Any:
    (state,) = run.runtime.values([run.scheme.adapter])  # type: ignore[attr-defined]  # of FedOpt
    return state


def carried(run: Run, kind: str) -> list[tuple[int, int, int]]:
    """User, bytes of values and bytes of positions of every transfer of a kind."""
    activities = run.world.recorder.activities
    return [(a.user, a.adapter_bytes, a.position_bytes) for a in activities if a.kind == kind]


def chosen_in(run: Run, number: int) -> list[int]:
    users = sampled(Stream(run.world.seed, "clients"), number, run.world.users, CLIENTS)
    return [user.index for user in users]


def top(vector: Tensor, density: float) -> Tensor:
    """All but the floor(density n) numbers of largest magnitude set to zero; of equal ones the first stay."""
    order = np.lexsort((np.arange(len(vector)), -vector.abs().numpy()))
    left = torch.zeros_like(vector)
    places = torch.from_numpy(order[: floor(density * len(vector))])
    left[places] = vector[places]
    return left


def plain_loop(run: Run, download: float, upload: float) -> Tensor:
    """The algorithm as anybody would write it with PyTorch's optimisers; the server's P after all rounds."""
    lab, world = run.runtime.lab, run.world
    learning = run.scheme.learning
    server = torch.nn.Parameter(lab.layout.initial(lab.whole, lab.seed))
    adamw = torch.optim.AdamW([server], lr=SERVER_LR, eps=EPS, weight_decay=0.0, fused=True)
    taken = [0] * USERS
    for number in range(1, ROUNDS + 1):
        received = top(server.detach(), download)
        total = torch.zeros(NUMBERS)
        for index in chosen_in(run, number):
            weights = torch.nn.Parameter(received.clone())
            sgd = torch.optim.SGD([weights], lr=CLIENT_LR, momentum=0.9)
            for _ in range(STEPS):
                batch = learning.batch(world.batch_rows(world.users[index], taken[index]))
                rows, length = list(batch.rows), batch.length
                ids, targets = (torch.from_numpy(it[rows, :length]) for it in (lab.train.ids, lab.train.targets))
                _, found = phases.loss_and_backward(lab.model, lab.whole, weights.detach()[None], ids, targets)
                weights.grad = found.adapter[0]
                sgd.step()
                taken[index] += 1
            total += top(received - weights.detach(), upload)
        server.grad = total / CLIENTS
        adamw.step()
    return server.detach()


@pytest.mark.parametrize(("download", "upload"), [(1, 1), (1 / 2, 1 / 16)])
def test_a_plain_loop_learns_the_same_to_the_bit(download: float, upload: float, run_small: Runner) -> None:
    """With all sent it is FedAdam on LoRA; else deltas are measured from masked weights, and moments are dense."""
    run = run_rounds(run_small, "cellm", download=download, upload=upload)
    expected = plain_loop(run, download, upload)
    assert torch.equal(server_of(run).weights, expected)
    assert torch.equal(model_of(run), top(expected, download))
    assert (expected - run.runtime.lab.layout.initial(run.runtime.lab.whole, run.runtime.lab.seed)).abs().max() > 1e-3


def test_all_sent_is_dense_lora_and_trains_nothing_anew(
    run_small: Runner, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path))
    host = {"device": "cpu", "threads": 1, "cache": True}
    found = [
        run_small({"name": name, "clients": CLIENTS, **OPTIMISERS, **options}, host=host)
        for name, options in (
            ("fedlora", {}),
            ("cellm", {"download": 1, "upload": 1}),
            ("federated_select", {"density": 1}),
            ("adapter_lth", {"decay": 1}),
        )
    ]
    dense, *others = found
    assert dense.runtime.jobs_run > 0
    for other in others:
        assert other.runtime.jobs_run == 0
        assert other.observer.rows == dense.observer.rows
        assert other.world.recorder.activities == dense.world.recorder.activities


def test_encodings_change_bytes_and_not_what_is_learned(run_small: Runner) -> None:
    """Download of a half, upload of a quarter, by hand: values 4 k, coordinates 4 k more, a bitmap n / 8 more."""
    down, up = NUMBERS // 2, NUMBERS // 4
    positions = {"values": (0, 0), "coo": (4 * down, 4 * up), "bitmap": (ceil(NUMBERS / 8),) * 2}
    positions["cheapest"] = positions["bitmap"]
    for encoding, (below, above) in positions.items():
        run = messages(run_small, "cellm", download="1/2", upload="1/4", encoding=encoding)
        assert {sent[1:] for sent in carried(run, "downlink")} == {(4 * down, below)}
        assert {sent[1:] for sent in carried(run, "uplink")} == {(4 * up, above)}
        summary = results.summarise(run, tables.events_frame(run), tables.memory_frame(run))
        hops = ROUNDS * CLIENTS * 2  # radio and backhaul
        assert summary["payload_bytes"]["adapter"] == hops * 4 * (down + up)
        assert summary["payload_bytes"]["position"] == hops * (below + above)
    one, other = (run_rounds(run_small, "cellm", rounds=2, encoding=encoding) for encoding in ("values", "coo"))
    assert torch.equal(model_of(one), model_of(other))


def test_who_is_not_sampled_holds_and_sends_nothing(run_small: Runner) -> None:
    run = messages(run_small, "cellm")
    for user in run.world.users:
        rounds = {number for number in range(1, ROUNDS + 1) if user.index in chosen_in(run, number)}
        own = [
            a for a in run.world.recorder.activities if a.user == user.index and a.act not in ("waiting", "happening")
        ]
        assert {a.round for a in own} == rounds
        assert not any(user.memory.left().values())
    assert {len(chosen_in(run, number)) for number in range(1, ROUNDS + 1)} == {CLIENTS}


def test_what_is_sent_changes_neither_memory_nor_computing(run_small: Runner) -> None:
    """Beyond weights and training state a client has buffers, for as long as a message is in them."""
    dense, sparse = (messages(run_small, "cellm", download=d, upload=d) for d in (1, "1/16"))
    for ours, theirs in zip(sparse.world.users, dense.world.users, strict=True):
        one, other = (user.memory.peaks() for user in (ours, theirs))
        assert {kind: one[kind] for kind in one if kind not in ("buffers", "total")} == {
            kind: other[kind] for kind in other if kind not in ("buffers", "total")
        }
    flops = [
        sum(a.flops for a in run.world.recorder.activities if a.node.startswith("user")) for run in (dense, sparse)
    ]
    assert flops[0] == flops[1]
    peaks = sparse.world.users[chosen_in(sparse, 1)[0]].memory.peaks()
    assert (peaks["adapter"], peaks["gradient"], peaks["optimiser"]) == (8 * NUMBERS, 4 * NUMBERS, 4 * NUMBERS)


def reports_of(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, Any, Any]]:
    """Round, user, all that it has moved, and what it has sent of that, of every report of a run to come."""
    found: list[tuple[int, int, Any, Any]] = []

    def noting(report: Callable[..., Sequence[Any]]) -> Callable[..., Sequence[Any]]:
        def noted(scheme: Any, user: Any, delta: Any) -> Sequence[Any]:
            sent = report(scheme, user, delta)
            found.append((scheme._round.number, user.index, delta, sent[0]))
            return sent

        return noted

    from cosim.schemes.cellm import Cellm

    for scheme in (Cellm, MaskedRounds, FedOpt):
        monkeypatch.setattr(scheme, "report", noting(scheme.report))
    return found


def test_masks_of_two_clients_differ_and_are_the_largest_of_what_each_has_moved(
    run_small: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = reports_of(monkeypatch)
    run = run_rounds(run_small, "cellm", download="1/2", upload="1/16")
    masks = {}
    for number, user, delta, sent in reports:
        whole, largest = (state.weights for state in run.runtime.values([delta, sent]))
        assert torch.equal(largest, top(whole, 1 / 16))
        assert (whole != 0).sum() > 0.9 * NUMBERS, "all was trained"
        masks[number, user] = largest != 0
    (one, other), *_ = [[masks[number, user] for user in chosen_in(run, number)] for number in (1, 2, 3)]
    assert (one & other).any()
    assert (one & ~other).any()


def test_moments_of_the_server_are_dense(run_small: Runner) -> None:
    run = run_rounds(run_small, "cellm", download="1/16", upload="1/4")
    server, passed = server_of(run), model_of(run) != 0
    assert passed.sum() <= floor(NUMBERS / 16)
    assert (server.second_moment[~passed] > 0).sum() > NUMBERS / 4
    assert (server.weights[~passed] != 0).any()


SELECTING: dict[str, dict[str, Any]] = {
    "federated_select": {"density": "1/2"},
    "sparse_adapter": {"density": "1/2"},
    "adapter_lth": {"density": 1, "decay": 0.5},
}


@pytest.mark.parametrize("name", [pytest.param("federated_select", marks=pytest.mark.slow), *list(SELECTING)[1:]])
def test_where_only_the_mask_is_trained_nothing_else_moves(
    name: str, run_small: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = reports_of(monkeypatch)
    run = run_rounds(run_small, name, **SELECTING[name])
    shares = {"federated_select": [1 / 2] * 3, "sparse_adapter": [1, 1 / 2, 1 / 2], "adapter_lth": [1, 1 / 2, 1 / 4]}
    moved: dict[int, Tensor] = {}
    for number, _, delta, _ in reports:
        (state,) = run.runtime.values([delta])
        moved[number] = (state.weights != 0) | moved.get(number, torch.zeros(NUMBERS, dtype=torch.bool))
    allowed = [floor(share * NUMBERS) for share in shares[name]]
    assert all(moved[number].sum() <= most for number, most in enumerate(allowed, 1))
    sent_up = [sent[1] for sent in carried(run, "uplink")]
    assert sorted(sent_up) == sorted(4 * most for most in allowed for _ in range(CLIENTS))
    if name != "federated_select":
        assert not (moved[3] & ~moved[2]).any(), "the later mask is within the earlier"


def test_a_mask_that_stays_is_told_once_to_each_user_and_never_by_them(run_small: Runner) -> None:
    run = messages(run_small, "sparse_adapter", density="1/2", rounds=5)
    assert {positions for _, _, positions in carried(run, "uplink")} == {0}
    told: list[int] = []
    for user, values, positions in carried(run, "downlink"):
        if values == 4 * NUMBERS:
            assert positions == 0
        else:
            assert positions == (0 if user in told else ceil(NUMBERS / 8))
            told.append(user)
    assert len(told) > len(set(told)), "somebody came twice"


def test_without_a_dense_round_federated_select_never_trains_b(run_small: Runner) -> None:
    """B begins at zero and is never sent, and A then has no gradient: nothing is learned, whatever the density of A."""
    run = run_rounds(run_small, "federated_select", density="1/8")
    warm = run_rounds(run_small, "federated_select", density="1/2", dense_rounds=1, rounds=2)
    b = run.runtime.lab.layout.matrices(run.runtime.lab.whole, server_of(run).weights[None])[1::2]
    assert not any(matrix.any() for matrix in b)
    assert run.observer.rows[-1]["loss"] == run.observer.rows[0]["loss"]
    assert warm.observer.rows[-1]["loss"] < warm.observer.rows[0]["loss"]


def test_ffa_lora_trains_and_sends_b_alone(run_small: Runner) -> None:
    run = run_rounds(run_small, "ffa_lora")
    lab = run.runtime.lab
    begun, ended = (
        lab.layout.matrices(lab.whole, weights[None])
        for weights in (lab.layout.initial(lab.whole, lab.seed), server_of(run).weights)
    )
    assert all(torch.equal(now, then) for now, then in zip(ended[::2], begun[::2], strict=True))
    assert all(matrix.any() for matrix in ended[1::2])
    assert {sent[1:] for kind in ("uplink", "downlink") for sent in carried(run, kind)} == {(4 * B, 0)}


def test_tiers_of_densities_are_dealt_in_turn(run_small: Runner) -> None:
    shares = ["1/16", "1/4", 1]
    run = messages(run_small, "cellm", clients=None, download=shares, upload=shares, encoding="values")
    expected = {user: 4 * [NUMBERS // 16, NUMBERS // 4, NUMBERS][user % 3] for user in range(USERS)}
    for kind in ("downlink", "uplink"):
        assert {user: values for user, values, _ in carried(run, kind)} == expected
    assert run.scheme.model() == [run.scheme.adapter], "that of the densest"  # type: ignore[attr-defined]  # of FedOpt


def test_tiers_of_ranks_send_shares_of_their_own_adapters(run_small: Runner) -> None:
    run = messages(run_small, "cellm", {"ranks": [1, 2, 4]}, clients=None, download="1/2", upload="1/4")
    sizes = {user: NUMBERS * [1, 2, 4][user % 3] // 4 for user in range(USERS)}
    assert {user: values for user, values, _ in carried(run, "downlink")} == {u: 4 * (n // 2) for u, n in sizes.items()}
    assert {user: values for user, values, _ in carried(run, "uplink")} == {u: 4 * (n // 4) for u, n in sizes.items()}
    dense = messages(run_small, "fedlora", {"ranks": [1, 2, 4]}, clients=None)
    assert {user: values for user, values, _ in carried(dense, "uplink")} == {u: 4 * n for u, n in sizes.items()}


def test_a_lower_rank_of_the_scheme_is_that_of_every_user(run_small: Runner) -> None:
    low = run_rounds(run_small, "fedlora", rank=1)
    assert {values for *_, values, _ in carried(low, "uplink") + carried(low, "downlink")} == {NUMBERS // RANK * 4}
    of_users = run_rounds(run_small, "fedlora", {"ranks": [1]})
    assert torch.equal(model_of(low), model_of(of_users))
    mixed = messages(run_small, "fedlora", {"ranks": [1, 4]}, clients=None, rank=2)
    assert {u: values for u, values, _ in carried(mixed, "uplink")} == {
        u: NUMBERS * (1, 2)[u % 2] for u in range(USERS)
    }


def test_densities_may_fall_from_round_to_round(run_small: Runner) -> None:
    run = messages(run_small, "cellm", clients=None, download=1, upload="1/2", decay="1/2", encoding="values")
    expected = [(NUMBERS // 2**number, NUMBERS // 2 ** (number + 1)) for number in range(ROUNDS)]
    for number, (down, up) in enumerate(expected, 1):
        of_round = [a for a in run.world.recorder.activities if a.round == number]
        assert {a.adapter_bytes for a in of_round if a.kind == "downlink"} == {4 * down}
        assert {a.adapter_bytes for a in of_round if a.kind == "uplink"} == {4 * up}


def test_users_are_sampled_uniformly_and_without_replacement() -> None:
    """Of 20 users 5 in each of 4,000 rounds: each about 1,000 times, with a deviation of 27, here within five."""
    users: Any = list(range(20))
    stream = Stream(7, "clients")
    rounds = [sampled(stream, number, users, 5) for number in range(4000)]
    assert all(len(set(chosen)) == 5 and chosen == sorted(chosen) for chosen in rounds)
    counts = np.bincount([user for chosen in rounds for user in chosen], minlength=20)
    assert np.abs(counts - 1000).max() < 5 * 27.4
    more = [sampled(stream, number, [*users, 20], 5) for number in range(100)]
    assert all(len(set(one) - set(other)) <= 1 for one, other in zip(rounds, more, strict=False))
    assert sampled(stream, 1, users, None) == users


def test_local_epochs_go_through_each_users_own_data(run_small: Runner) -> None:
    run = messages(run_small, "fedlora", local_steps=None, rounds=1)
    for index in chosen_in(run, 1):
        user = run.world.users[index]
        steps = {
            a.step for a in run.world.recorder.activities if a.node == user.name and a.flops and a.act == "computing"
        }
        assert len(steps) == user.samples // 2


@pytest.mark.parametrize(
    ("scheme", "says"),
    [
        ({"name": "cellm", "clients": 9}, "cellm: scheme.clients = 9: there are 3 users (users.count)"),
        ({"name": "cellm", "client": {"name": "sgd", "momentum": 2}},
         "cellm: scheme.client = {'name': 'sgd', 'momentum': 2}: momentum = 2: must lie in [0, 1)"),
        ({"name": "fedlora", "rank": 5}, "fedlora: scheme.rank = 5: the adapter's rank is 4 (model.lora)"),
        ({"name": "fedlora", "server": {"name": "sgd", "beta1": 0.5}},
         "fedlora: scheme.server = {'name': 'sgd', 'beta1': 0.5}: sgd takes weight_decay, momentum, not beta1"),
        ({"name": "cellm", "compression": {"upload": "int8"}},
         "cellm: scheme.compression.upload = 'int8': it sends nothing that way"),
        ({"name": "cellm", "upload": 0}, "scheme.upload = 0: expected a share above 0 and up to 1, such as 1/16"),
        ({"name": "cellm", "download": ["1/4", "a bit"]},
         "scheme.download = ['1/4', 'a bit']: expected a share above 0 and up to 1, such as 1/16"),
        ({"name": "adapter_lth", "decay": 1.5}, "scheme.decay = 1.5: expected a share above 0 and up to 1"),
        ({"name": "cellm", "local_steps": 2, "local_epochs": 1},
         "scheme.local_epochs = 1: local_steps = 2 says how long a round is, too; leave one out (null)"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_in_one_line(
    scheme: dict[str, Any], says: str, small_scenario: Callable[..., Scenario]
) -> None:
    with pytest.raises(ScenarioError) as refused:
        scenario = small_scenario(scheme)
        check_against_files(scenario, entries(scenario))
    (line,) = str(refused.value).split("\n")
    assert line.startswith(says)


def test_a_density_that_lets_nothing_through_is_refused_before_anything_is_trained(run_small: Runner) -> None:
    says = rf"^small: scheme: a density of 0\.0001 lets none of an adapter's {NUMBERS} numbers pass$"
    with pytest.raises(ScenarioError, match=says):
        run_rounds(run_small, "cellm", upload=1e-4)


DATA = Path(__file__).parents[4] / "shared" / "data"


def banking77(folder: Path) -> dict[str, Any]:
    """Its two tables as they are."""
    source = DATA / "banking77"
    return {"corpus": str(source / "train.csv"), "validation": str(source / "test.csv"), "label_column": "category"}


def clinc150(folder: Path) -> dict[str, Any]:
    """The intents of its training and test parts as tables."""
    parts = json.loads(gzip.decompress((DATA / "clinc150" / "data_full.json.gz").read_bytes()))
    found = {"label_column": "intent"}
    for key, part in (("corpus", "train"), ("validation", "test")):
        found[key] = str(folder / f"{part}.csv")
        pd.DataFrame(parts[part], columns=["text", "intent"]).to_csv(found[key], index=False)
    return found


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="Banking77 and CLINC150 are not beside the checkout")
@pytest.mark.parametrize(("table", "classes"), [(banking77, 77), (clinc150, 150)], ids=["banking77", "clinc150"])
def test_intents_are_learned_from_sparse_messages(
    table: Callable[[Path], dict[str, Any]], classes: int, run_small: Runner, tmp_path: Path
) -> None:
    """Of users with few intents each; the head, trained in full, is under the same mask as the adapter."""
    lora = {"r": 4, "alpha": 8, "targets": ["c_attn", "c_proj", "c_fc"]}
    run = run_small(
        {
            "name": "cellm",
            "clients": 5,
            "download": "1/2",
            "upload": "1/4",
            "rounds": 4,
            "local_steps": 4,
            "client": {"name": "sgd", "lr": 0.05},
            "server": {"name": "adamw", "lr": 2e-2},
        },
        users={"count": 20, **SPEED},
        model={"base": "tiny-gpt2", "task": "sequence_classification", "lora": lora},
        data={
            **table(tmp_path),
            "sequence_length": 32,
            "batch_size": 8,
            "partition": {"name": "dirichlet", "alpha": 0.1},
        },
        evaluation={"sequences": 2 * classes, "every": 4},
    )
    layout = run.runtime.lab.layout
    assert layout.head is not None
    assert layout.head.outputs == classes
    numbers = layout.parameters(run.runtime.lab.whole)
    assert {sent[1] for sent in carried(run, "uplink")} == {4 * (numbers // 4)}
    first, last = run.observer.rows[0], run.observer.rows[-1]
    assert last["accuracy"] > 3 / classes, "three times as good as guessing"
    assert 0 < first["f1"] < last["f1"] < 1
