"""Messages by radio that are lost, and packets that are corrupted: how often, and what is carried again."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.faults.repeats import Repeats
from cosim.scenario.faults import Corruption, Losses

US = 1000
STANDARD_ERRORS = 4.9
"""A right draw is further off with probability 1e-6; the seed is fixed."""


def repeats(losses: dict[str, Any] | None = None, corruption: dict[str, Any] | None = None, seed: int = 0) -> Repeats:
    return Repeats(
        seed=seed,
        losses=None if losses is None else Losses(**{"timeout": "1 ms", **losses}),
        corruption=None if corruption is None else Corruption(**corruption),
    )


def test_each_message_is_lost_with_its_probability() -> None:
    lots, n, p = repeats(losses={"probability": 0.3}), 4000, 0.3
    lost = sum(lots.after(user, "uplink", 100, 0) is not None for user in range(4) for _ in range(n // 4))
    assert abs(lost / n - p) < STANDARD_ERRORS * np.sqrt(p * (1 - p) / n)


def test_packets_are_corrupted_each_for_itself() -> None:
    lots, n, p = repeats(corruption={"probability": 0.2, "packet": "100 B"}), 200, 0.2
    again = [lots.after(0, "downlink", 10_000, 0) for _ in range(n)]
    packets = sum(each.nbytes for each in again if each is not None) / 100
    assert abs(packets / (100 * n) - p) < STANDARD_ERRORS * np.sqrt(p * (1 - p) / (100 * n))


def test_no_more_is_sent_again_than_there_was() -> None:
    lots = repeats(corruption={"probability": 0.999, "packet": "1500 B"})
    assert {each.nbytes for each in (lots.after(0, "uplink", 700, 0) for _ in range(9)) if each is not None} == {700}


def test_after_the_last_attempt_the_sender_gives_up() -> None:
    lots = repeats(losses={"probability": 0.999, "attempts": 3})
    found = [lots.after(0, "uplink", 10, before) for before in range(3)]
    assert [each is not None and each.given_up for each in found] == [False, False, True]


def test_lots_are_those_of_the_user_whatever_others_send() -> None:
    alone, among = (repeats(losses={"probability": 0.5}) for _ in range(2))
    ours = []
    for _ in range(50):
        among.after(1, "uplink", 10, 0)
        ours.append(among.after(0, "uplink", 10, 0))
    assert ours == [alone.after(0, "uplink", 10, 0) for _ in range(50)]


def test_a_lost_message_is_sent_again_when_no_acknowledgement_has_come(tiny: Any) -> None:
    """Seed and stream are such that the first is lost and the second is not, which the record then shows."""
    seed = next(seed for seed in range(100) if _losses(seed, 2) == [True, False])
    tiny.network.repeats = repeats(losses={"probability": 0.5}, seed=seed)
    tiny.run(tiny.network.send(tiny.users[0], tiny.edges[0], [tiny.payload(1000)]))
    assert tiny.lines() == [
        "0..1000 user0 transmitting uplink 1000",
        "1000..2000 user0 waiting message lost 0",
        "2000..3000 user0 transmitting uplink 1000",
    ]
    assert [a.repeated_bytes for a in tiny.recorder.activities] == [0, 0, 1000]


def _losses(seed: int, count: int) -> list[bool]:
    lots = repeats(losses={"probability": 0.5}, seed=seed)
    return [lots.after(0, "uplink", 1000, 0) is not None for _ in range(count)]


def test_a_message_that_is_lost_for_good_ends_what_waits_for_it(tiny: Any) -> None:
    tiny.network.repeats = repeats(losses={"probability": 0.999, "attempts": 2})
    causes = []

    def story() -> Any:
        try:
            yield from tiny.network.send(tiny.users[0], tiny.edges[0], [tiny.payload(1000)])
        except simpy.Interrupt as stop:
            causes.append(stop.cause)

    tiny.run(story())
    assert causes == ["message lost for good"]
    assert [node.memory.left()["buffers"] for node in (tiny.users[0], tiny.edges[0])] == [0, 0]


CHANGES = st.lists(st.tuples(st.integers(0, 3000), st.sampled_from([0, 1, None]), st.integers(0, 400)), max_size=6)


@settings(max_examples=60)
@given(
    changes=CHANGES, nbytes=st.integers(1, 2000), to_user=st.booleans(), resumes=st.booleans(), seed=st.integers(0, 99)
)
def test_whatever_is_lost_corrupted_or_cut_off_every_byte_arrives_and_is_counted_once(
    make_tiny: Any, changes: list[Any], nbytes: int, to_user: bool, resumes: bool, seed: int
) -> None:
    """By radio, those sent again are counted apart; over the wires goes each byte once."""
    tiny = make_tiny()
    tiny.network.resumes = resumes
    tiny.network.repeats = repeats({"probability": 0.3}, {"probability": 0.3, "packet": "100 B"}, seed)
    user, cloud = tiny.users[0], tiny.cloud
    user.link.may_change = True
    for at_us, edge, length_us in sorted(changes, key=lambda change: change[0]):
        until_ns = (at_us + length_us) * US
        if edge is None:
            tiny.clock.at(at_us * US, lambda until_ns=until_ns: user.link.block("link broken", until_ns))
        else:
            target = tiny.edges[edge]
            tiny.clock.at(at_us * US, lambda t=target, u=until_ns: user.link.hand_over(t, "handover", u))
    ends = (cloud, user) if to_user else (user, cloud)
    tiny.run(tiny.network.send(*ends, [tiny.payload(nbytes)]))
    by_kind = Counter[str]()
    for a in tiny.recorder.activities:
        by_kind["wire" if a.kind == "backhaul" else "radio"] += a.activation_bytes
        assert a.kind != "backhaul" or not a.repeated_bytes
    assert by_kind["radio"] == nbytes if resumes else by_kind["radio"] >= nbytes
    if not to_user:
        assert by_kind["wire"] == nbytes
    assert [node.memory.left()["buffers"] for node in ends] == [0, nbytes]


@pytest.mark.parametrize(
    ("section", "values"),
    [(Losses, {"probability": 1.0, "timeout": "1 s"}), (Corruption, {"probability": -0.1}), (Losses, {"timeout": 3})],
)
def test_what_cannot_be_is_refused(section: Any, values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"probability|timeout"):
        section(**values)
