"""Schemes against plain PEFT loops and against each other, through the whole engine: the same is learned."""

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from torch import Tensor

from cosim import results
from cosim.runner import Run
from training.adapters import state_dict
from training.base_model import load_base
from training.sequences import IGNORED

Runner = Callable[..., Run]

LORA = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["c_attn"], fan_in_fan_out=True)
LR = 1e-3
LOSS = 1e-6
"""Single precision losses of about 7 nats, summed in another order."""
ADAPTER = 5e-5
"""AdamW's first steps are lr * sign(g): where a gradient is nearly zero, rounding changes a part of a step of 1e-3."""

EDGE = {"compute": {"speed": "2 GFLOP/s"}}
ONE_USER = {
    "users": {"count": 1, "compute": {"speed": "1 GFLOP/s"}},
    "edges": {"count": 1, **EDGE},
    "training": {"lr": LR},
}
TWO_PAIRS = {
    "users": {"count": 2, "compute": {"speed": "1 GFLOP/s", "spread": 0.5}},
    "edges": {"count": 2, **EDGE},
    "training": {"lr": LR},
}
UNSPLIT_ALIKE: dict[str, dict[str, Any]] = {
    "cut 1": {"name": "splitfed", "cut": 1},
    "cut 3": {"name": "splitfed", "cut": 3},
    "three parts": {"name": "splitfed", "cut": [1, 2]},
    "shared server": {"name": "splitfed", "cut": 2, "server": "shared"},
    "split learning": {"name": "split_learning", "cut": 2},
    "federated": {"name": "federated"},
    "splitllm": {"name": "splitllm", "cut": [1, 3]},
    "splitllm by means": {"name": "splitllm", "cut": [1, 2], "cloud_update": "mean"},
    "splitllm replicated": {"name": "splitllm", "cut": [2, 3], "cloud_update": "replicated"},
    "centralised": {"name": "centralised"},
}


class PlainPeft:
    """A user's training as anybody would write it with PEFT, transformers and torch."""

    def __init__(self, run: Run) -> None:
        lab = run.runtime.lab
        base = load_base(run.prepared.lab.foundation.name).model
        self.model = peft.get_peft_model(base, LORA)
        start = lab.model.layout.initial(lab.model.whole, lab.seed)
        self.load(state_dict(lab.model.layout, start))
        self.optimiser = torch.optim.AdamW(self._trainable(), lr=LR, weight_decay=0.0)

    def load(self, adapter: dict[str, Tensor]) -> None:
        peft.set_peft_model_state_dict(self.model, copy.deepcopy(adapter))

    def adapter(self) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in peft.get_peft_model_state_dict(self.model).items()}

    def step(self, ids: Tensor, also: "PlainPeft | None" = None) -> float:
        """One step on ``ids``; ``also`` takes a step of its own along the same gradient."""
        loss = self.model(input_ids=ids, labels=ids).loss
        loss.backward()
        if also is not None:
            also.gather([self])
            also.update()
        self.update()
        return loss.item()

    def gather(self, others: Sequence["PlainPeft"]) -> None:
        """Take the mean of their gradients."""
        for ours, *theirs in zip(*(model._trainable() for model in (self, *others)), strict=True):
            ours.grad = sum(parameter.grad for parameter in theirs) / len(theirs)

    def update(self) -> None:
        self.optimiser.step()
        self.optimiser.zero_grad()

    def _trainable(self) -> list[torch.nn.Parameter]:
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]


def adapter_of(run: Run) -> dict[str, Tensor]:
    """The run's final adapter in PEFT's names."""
    assert run.observer.last is not None
    states = run.runtime.values(run.observer.last.adapters)
    flat = torch.cat([state.weights for state in states])
    return state_dict(run.runtime.lab.model.layout, flat)


def batch_of(run: Run, user: int, index: int) -> Tensor:
    rows = run.world.batch_rows(run.world.users[user], index)
    return torch.from_numpy(run.runtime.lab.train.ids[list(rows)])


def assert_adapters_equal(ours: dict[str, Tensor], plain: dict[str, Tensor]) -> None:
    assert ours.keys() == plain.keys()
    for name, tensor in plain.items():
        torch.testing.assert_close(ours[name], tensor, rtol=0, atol=ADAPTER)


@pytest.mark.parametrize("scheme", UNSPLIT_ALIKE.values(), ids=UNSPLIT_ALIKE)
def test_with_one_user_every_scheme_is_the_plain_peft_loop(scheme: dict[str, Any], run_small: Runner) -> None:
    run = run_small({**scheme, "rounds": 3, "local_steps": 2}, **ONE_USER)
    plain = PlainPeft(run)
    losses = [plain.step(batch_of(run, 0, index)) for index in range(6)]
    per_round = [sum(losses[start : start + 2]) / 2 for start in (0, 2, 4)]
    assert [row["train_loss"] for row in run.observer.rows[1:]] == pytest.approx(per_round, abs=LOSS)
    assert_adapters_equal(adapter_of(run), plain.adapter())


