"""Keys: whatever may change a number changes the key, and nothing else does."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.deferred import DeferredRuntime
from training.jobs import Ref
from training.keys import code_of, digest
from training.lab import Lab
from training.learning import Learning
from training.operations import Adopt, Average
from training.optimiser import AdamW
from training.sequences import Sequences


def round_of(lab: Lab, rows: tuple[int, ...] = (0, 1), *, reverse: bool = False) -> dict[str, str]:
    """Keys of all results of a split round of two users."""
    learning = Learning(DeferredRuntime(lab))
    first, last = learning.parts([2])
    user, server = learning.start(first, "user"), learning.start(last, "server")
    keys: dict[str, Ref] = {"start": user}
    states = []
    for batch in (learning.batch(rows), learning.batch((4, 5))):
        up = learning.forward(first, user, batch)
        turn = learning.loss_and_backward(last, server, batch, [up["activation"], up["labels"]])
        down = learning.backward(first, user, batch, up["held"], turn["gradient"])
        states.append((down["adapter"], turn["adapter"]))
        keys |= {"activation": up["activation"], "loss": turn["loss"], "gradient": turn["gradient"]}
    if reverse:
        states.reverse()
    keys["average"] = learning.average([state for state, _ in states], [1, 1], "average")["adapter"]
    keys["metrics"] = learning.evaluate([keys["average"], states[0][1]])
    assert learning.runtime.jobs_run == 0, "keys need no tensor"
    return {name: key_of(ref) for name, ref in keys.items()}


def key_of(ref: Ref) -> str:
    assert ref.value is not None
    return ref.value.key


def with_ids(data: Sequences, change: Callable[[Any], None]) -> Sequences:
    ids = data.ids.copy()
    change(ids)
    return replace(data, ids=ids)


def one_token(ids: Any) -> None:
    ids[3, 5] += 1


def changed(lab: Lab, before: dict[str, str]) -> set[str]:
    after = round_of(lab)
    return {name for name in before if before[name] != after[name]}


ALL = {"start", "activation", "loss", "gradient", "average", "metrics"}


def test_the_same_recipe_has_the_same_keys_in_any_run(lab) -> None:
    assert round_of(lab) == round_of(lab)
    assert len(set(round_of(lab).values())) == len(ALL)


@pytest.mark.parametrize("name", [field.name for field in fields(AdamW)])
def test_every_hyperparameter_of_the_optimiser_changes_what_is_stepped(lab, name) -> None:
    other = replace(lab.optimiser, **{name: getattr(lab.optimiser, name) / 2 + 1e-4})
    found = changed(replace(lab, optimiser=other), round_of(lab))
    assert {"gradient", "loss", "average", "metrics"} >= found >= {"average", "metrics"}
    assert "start" not in found


def test_another_seed_changes_all(lab) -> None:
    assert changed(replace(lab, seed=lab.seed + 1), round_of(lab)) == ALL


def test_one_changed_base_weight_changes_all(lab) -> None:
    other = replace(lab.foundation, sha256="another")
    assert changed(replace(lab, foundation=other), round_of(lab)) == ALL


@pytest.mark.parametrize("change", [{"r": 8}, {"lora_alpha": 16}, {"target_modules": ["c_attn"]}], ids=str)
def test_another_adapter_changes_all(lab, gpt2, tokens, tokenizer, change) -> None:
    from training.base_model import BaseModel

    base = BaseModel(name="tiny", model=gpt2.build(), tokenizer=tokenizer, sha256="")
    other = Lab.open(
        base,
        gpt2.lora(**change),
        train=lab.train,
        held_out=lab.held_out,
        optimiser=lab.optimiser,
        seed=lab.seed,
    )
    assert changed(other, round_of(lab)) == ALL


def test_one_token_of_the_corpus_changes_what_is_learned(lab) -> None:
    other = replace(lab, train=with_ids(lab.train, one_token))
    assert changed(other, round_of(lab)) == ALL - {"start"}


def test_one_target_changes_what_is_learned(lab) -> None:
    targets = lab.train.targets.copy()
    targets[0, 3] += 1
    assert changed(replace(lab, train=replace(lab.train, targets=targets)), round_of(lab)) == ALL - {"start"}


def test_held_out_text_changes_evaluations_alone(lab) -> None:
    other = replace(lab, held_out=with_ids(lab.held_out, one_token))
    assert changed(other, round_of(lab)) == {"metrics"}


def test_how_the_machine_computes_changes_nothing(lab) -> None:
    other = replace(lab, machine=replace(lab.machine, threads=7, tokens=3))
    assert changed(other, round_of(lab)) == set()


def test_the_rows_of_a_batch_and_their_order_change_what_is_learned(lab) -> None:
    before = round_of(lab)
    for rows in ((0, 2), (1, 0)):
        after = round_of(lab, rows)
        assert after["average"] != before["average"]
        assert after["start"] == before["start"]


def test_the_order_of_inputs_matters(lab) -> None:
    before, after = round_of(lab), round_of(lab, reverse=True)
    assert after["average"] != before["average"]
    learning = Learning(DeferredRuntime(lab))
    one, two = learning.start(lab.whole, "own"), round_state(learning)
    assert key_of(learning.adopt(learning.whole, one, two)["adapter"]) != key_of(
        learning.adopt(learning.whole, two, one)["adapter"]
    )


def round_state(learning: Learning) -> Ref:
    start = learning.start(learning.whole, "own")
    return learning.loss_and_backward(learning.whole, start, learning.batch((0, 1)))["adapter"]


def test_the_order_of_losses_does_not_matter(lab) -> None:
    learning = Learning(DeferredRuntime(lab))
    start = learning.start(lab.whole, "own")
    losses = [learning.loss_and_backward(lab.whole, start, learning.batch((row, row + 1)))["loss"] for row in range(4)]
    assert key_of(learning.mean_loss(losses)) == key_of(learning.mean_loss(losses[::-1]))
    assert key_of(learning.mean_loss(losses)) != key_of(learning.mean_loss(losses[:3]))


def test_samples_change_an_average_by_their_ratio_alone(lab) -> None:
    learning = Learning(DeferredRuntime(lab))
    pair = [learning.start(lab.whole, "own"), round_state(learning)]
    keys = [key_of(learning.average(pair, samples, "any")["adapter"]) for samples in ([1, 3], [2, 6], [3, 1])]
    assert keys[0] == keys[1] != keys[2]


def test_who_holds_a_state_does_not_matter(lab) -> None:
    learning = Learning(DeferredRuntime(lab))
    assert key_of(learning.start(lab.whole, "user0")) == key_of(learning.start(lab.whole, "cloud"))


def test_the_code_of_an_operation_is_part_of_its_keys() -> None:
    assert code_of(Average) == code_of(Average) != code_of(Adopt)


@given(st.lists(st.text()), st.lists(st.text()))
def test_a_digest_tells_all_lists_of_texts_apart(one: list[str], other: list[str]) -> None:
    assert (digest(*one) == digest(*other)) == (one == other)
    assert set(digest(*one)) <= set("0123456789abcdef")


@given(st.text(min_size=1), st.text(min_size=1))
def test_where_a_part_ends_matters(one: str, other: str) -> None:
    assert digest(one, other) != digest(one + other) != digest(one + other[:-1], other[-1])
    assert digest(one, "") != digest(one) != digest("", one)
