from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.devices import Faster, SteadySpeed
from cosim.processor import Processor
from cosim.scenario.compute import Compute, FleetCompute
from cosim.world import _fleet, _processors
from training.jobs import Output

SECOND = 1_000_000_000  # in ns, and in FLOPs at the speed of the tiny world
HALF = 500_000_000
CUSTOMERS = 20_000
WARM_UP, BATCHES = 2_000, 18  # batches of 1000 mean services: ten times the relaxation time at a load of 0.8
LOAD = 0.8
Z_LIMIT = 4.0  # a false alarm once in 16,000 seeds, and the seed is fixed
SERVICE_NS = 1_000
ENERGY_ROUNDING = 1e-12  # relative: a sum of two products


def poisson_arrivals_ns(seed: int) -> list[int]:
    gaps = np.random.default_rng(seed).exponential(SERVICE_NS / LOAD, CUSTOMERS)
    return np.cumsum(gaps).round().astype(np.int64).tolist()


def serve(tiny: Any, arrivals_ns: list[int], services_ns: list[int]) -> list[int]:
    """Let jobs of these lengths arrive at the cloud; the instants at which their events came."""
    left_ns = []

    def source():
        for arrival_ns, service_ns in zip(arrivals_ns, services_ns, strict=True):
            yield tiny.clock.at(arrival_ns)
            done = tiny.cloud.compute(tiny.job(flops=service_ns))
            done.callbacks.append(lambda _: left_ns.append(tiny.clock.now_ns))

    tiny.run(source())
    return left_ns


def starts_ns(tiny: Any) -> list[int]:
    return [a.start_ns for a in tiny.recorder.activities if a.act == "computing"]


def z_score(waits_ns: np.ndarray, theory: float) -> float:
    """Distance of the mean wait, in mean services, from theory, in standard errors found by batch means."""
    means = (waits_ns[WARM_UP:] / SERVICE_NS).reshape(BATCHES, -1).mean(axis=1)
    return float((means.mean() - theory) / (means.std(ddof=1) / np.sqrt(BATCHES)))


def test_a_node_twice_as_fast_takes_half_the_time(tiny: Any) -> None:
    fast, slow = tiny.users[0], tiny.users[1]
    slow.processor = replace(slow.processor, time=Faster(than=fast.processor.time, factor=0.5))
    instants = {}

    def work(user: Any):
        yield user.compute(tiny.job(flops=3 * SECOND))
        instants[user.name] = tiny.clock.now_s

    tiny.run(work(fast), work(slow))
    assert instants == {"user0": 3.0, "user1": 6.0}


def test_jobs_are_served_in_the_order_of_their_arrival_and_say_what_they_wait_for(tiny: Any) -> None:
    def ask(after_us: int, kflop: int):
        yield tiny.clock.at(after_us * 1000)
        yield tiny.cloud.compute(tiny.job(flops=kflop * 1000))

    tiny.run(ask(0, 100), ask(20, 10), ask(10, 50))
    assert tiny.lines() == [
        "0..100 cloud computing cloud_compute 0",
        "10..100 cloud waiting cloud busy 0",
        "100..150 cloud computing cloud_compute 0",
        "20..150 cloud waiting cloud busy 0",
        "150..160 cloud computing cloud_compute 0",
    ]


def test_a_job_without_work_does_not_queue(tiny: Any) -> None:
    def story():
        tiny.cloud.compute(tiny.job(flops=SECOND))
        yield tiny.cloud.compute(tiny.job(flops=0))
        assert tiny.clock.now_ns == 0

    tiny.run(story())
    assert tiny.clock.now_ns == SECOND