def test_fedavg_is_a_plain_loop_over_peft_models_averaged_by_hand(run_small: Runner) -> None:
    rounds, steps = 2, 2
    run = run_small({"name": "federated", "rounds": rounds, "local_steps": steps}, training={"lr": LR})
    users = run.world.users
    plain = [PlainPeft(run) for _ in users]
    shares = [user.samples / sum(other.samples for other in users) for user in users]
    assert len(set(shares)) > 1, "equal shares would not test the weights"
    for number in range(rounds):
        for user, model in enumerate(plain):
            for step in range(steps):
                model.step(batch_of(run, user, number * steps + step))
        adapters = [model.adapter() for model in plain]
        mean = {
            name: sum(share * adapter[name] for share, adapter in zip(shares, adapters, strict=True))
            for name in adapters[0]
        }
        for model in plain:
            model.load(mean)
    assert_adapters_equal(adapter_of(run), plain[0].adapter())


@pytest.mark.parametrize("cut", [1, 2, 3, [1, 2], [1, 3], [2, 3]], ids=str)
def test_replicated_split_fed_learns_what_federated_learning_learns(cut: Any, run_small: Runner) -> None:
    split = run_small({"name": "splitfed", "cut": cut})
    federated = run_small({"name": "federated"})
    for ours, theirs in zip(split.observer.rows, federated.observer.rows, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=LOSS)
    assert_adapters_equal(adapter_of(split), adapter_of(federated))


def with_dropout(model: Path) -> dict[str, Any]:
    return {"base": str(model), "lora": {"r": 4, "alpha": 8, "targets": ["c_attn"], "dropout": 0.3}}


def test_with_dropout_split_fed_still_learns_what_federated_learning_learns(
    run_small: Runner, small_model: Path
) -> None:
    """Bit by bit: the masks are the mini-batch's, wherever the model is cut."""
    model = with_dropout(small_model)
    split, federated, without = (
        run_small(scheme, model=chosen)
        for scheme, chosen in (
            ({"name": "splitfed", "rounds": 1, "cut": [1, 3]}, model),
            ({"name": "federated", "rounds": 1}, model),
            ({"name": "federated", "rounds": 1}, {**model, "lora": {**model["lora"], "dropout": 0.0}}),
        )
    )
    assert [row["loss"] for row in split.observer.rows] == [row["loss"] for row in federated.observer.rows]
    assert split.observer.rows[0]["loss"] == without.observer.rows[0]["loss"]
    assert split.observer.rows[-1]["loss"] != without.observer.rows[-1]["loss"]


@pytest.mark.parametrize("cut", [1, [1, 3]], ids=str)
def test_with_dropout_a_shared_server_learns_the_same_at_its_events_and_afterwards(
    cut: Any, run_small: Runner, small_model: Path
) -> None:
    """Its parts cannot learn as one; passes of one client make the numbers the same to the bit."""
    scheme = {"name": "splitfed", "cut": cut, "server": "shared"}
    host = {"device": "cpu", "threads": 1, "tokens": 1, "cache": False}
    eager, deferred = (
        run_small(scheme, model=with_dropout(small_model), host=host, execution=execution)
        for execution in ("eager", "deferred")
    )
    ours, theirs = adapter_of(deferred), adapter_of(eager)
    assert all(torch.equal(ours[name], tensor) for name, tensor in theirs.items())
    for name in ("loss", "train_loss"):
        assert [row[name] for row in deferred.observer.rows[1:]] == [row[name] for row in eager.observer.rows[1:]]


def test_a_shared_server_takes_one_step_for_each_activation_in_the_order_of_arrival(run_small: Runner) -> None:
    """The record tells the order; a plain loop in that order, with one server-side optimiser, learns the same."""
    scheme = {"name": "splitfed", "cut": 1, "server": "shared", "main_server": "cloud", "rounds": 1, "local_steps": 2}
    run = run_small(scheme, training={"lr": LR})
    arrivals = [
        (a.user, a.step) for a in run.world.recorder.activities if a.node == "cloud" and a.user >= 0 and a.flops
    ]
    assert len(arrivals) == 2 * len(run.world.users)
    assert arrivals != sorted(arrivals, key=lambda arrival: arrival[::-1]), "an order of its own, or nothing is tested"

    server, clients = PlainPeft(run), [PlainPeft(run) for _ in run.world.users]
    server_side = [name for name in server.adapter() if ".h.0." not in name]
    for user, step in arrivals:
        client = clients[user]
        client.load({**client.adapter(), **{name: server.adapter()[name] for name in server_side}})
        client.step(batch_of(run, user, step), also=server)
    samples = [user.samples for user in run.world.users]
    adapters = [client.adapter() for client in clients]
    mean = {
        name: sum(n / sum(samples) * adapter[name] for n, adapter in zip(samples, adapters, strict=True))
        for name in adapters[0]
    }
    assert_adapters_equal(adapter_of(run), {**mean, **{name: server.adapter()[name] for name in server_side}})


