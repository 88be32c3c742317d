from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.coverage import Coverage
from cosim.nodes import Node
from cosim.scenario import Scenario
from cosim.world import World, build_world
from training.jobs import Output, Ref
from training.partition import Natural
from training.runtime import AnalyticRuntime
from training.sequences import Sequences

AUTHORS, ROWS_EACH = 40, 6
PARTITION_SEED = 5
SPEED, SPREAD = 20e9, 0.5
Z_LIMIT = 4.0  # a false alarm once in 16,000 seeds, and the seed is fixed
FEW = [1, 2, 3, 5, 8]
STATIC_NS = [9831890, 19663780, 33170300, 44848969, 54563127]
WALKING_NS = [9825599, 19651198, 33117851, 44783554, 54467168]


def scenario(
    users: int,
    seed: int = 0,
    compute: dict[str, Any] | None = None,
    availability: Any = "always",
    memory: Any = (),
    **more: Any,
) -> Scenario:
    tree = {
        "name": "small",
        "seed": seed,
        "scheme": {"name": "federated"},
        "users": {
            "count": users,
            "compute": compute or {"speed": "20 GFLOP/s", "spread": SPREAD},
            "availability": availability,
            "memory": memory,
        },
        "edges": {"count": 2, "compute": {"speed": "2 TFLOP/s", "spread": 0.1}},
    }
    return Scenario.model_validate({**tree, **more})


def radio_gain(scenario: Scenario) -> np.ndarray:
    """Mean power gain (users,) between each user and its edge server when all begins."""
    coverage = Coverage(scenario)
    return coverage.start_gain[coverage.nearest, coverage.users]


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


def test_memory_is_dealt_in_turn_and_without_a_word_has_no_limit() -> None:
    edges, cloud = {"count": 2, "memory": "24 GB"}, {"memory": "80 GB"}
    built = world(5, memory=["2 GB", "1 GiB"], edges=edges, cloud=cloud)
    assert [user.memory_bytes for user in built.users] == [2e9, 2.0**30, 2e9, 2.0**30, 2e9]
    assert [node.memory_bytes for node in (*built.edges, built.cloud)] == [24e9, 24e9, 80e9]
    assert built.limited
    free = world(5)
    assert {node.memory_bytes for node in free.nodes} == {None}
    assert not free.limited


def test_users_drawn_from_a_file_have_speed_and_memory_of_the_same_row(tmp_path: Path) -> None:
    file = tmp_path / "phones.csv"
    file.write_text("ms,ram\n50,2\n20,4\n10,12\n")
    given = {"file": str(file), "column": "ms", "memory_column": "ram", "memory_unit": "1 GiB"}
    built = world(30, compute={"speed": "20 GFLOP/s", "capacities": given})
    drawn = {(round(speed(user) / SPEED, 9), user.memory_bytes) for user in built.users}
    assert drawn == {(0.4, 2 * 2.0**30), (1.0, 4 * 2.0**30), (2.0, 12 * 2.0**30)}
    assert built.limited


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


ROUTE_MPS = 20.0
STREET = {
    "layout": {"name": "line", "site_distance": "400 m"},
    "pathloss": {"name": "log_distance", "exponent": 3.0},
    "base_height": "1.5 m",
    "shadowing": "0 dB",
    "handover": {"hysteresis": "3 dB", "time_to_trigger": "160 ms", "interval": "40 ms", "interruption": "50 ms"},
}


def walked(tmp_path: Path, *tracks: str, **more: Any) -> World:
    """Users on recorded tracks along a street of three edge servers, after a minute and a half."""
    file = tmp_path / "tracks.csv"
    file.write_text("time_s,user,x_m,y_m\n" + "".join(tracks))
    radio = {**STREET, "mobility": {"name": "recorded", "path": str(file)}}
    built = world(users=len(tracks), edges={"count": 3}, radio={**radio, **more})
    built.clock.run(built.clock.at(90 * 1_000_000_000))
    return built


def test_a_user_on_a_straight_way_is_handed_over_when_path_loss_says(tmp_path: Path) -> None:
    """3 dB at exponent 3 are a ratio of distances of 10^0.1: at 222.95 m of 400; checks come every 40 ms, 0.8 m.

    Between metres the gain goes straight, which shifts the place by less than a millimetre.
    """
    (user,) = walked(tmp_path, f"0,0,5,0\n{790 / ROUTE_MPS},0,795,0\n").users
    ratio = 10**0.1
    expected = []
    for site in (0, 1):
        crossing_s = (400 * site + 400 * ratio / (1 + ratio) - 5) / ROUTE_MPS
        expected.append((np.ceil(crossing_s / 0.04) + 4) * 0.04)
    assert [edge.name for _, edge in user.link.served] == ["edge0", "edge1", "edge2"]
    assert [since_ns for since_ns, _ in user.link.served[1:]] == pytest.approx([1e9 * s for s in expected], abs=1)
    rows = [a for a in user.services.recorder.activities if a.kind == "handover"]
    assert [row.reason for row in rows] == [
        "edge0 to edge1, stronger by 3 dB for 160 ms",
        "edge1 to edge2, stronger by 3 dB for 160 ms",
    ]
    assert {row.end_ns - row.start_ns for row in rows} == {50_000_000}