def test_a_job_is_run_when_its_event_comes_and_not_before(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = []
    monkeypatch.setattr(tiny.runtime, "reached", lambda job: reached.append(tiny.clock.now_ns))

    def story():
        yield tiny.cloud.compute(tiny.job(flops=700))
        assert reached == [700]  # the values exist when the story goes on

    tiny.run(story())


@pytest.mark.parametrize(("watts", "seconds"), [(5.0, 2), (0.0, 3), (150.0, 1)])
def test_energy_is_watts_times_seconds_of_computing_and_waiting_costs_none(
    tiny: Any, watts: float, seconds: int
) -> None:
    tiny.cloud.processor = Processor(time=SteadySpeed(flops_per_s=SECOND), power_w=watts)
    serve(tiny, [0, 0], [seconds * SECOND] * 2)
    energies_j = [a.energy_j for a in tiny.recorder.activities if a.act == "computing"]
    assert energies_j == [watts * seconds] * 2
    assert sum(a.energy_j for a in tiny.recorder.activities) == 2 * watts * seconds


def test_switched_capacitance_takes_kappa_f_cubed_watts() -> None:
    given = {"speed": "10 GFLOP/s", "kappa": 1e-28, "frequency": "2 GHz", "power": "0 W"}
    (processor,) = _processors(Compute.model_validate(given), [1.0])
    seconds = processor.time.seconds(30 * SECOND)
    assert seconds == 3.0
    assert processor.power_w * seconds == pytest.approx(1e-28 * 2e9**3 * seconds, rel=ENERGY_ROUNDING)  # 2.4 J


def test_a_node_drawn_twice_as_fast_takes_four_times_the_switching_energy_for_the_same_work() -> None:
    """kappa f^2 a cycle, the clock being in proportion to the speed; constant power comes on top."""
    given = Compute.model_validate({"speed": "1 GFLOP/s", "kappa": 1e-28, "frequency": "1 GHz", "power": "1 W"})
    slow_and_fast = _processors(given, [0.5, 1.0])
    energies_j = [(p.power_w - 1.0) * p.time.seconds(SECOND) for p in slow_and_fast]
    assert energies_j[1] == pytest.approx(4 * energies_j[0], rel=ENERGY_ROUNDING)


def test_utilisation_slows_and_the_spread_is_symmetric_about_the_speed() -> None:
    compute = FleetCompute.model_validate({"speed": "10 GFLOP/s", "utilisation": 0.5, "spread": 0.2})
    speeds = np.array([1 / processor.time.seconds(1) for processor in _fleet(0, "user", 1000, compute)])
    assert 4e9 <= speeds.min() < 4.01e9
    assert 5.99e9 < speeds.max() <= 6e9
    assert speeds.mean() == pytest.approx(5e9, abs=4 * 1e9 / np.sqrt(3 * 2 * 1000))  # four standard errors and more


def test_waiting_before_exponential_services_is_that_of_the_m_m_1_queue(tiny: Any) -> None:
    services = np.random.default_rng(1).exponential(SERVICE_NS, CUSTOMERS).round().astype(np.int64).clip(1)
    arrivals = poisson_arrivals_ns(seed=2)
    serve(tiny, arrivals, services.tolist())
    theory = LOAD / (1 - LOAD)  # 4.0 mean services
    assert abs(z_score(np.array(starts_ns(tiny)) - arrivals, theory)) < Z_LIMIT


def test_waiting_before_equal_services_is_that_of_the_m_d_1_queue(tiny: Any) -> None:
    arrivals = poisson_arrivals_ns(seed=3)
    serve(tiny, arrivals, [SERVICE_NS] * CUSTOMERS)
    theory = LOAD / (2 * (1 - LOAD))  # Pollaczek and Khinchine: 2.0
    assert abs(z_score(np.array(starts_ns(tiny)) - arrivals, theory)) < Z_LIMIT


LENGTHS = st.lists(st.tuples(st.integers(0, 500), st.integers(1, 500)), min_size=1, max_size=30)


@settings(max_examples=50)
@given(lengths=LENGTHS)
def test_the_server_is_never_idle_while_somebody_waits(make_tiny: Any, lengths: list[tuple[int, int]]) -> None:
    tiny = make_tiny()
    arrivals, services = np.cumsum([gap for gap, _ in lengths]), np.array([service for _, service in lengths])
    left_ns = serve(tiny, arrivals.tolist(), services.tolist())
    before = np.cumsum(services) - services
    starts = before + np.maximum.accumulate(arrivals - before)  # Lindley's recursion, unrolled
    assert starts_ns(tiny) == starts.tolist()
    assert left_ns == (starts + services).tolist()


@settings(max_examples=50)
@given(lengths=LENGTHS)
def test_littles_law_holds_exactly(make_tiny: Any, lengths: list[tuple[int, int]]) -> None:
    tiny = make_tiny()
    arrivals = np.cumsum([gap for gap, _ in lengths]).tolist()
    left_ns = serve(tiny, arrivals, [service for _, service in lengths])
    changes = sorted([(ns, +1) for ns in arrivals] + [(ns, -1) for ns in left_ns])
    present = np.cumsum([change for _, change in changes])[:-1]
    customer_ns = int(np.sum(present * np.diff([ns for ns, _ in changes])))  # the integral of their number
    assert customer_ns == sum(a.end_ns - a.start_ns for a in tiny.recorder.activities)  # waiting and being served


def test_activations_are_held_from_the_forward_to_the_end_of_the_job_that_takes_them(tiny: Any) -> None:
    node, held = tiny.cloud, []

    def story():
        first = tiny.job(flops=10, saved_bytes=100, keeps=True, outputs={"held": Output()})
        yield node.compute(first)
        second = tiny.job(flops=10, saved_bytes=100, keeps=True, outputs={"held": Output()})
        yield node.compute(second)
        held.append(node.memory.left()["activations"])
        yield node.compute(tiny.job(first["held"], flops=10))
        held.append(node.memory.left()["activations"])
        yield node.compute(tiny.job(second["held"], flops=10))
        held.append(node.memory.left()["activations"])

    tiny.run(story())
    assert held == [200, 100, 0]
    assert node.memory.peaks()["activations"] == 200


def test_activations_that_nobody_takes_and_transient_memory_last_as_long_as_the_job(tiny: Any) -> None:
    for _ in range(2):  # the second waits for the first, so theirs do not add up
        tiny.cloud.compute(tiny.job(flops=10, saved_bytes=100, transient_bytes=30))
    peaks = tiny.cloud.memory.peaks()
    assert (peaks["activations"], peaks["transient"], peaks["total"]) == (100, 30, 130)
    assert set(tiny.cloud.memory.left().values()) == {0}


def test_a_payload_is_buffered_from_its_arrival_until_a_job_has_read_it(tiny: Any) -> None:
    payload = tiny.payload(500)
    tiny.cloud.receive(payload)
    assert tiny.cloud.memory.left()["buffers"] == 500
    tiny.cloud.compute(tiny.job(flops=10))  # does not read it
    assert tiny.cloud.memory.left()["buffers"] == 500
    tiny.cloud.compute(tiny.job(payload, flops=10))
    assert tiny.cloud.memory.left()["buffers"] == 0
    tiny.cloud.compute(tiny.job(payload, flops=10))  # reading again frees nothing more
    assert tiny.cloud.memory.left()["buffers"] == 0


def test_what_came_compressed_is_restored_beside_its_buffer_while_a_job_runs(tiny: Any) -> None:
    packed = Output(nbytes=100, kind="activation", whole_bytes=400)
    payload = tiny.job(outputs={"it": packed})["it"]
    tiny.cloud.receive(payload)
    tiny.cloud.compute(tiny.job(payload, flops=10, transient_bytes=30))
    peaks = tiny.cloud.memory.peaks()
    assert (peaks["buffers"], peaks["transient"], peaks["total"]) == (100, 430, 530)
    assert set(tiny.cloud.memory.left().values()) == {0}


def test_training_state_settles_once_for_each_lineage(tiny: Any) -> None:
    node, outputs = tiny.cloud, {"adapter": Output(nbytes=40, kind="adapter")}
    own = tiny.job(lineage="cloud 0:3 own", outputs=outputs)["adapter"]
    other = tiny.job(lineage="cloud 0:3 user1", outputs=outputs)["adapter"]
    for adapter in (own, other, own):
        for _ in range(2):
            node.compute(tiny.job(adapter, flops=5, resident_bytes={"adapter": 40, "gradient": 40, "optimiser": 80}))
    left = node.memory.left()
    assert (left["adapter"], left["gradient"], left["optimiser"]) == (2 * 40, 2 * 40, 2 * 80)


def test_frozen_weights_are_held_once_however_many_stages_use_them(tiny: Any) -> None:
    for part in ("0:3", "0:3", "3:6"):
        tiny.cloud.host(part, 1000)
    assert tiny.cloud.memory.left()["weights"] == 2000