def cloud_part(adapter: dict[str, Tensor]) -> dict[str, Tensor]:
    """Of the blocks beyond the cuts 1 and 3, of four."""
    return {name: tensor for name, tensor in adapter.items() if ".h.3." in name}


def test_pairs_that_step_together_are_large_batch_training_on_the_union_for_the_cloud_part(run_small: Runner) -> None:
    run = run_small({"name": "splitllm", "cut": [1, 3], "cloud_update": "mean", "rounds": 1, "local_steps": 1},
                    **TWO_PAIRS)  # fmt: skip
    plain = PlainPeft(run)
    plain.step(torch.cat([batch_of(run, user, 0) for user in (0, 1)]))
    assert_adapters_equal(cloud_part(adapter_of(run)), cloud_part(plain.adapter()))


def test_pairs_that_step_together_go_on_with_the_mean_of_their_gradients(run_small: Runner) -> None:
    """Of two steps and rounds: users and edge servers step by themselves and are averaged, the cloud has one state."""
    run = run_small({"name": "splitllm", "cut": [1, 3], "cloud_update": "mean"}, **TWO_PAIRS)
    clients, cloud = [PlainPeft(run) for _ in run.world.users], PlainPeft(run)
    shares = [user.samples / sum(other.samples for other in run.world.users) for user in run.world.users]
    mean = cloud.adapter()
    for index in range(4):
        for user, client in enumerate(clients):
            client.load({**client.adapter(), **cloud_part(cloud.adapter())})
            client.model(input_ids=(ids := batch_of(run, user, index)), labels=ids).loss.backward()
        cloud.gather(clients)
        for model in (cloud, *clients):
            model.update()
        if index % 2:
            adapters = [client.adapter() for client in clients]
            mean = {name: sum(s * a[name] for s, a in zip(shares, adapters, strict=True)) for name in mean}
            for client in clients:
                client.load(mean)
    assert_adapters_equal(adapter_of(run), {**mean, **cloud_part(cloud.adapter())})


def test_with_all_users_paired_replicas_learn_what_federated_learning_learns(run_small: Runner) -> None:
    pairs = run_small({"name": "splitllm", "cut": [1, 3], "cloud_update": "replicated"}, **TWO_PAIRS)
    assert_adapters_equal(adapter_of(pairs), adapter_of(run_small({"name": "federated"}, **TWO_PAIRS)))


def test_split_learning_is_sequential_training_over_the_users(run_small: Runner) -> None:
    """Each user takes over the weights of the one before; every entity keeps its own moments, the server one set."""
    run = run_small(
        {"name": "split_learning", "cut": 1, "main_server": "cloud", "rounds": 1, "local_steps": 1},
        training={"lr": LR},
    )
    plain = PlainPeft(run)
    user_side = [name for name in plain.adapter() if ".h.0." in name]
    fresh = [PlainPeft(run) for _ in run.world.users]  # user-side moments begin anew with every user of the round
    weights = plain.adapter()
    for user, model in enumerate(fresh):
        model.load(weights)
        plain.load(weights)
        ids = batch_of(run, user, 0)
        model.step(ids)
        plain.step(ids)
        weights = {name: (model if name in user_side else plain).adapter()[name] for name in weights}
    assert_adapters_equal(adapter_of(run), weights)


def test_the_written_adapter_gives_the_reported_perplexity(run_small: Runner, tmp_path: Any) -> None:
    run = run_small({"name": "splitfed", "cut": 2, "rounds": 2}, training={"lr": 1e-2})
    summary = results.write(run, tmp_path / "run")
    model = peft.PeftModel.from_pretrained(
        load_base(run.prepared.lab.foundation.name).model, tmp_path / "run" / "adapter"
    ).eval()
    held_out = run.runtime.lab.held_out
    ids, size = torch.from_numpy(held_out.ids), torch.from_numpy(held_out.tokens)
    labels = ids.where(torch.arange(ids.shape[1]) < size[:, None], IGNORED)
    with torch.no_grad():
        loss = float(model(input_ids=ids, labels=labels).loss)
    assert loss == pytest.approx(summary["final"]["loss"], abs=LOSS)
    assert summary["final"]["perplexity"] < summary["initial"]["perplexity"]