def test_whoever_goes_to_and_fro_within_the_hysteresis_stays(tmp_path: Path) -> None:
    to_and_fro = "".join(f"{4 * turn},0,{(180, 220)[turn % 2]},0\n" for turn in range(20))
    (user,) = walked(tmp_path, to_and_fro).users
    assert [edge.name for _, edge in user.link.served] == ["edge0"]


def test_another_user_changes_no_handover(tmp_path: Path) -> None:
    first, other = "0,0,5,0\n40,0,700,0\n", "0,1,700,9\n20,1,10,9\n"
    alone, both = walked(tmp_path, first), walked(tmp_path, first, other)
    assert [(since_ns, edge.name) for since_ns, edge in alone.users[0].link.served] == [
        (since_ns, edge.name) for since_ns, edge in both.users[0].link.served
    ]
    assert len(both.users[1].link.served) > 1


def test_users_who_stay_or_whose_cells_are_apart_are_never_handed_over() -> None:
    walk = {"name": "random_waypoint", "least_speed": "20 m/s", "greatest_speed": "30 m/s"}
    for radio in ({"layout": {"name": "line", "site_distance": "100 m"}}, {"mobility": walk}):
        built = world(4, radio=radio)
        assert not any(user.link.may_change for user in built.users)
        built.clock.env.run()
        assert built.clock.now_ns == 0, "nothing was planned"


def test_absences_and_outages_come_from_what_the_scenario_says(tmp_path: Path) -> None:
    file = tmp_path / "present.csv"
    file.write_text("user,start_s,end_s\n0,0,2\n0,5,9\n1,1,50\n")
    recorded = {"name": "recorded", "path": str(file)}
    built = world(2, availability=recorded, radio={"outages": recorded})
    built.clock.run(built.clock.at(60 * 1_000_000_000))
    found = [(a.node, a.kind, a.start_ns / 1e9, a.end_ns / 1e9, a.reason) for a in built.recorder.activities]
    for kind in ("absence", "outage"):
        assert [row for row in found if row[1] == kind] == [
            ("user1", kind, 0.0, 1.0, ""),
            ("user0", kind, 2.0, 5.0, ""),
            ("user0", kind, 9.0, 9.0, "for ever"),
            ("user1", kind, 50.0, 50.0, "for ever"),
        ]
    assert all(user.link.is_lost for user in built.users)


def test_edge_servers_that_share_a_backhaul_queue_for_it() -> None:
    """A megabyte takes a second of 8 Mbit/s; four messages up take four on a shared wire and two on two."""
    ends_s = {}
    for sharing in ("shared", "dedicated"):
        built = world(2, backhaul={"rate": "8 Mbit/s", "latency": "0 s", "sharing": sharing})
        payload = Ref("it", Output(nbytes=1_000_000, kind="adapter"), "", None)
        for edge in built.edges * 2:
            built.clock.process(built.network.send(edge, built.cloud, [payload]))
        built.clock.env.run()
        ends_s[sharing] = built.clock.now_s
        waited = [a for a in built.recorder.activities if a.reason == "backhaul busy"]
        assert sum(a.end_ns - a.start_ns for a in waited) == (6e9 if sharing == "shared" else 2e9)
    assert ends_s == {"shared": 4.0, "dedicated": 2.0}


def test_directions_of_a_shared_backhaul_do_not_share() -> None:
    network = world(2, backhaul={"sharing": "shared"}).network
    assert network.to_cloud[0] is network.to_cloud[1]
    assert network.from_cloud[0] is network.from_cloud[1] is not network.to_cloud[0]


def test_cells_apart_are_what_they_were_before_there_were_planes() -> None:
    """Arrivals in ns of user 5 of nine, as they were before edge servers could stand in one plane."""
    walk = {"name": "random_waypoint", "least_speed": "100 km/h", "greatest_speed": "120 km/h"}
    assert uplink_ends_ns(world(9), 5) == STATIC_NS
    assert uplink_ends_ns(world(9, radio={"mobility": walk}), 5) == WALKING_NS
