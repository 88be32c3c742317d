from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.nodes import Node
from cosim.scenario import Scenario
from cosim.world import World, build_world, radio_gain
from training.jobs import Output, Ref
from training.partition import Natural
from training.runtime import AnalyticRuntime
from training.sequences import Sequences

AUTHORS, ROWS_EACH = 40, 6
PARTITION_SEED = 5
SPEED, SPREAD = 20e9, 0.5
Z_LIMIT = 4.0  # a false alarm once in 16,000 seeds, and the seed is fixed
FEW = [1, 2, 3, 5, 8]


def scenario(users: int, seed: int = 0, compute: dict[str, Any] | None = None, **more: Any) -> Scenario:
    tree = {
        "name": "small",
        "seed": seed,
        "scheme": {"name": "federated"},
        "users": {"count": users, "compute": compute or {"speed": "20 GFLOP/s", "spread": SPREAD}},
        "edges": {"count": 2, "compute": {"speed": "2 TFLOP/s", "spread": 0.1}},
    }
    return Scenario.model_validate({**tree, **more})


def world(users: int, seed: int = 0, **more: Any) -> World:
    ids = np.arange(AUTHORS * ROWS_EACH * 8).reshape(-1, 8)
    author = np.arange(len(ids)) // ROWS_EACH
    sequences = Sequences(
        ids=ids,
        targets=ids,
        tokens=np.full(len(ids), ids.shape[1]),
        author=author,
        label=np.full(len(ids), -1),
        authors=tuple(map(str, range(AUTHORS))),
    )
    rows = Natural(authors_per_user=1).assign(sequences, users, PARTITION_SEED) if users <= AUTHORS else [ids] * users
    return build_world(scenario(users, seed, **more), AnalyticRuntime(lab=None), rows)  # type: ignore[arg-type]


def speed(node: Node) -> float:
    """FLOPs a second, of a node of steady speed."""
    return 1 / node.processor.time.seconds(1)


def uplink_ends_ns(built: World, user: int) -> list[int]:
    """When messages of the user arrive that are sent one after another over a few hundred fading blocks."""
    ends, person = [], built.users[user]

    def story():
        for _ in range(5):
            payload = Ref("it", Output(nbytes=300_000, kind="activation"), "", None)
            yield from built.network.send(person, person.edge, [payload])
            ends.append(built.clock.now_ns)

    built.clock.run(built.clock.process(story()))
    return ends


def test_the_world_has_what_the_scenario_counts() -> None:
    built = world(users=5)
    assert [node.name for node in built.nodes] == [
        *("user0", "user1", "user2", "user3", "user4"),
        *("edge0", "edge1", "cloud"),
    ]
    assert [user.edge.index for user in built.users] == [0, 1, 0, 1, 0]
    assert [user.samples for user in built.users] == [ROWS_EACH] * 5
    assert len(built.network.uplinks) == len(built.network.downlinks) == len(built.network.to_cloud) == 2


def test_speeds_fill_the_spread_evenly_and_stay_within_it() -> None:
    users = 400
    speeds = np.array([speed(user) for user in world(users).users])
    assert speeds.min() >= SPEED * (1 - SPREAD)
    assert speeds.max() <= SPEED * (1 + SPREAD)
    deviation = SPEED * SPREAD / np.sqrt(3)  # of a uniform number
    assert abs(speeds.mean() - SPEED) < Z_LIMIT * deviation / np.sqrt(users)
    assert speeds.std() == pytest.approx(deviation, rel=0.1)  # standard error 2 percent


def test_edge_servers_draw_apart_from_users_and_the_cloud_has_the_speed_itself() -> None:
    built = world(users=2, cloud={"compute": {"speed": "20 TFLOP/s"}})
    assert speed(built.cloud) == pytest.approx(20e12)
    user_draw, edge_draw = (
        (speed(node) / nominal - 1) / spread
        for node, nominal, spread in ((built.users[0], 20e9, SPREAD), (built.edges[0], 2e12, 0.1))
    )
    assert abs(user_draw - edge_draw) > 1e-6


def test_a_profile_gives_every_user_the_measured_times_over_its_factor(tmp_path: Path) -> None:
    file = tmp_path / "phone.csv"
    file.write_text("flops,seconds\n1e9,0.5\n2e9,0.7\n")
    measured = {"profile": str(file), "factor": 2}
    built = world(3, compute=measured, cloud={"compute": measured})
    for node in (*built.users, built.cloud):
        assert [node.processor.time.seconds(flops) for flops in (1e9, 2e9)] == [0.25, 0.35]


def test_a_spread_about_a_profile_is_that_about_a_speed(tmp_path: Path) -> None:
    file = tmp_path / "phone.csv"
    file.write_text(f"flops,seconds\n{SPEED},1\n")
    by_profile = world(4, compute={"profile": str(file), "spread": SPREAD})
    assert [speed(user) for user in by_profile.users] == pytest.approx([speed(user) for user in world(4).users])


def test_users_drawn_from_a_file_have_its_ratios_and_stay_who_they_are_when_others_come(tmp_path: Path) -> None:
    file = tmp_path / "phones.csv"
    file.write_text("ms\n50\n20\n10\n")
    compute = {"speed": "20 GFLOP/s", "capacities": {"file": str(file), "column": "ms"}}
    few, many = (world(users, compute=compute) for users in (8, 30))
    assert {round(speed(user) / SPEED, 9) for user in many.users} == {0.4, 1.0, 2.0}
    assert [user.processor for user in few.users] == [user.processor for user in many.users[:8]]
    other = world(30, seed=1, compute=compute)
    assert [user.processor for user in other.users] != [user.processor for user in many.users]


@pytest.mark.parametrize(("fewer", "more"), list(pairwise(FEW)))
def test_adding_users_leaves_the_others_as_they_were_bit_for_bit(fewer: int, more: int) -> None:
    small, large = world(fewer), world(more)
    assert np.array_equal(radio_gain(scenario(fewer)), radio_gain(scenario(more))[:fewer])
    for before, after in zip(small.users, large.users, strict=False):
        assert before.processor == after.processor
        assert before.edge.name == after.edge.name
        assert np.array_equal(before.rows, after.rows)
        assert [small.batch_rows(before, i) for i in range(9)] == [large.batch_rows(after, i) for i in range(9)]
    assert [edge.processor for edge in small.edges] == [edge.processor for edge in large.edges]
    last = fewer - 1
    assert uplink_ends_ns(small, last) == uplink_ends_ns(large, last)


def test_users_with_the_same_data_go_through_it_in_orders_of_their_own() -> None:
    built = world(users=2)
    built.users[1].rows = built.users[0].rows
    first, second = ([built.batch_rows(user, i) for i in range(9)] for user in built.users)
    assert first != second


def test_a_position_depends_on_the_user_alone() -> None:
    without_shadowing = {"radio": {"shadowing": "0 dB"}}
    few, many = scenario(3, **without_shadowing), scenario(9, **without_shadowing)
    assert np.array_equal(radio_gain(few), radio_gain(many)[:3])
    assert len(set(radio_gain(many).tolist())) == 9


def test_what_one_key_says_leaves_the_draws_of_the_others_alone() -> None:
    calm, loud = scenario(4, radio={"shadowing": "0 dB"}), scenario(4, radio={"shadowing": "16 dB"})
    middle = scenario(4, radio={"shadowing": "8 dB"})
    in_db = [10 * np.log10(radio_gain(each)) for each in (calm, middle, loud)]
    assert in_db[1] - in_db[0] == pytest.approx((in_db[2] - in_db[0]) / 2)  # the same draws, twice as deep
    assert world(4, radio={"shadowing": "16 dB"}).users[3].processor == world(4).users[3].processor


def test_the_same_seed_gives_the_same_world_and_another_seed_another() -> None:
    one, again, other = world(4, seed=1), world(4, seed=1), world(4, seed=2)
    assert [user.processor for user in one.users] == [user.processor for user in again.users]
    assert uplink_ends_ns(one, 3) == uplink_ends_ns(again, 3)
    for mine, theirs in zip(one.users, other.users, strict=True):
        assert mine.processor != theirs.processor
        assert [one.batch_rows(mine, i) for i in range(9)] != [other.batch_rows(theirs, i) for i in range(9)]
    assert not np.any(radio_gain(scenario(4, seed=1)) == radio_gain(scenario(4, seed=2)))
    assert uplink_ends_ns(world(4, seed=1), 2) != uplink_ends_ns(other, 2)


def test_the_two_directions_of_a_link_fade_apart() -> None:
    radio = {"user_noise_figure": "5 dB", "edge_noise_figure": "5 dB"}
    built = world(2, edges={"count": 1, "power": "23 dBm"}, radio=radio)  # users send with 23 dBm too
    ends = {}

    def story(name: str, cell: Any):
        yield cell.begin(0, 1_000_000).done
        ends[name] = built.clock.now_ns

    for name, cells in (("uplink", built.network.uplinks), ("downlink", built.network.downlinks)):
        built.clock.process(story(name, cells[0]))
    built.clock.env.run()
    assert ends["uplink"] != ends["downlink"]


def test_a_radio_says_what_places_cost() -> None:
    """The default stays the macro cell of 8 dB, users independent; what is named changes it."""
    default = radio_gain(scenario(50))
    said = {"shadowing": "8 dB", "pathloss": {"name": "macro"}, "decorrelation": "0 m", "user_height": "3 m"}
    assert (radio_gain(scenario(50, radio=said)) == default).all()
    for change in ({"pathloss": "uma"}, {"shadowing": "4 dB"}, {"decorrelation": "30 m"}):
        assert (radio_gain(scenario(50, radio=change)) != default).all()
    indoors = radio_gain(scenario(50, radio={"pathloss": "uma", "indoor": 1.0}))
    assert np.median(indoors) < np.median(radio_gain(scenario(50, radio={"pathloss": "uma"})))


def test_another_user_changes_no_gain_of_the_urban_cell() -> None:
    options = {"pathloss": "uma", "indoor": 0.3}
    assert (radio_gain(scenario(9, radio=options))[:8] == radio_gain(scenario(8, radio=options))).all()


def test_users_who_move_have_another_channel_on_the_way() -> None:
    """They begin where those who stay are, so the gain is the same; later transfers take another time."""
    walk = {"name": "random_waypoint", "least_speed": "100 km/h", "greatest_speed": "120 km/h"}
    still, moving = world(4), world(4, radio={"mobility": walk})
    assert (radio_gain(scenario(4)) == radio_gain(scenario(4, radio={"mobility": walk}))).all()
    assert uplink_ends_ns(still, 1) != uplink_ends_ns(moving, 1)
    assert uplink_ends_ns(world(5, radio={"mobility": walk}), 1) == uplink_ends_ns(
        world(4, radio={"mobility": walk}), 1
    )
