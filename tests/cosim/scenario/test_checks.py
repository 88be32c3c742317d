from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cosim.scenario import ScenarioError, load_scenario, write_scenario
from cosim.scenario.entries import entries, single

Write = Callable[..., Path]


def problems(path: Path) -> list[str]:
    """The lines of the refusal, without the file's name."""
    with pytest.raises(ScenarioError) as refusal:
        load_scenario(path)
    return [line.removeprefix(f"{path}: ") for line in str(refusal.value).split("\n")]


@pytest.fixture
def six_blocks(tmp_path: Path) -> str:
    """A folder with the configuration of a model of six blocks and 128 positions."""
    return folder_of(tmp_path / "six", '{"model_type": "gpt2", "n_layer": 6, "n_positions": 128}')


def folder_of(folder: Path, config: str) -> str:
    """A model by its configuration, with a file of weights that nobody opens."""
    folder.mkdir()
    (folder / "config.json").write_text(config)
    (folder / "model.safetensors").touch()
    return str(folder)


def test_a_model_without_weights_has_costs_and_no_more(write: Write, six_blocks: str) -> None:
    (Path(six_blocks) / "model.safetensors").unlink()
    (line,) = problems(write(model={"base": six_blocks}))
    assert line == (
        f"model.base = {six_blocks!r}: no .safetensors weights beside its config.json, which only execution: analytic "
        "can do without; execution is deferred"
    )
    assert load_scenario(write(model={"base": six_blocks}, execution="analytic")).model.base == six_blocks


@pytest.mark.parametrize("cut", [6, 7, [2, 6], [3, 3], [4, 2]])
def test_cut_layers_rise_inside_the_model(write: Write, six_blocks: str, cut: Any) -> None:
    (line,) = problems(write(scheme={"name": "splitfed", "cut": cut}, model={"base": six_blocks}))
    cuts = cut if isinstance(cut, list) else [cut]
    assert line.startswith(f"splitfed: scheme.cut = {cuts}: cut layers must rise between 1 and 5, ")
    assert line.endswith("having 6 blocks")


@pytest.mark.parametrize("cut", [1, 5, [1, 2], [1, 5], [4, 5]])
def test_cuts_that_leave_every_part_a_block_are_fine(write: Write, six_blocks: str, cut: Any) -> None:
    load_scenario(write(scheme={"name": "splitfed", "cut": cut}, model={"base": six_blocks}))


def test_a_cut_that_is_chosen_needs_two_blocks(write: Write, tmp_path: Path) -> None:
    base = folder_of(tmp_path / "one", '{"model_type": "gpt2", "n_layer": 1, "n_positions": 128}')
    (line,) = problems(write(scheme={"name": "fedsllm", "cut": "auto"}, model={"base": base}))
    assert line.startswith("fedsllm: scheme.cut = 'auto': cut layers must rise between 1 and 0, ")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"cut": "deep"}, "scheme.cut = 'deep': expected a number of blocks such as 3, or two that rise such as "
         "[2, 6], or auto"),
        ({"cut": 0}, "scheme.cut = 0: expected a number of blocks such as 3"),
        ({"name": "splitfed", "cut": "auto"}, "scheme.cut = 'auto': expected a number of blocks such as 3"),
        ({"ranks": {}}, "scheme.ranks = {}: expected the rounds that adapters of each rank take, such as {1: 60, "
         "4: 45}"),
        ({"ranks": "auto"}, "scheme.ranks = 'auto': expected the rounds that adapters of each rank take"),
        ({"ranks": [1, 2]}, "scheme.ranks = [1, 2]: expected the rounds that adapters of each rank take"),
        ({"ranks": {0: 60}}, "scheme.ranks = {'0': 60}: expected the rounds that adapters of each rank take"),
        ({"ranks": {"low": 60}}, "scheme.ranks = {'low': 60}: expected the rounds that adapters of each rank take"),
        ({"ranks": {4: 0}}, "scheme.ranks = {'4': 0}: expected the rounds that adapters of each rank take"),
        ({"ranks": {4: True}}, "scheme.ranks = {'4': True}: expected the rounds that adapters of each rank take"),
        ({"ranks": {4: 60}, "local_steps": None}, "scheme.ranks = {4: 60.0}: rounds are measured at a number of local "
         "steps; give local_steps"),
        ({"ranks": {4: 60, 16: 40, 99: 30}}, "fedsllm: scheme.ranks = [4, 16, 99]: the adapter's rank is 8 "
         "(model.lora)"),
    ],
)  # fmt: skip
def test_choices_that_cannot_be_made_are_one_line(write: Write, given: dict[str, Any], says: str) -> None:
    (line,) = problems(write(scheme={"name": "fedsllm", "cut": 1, "local_steps": 4, **given}))
    assert line.startswith(says)


@pytest.mark.parametrize(
    ("training", "says"),
    [
        ({"optimiser": {"name": "sgd", "lr": 0.1}}, "training.optimiser = {'name': 'sgd', 'lr': 0.1}: "
         "sgd takes momentum, not lr"),
        ({"optimiser": {"name": "sgd", "momentum": 1.0}}, "training.optimiser = {'name': 'sgd', 'momentum': 1.0}: "
         "momentum = 1.0: must lie in [0, 1)"),
        ({"optimiser": "lion"}, "training.optimiser.name = 'lion': not one of adamw, sgd, nor a reference "
         "package.module:Name"),
    ],
)  # fmt: skip
def test_optimisers_that_cannot_be_made_are_one_line(write: Write, training: dict[str, Any], says: str) -> None:
    assert problems(write(training=training)) == [says]


THREE_PARTS = "expected two cut layers that rise, such as [2, 6], for three parts: user | edge | cloud"


@pytest.mark.parametrize(
    ("scheme", "sections", "says"),
    [
        ({}, {"users": {"count": 3}, "edges": {"count": 5}},
         "splitllm: edges.count = 5: each needs a user of its own in every round, users.count is 3"),
        ({"cut": 3}, {}, f"scheme.cut = 3: {THREE_PARTS}"),
        ({"cut": [3]}, {}, f"scheme.cut = [3]: {THREE_PARTS}"),
        ({"cut": "auto"}, {}, f"scheme.cut = 'auto': {THREE_PARTS}"),
        ({"cut": [2, 4, 6]}, {}, f"scheme.cut = [2, 4, 6]: {THREE_PARTS}"),
        ({"cut": [6, 2]}, {}, "splitllm: scheme.cut = [6, 2]: cut layers must rise between 1 and 11, "),
        ({"local_steps": 4, "local_epochs": 1}, {},
         "scheme.local_epochs = 1: local_steps = 4 says how long a round is, too; leave one out (null)"),
        ({"pairing": "lottery"}, {}, "scheme.pairing.name = 'lottery': not one of round_robin, attachment, nor a "
         "reference package.module:Name"),
        ({"pairing": "no.such:Pairing"}, {},
         "splitllm: scheme.pairing = 'no.such:Pairing': 'no.such:Pairing' cannot be imported: "),
        ({"pairing": {"name": "attachment", "turns": 2}}, {}, "splitllm: scheme.pairing = "
         "{'name': 'attachment', 'turns': 2}: attachment takes no options, not turns"),
        ({}, {"payloads": {"round_activations": "1 Mbit"}},
         "splitllm: payloads.round_activations: local epochs have no common number of mini-batches; give "
         "scheme.local_steps"),
    ],
)  # fmt: skip
def test_pairs_that_cannot_be_made_are_one_line(
    write: Write, scheme: dict[str, Any], sections: dict[str, Any], says: str
) -> None:
    (line,) = problems(write(scheme={"name": "splitllm", **scheme}, **sections))
    assert line.startswith(says)


def test_ranks_are_the_users_own_or_chosen_for_all(write: Write) -> None:
    scheme = {"name": "fedsllm", "cut": "auto", "local_steps": 4, "ranks": {4: 60, 8: 40.5}}
    (line,) = problems(write(scheme=scheme, users={"count": 2, "ranks": [4, 8]}))
    assert line == "users.ranks = [4, 8]: fedsllm chooses one rank for all (scheme.ranks)"


def test_choices_read_back_as_they_were(write: Write, tmp_path: Path) -> None:
    scheme = {"name": "fedsllm", "cut": "auto", "local_steps": 4, "ranks": {4: 60, 8: 40.5}}
    scenario = load_scenario(write(scheme=scheme))
    resolved = single(scenario, entries(scenario)[0])
    (tmp_path / "again.yaml").write_text(write_scenario(resolved))
    again = entries(load_scenario(tmp_path / "again.yaml"))[0].options
    assert (again.cut, again.ranks) == ("auto", {4: 60.0, 8: 40.5})


def test_the_cuts_of_compared_schemes_are_checked_too(write: Write, six_blocks: str) -> None:
    compare = [{"name": "split_learning", "cut": 6}, {"name": "federated"}]
    (line,) = problems(write(scheme={"name": "splitfed", "cut": 2}, compare=compare, model={"base": six_blocks}))
    assert line.startswith("split_learning: scheme.cut = [6]")


def test_a_sequence_has_to_fit_the_positions(write: Write, six_blocks: str) -> None:
    load_scenario(write(model={"base": six_blocks}, data={"sequence_length": 128}))
    (line,) = problems(write(model={"base": six_blocks}, data={"sequence_length": 129}))
    assert line == f"data.sequence_length = 129: {six_blocks} has 128 positions"


@pytest.mark.parametrize("base", ["./no/model/here", "~/no/model/here", "/no/model/here"])
def test_a_model_folder_that_is_not_there_is_named(write: Write, base: str) -> None:
    assert problems(write(model={"base": base})) == [f"model.base = {base!r}: no model in that folder"]


def test_a_model_of_the_hub_is_not_looked_for(write: Write) -> None:
    scheme = {"name": "splitfed", "cut": 30}
    assert load_scenario(write(model={"base": "owner/model"}, scheme=scheme)).model.base == "owner/model"


@pytest.mark.parametrize("content", ["{", "[]", '{"n_layer": "six"}'])
def test_a_model_configuration_that_cannot_be_read_is_one_line(write: Write, six_blocks: str, content: str) -> None:
    (Path(six_blocks) / "config.json").write_text(content)
    (line,) = problems(write(model={"base": six_blocks}))
    assert line.startswith(f"model.base = {six_blocks!r}: ")
    assert "config.json" in line


@pytest.mark.parametrize("key", ["pathloss", "fading", "access"])
@pytest.mark.parametrize("reference", ["no.such:Part", "json:NoSuchName", ":Name", "json:"])
def test_a_reference_of_the_radio_that_leads_nowhere_is_one_line(write: Write, key: str, reference: str) -> None:
    (line,) = problems(write(radio={key: reference}))
    assert line.startswith(f"radio.{key} = {reference!r}: {reference!r} cannot be imported: ")


def test_a_radio_part_of_ones_own_is_fine(write: Write) -> None:
    own = {"pathloss": "channel_models.pathloss:MacroPathLoss", "fading": "channel_models.fading:NoFading"}
    assert load_scenario(write(radio=own)).radio.fading.name == own["fading"]


@pytest.mark.parametrize("key", ["corpus", "validation"])
def test_a_corpus_that_is_not_there_is_named(write: Write, tmp_path: Path, key: str) -> None:
    missing = str(tmp_path / "none.txt")
    (line,) = problems(write(data={key: missing}))
    assert line == f"data.{key} = {missing!r}: not python-docs, nor a path that exists, nor hub:owner/name"


def test_corpora_that_may_be_there_are_fine(write: Write, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("some text")
    for source in (str(tmp_path / "text.txt"), str(tmp_path), "python-docs", "hub:owner/name"):
        assert load_scenario(write(data={"corpus": source, "validation": source})).data.corpus == source


@pytest.mark.parametrize(
    "partition",
    [
        "natural",
        {"name": "natural", "authors_per_user": 2},
        {"name": "dirichlet", "alpha": 0.1},
        {"name": "length", "alpha": 1, "buckets": 4},
        {"name": "training.partition:Iid", "samples_per_user": 7},
    ],
)
def test_partitions_with_their_options_are_fine(write: Write, partition: Any) -> None:
    load_scenario(write(data={"partition": partition}))


@pytest.mark.parametrize(
    ("partition", "value"),
    [
        ({"name": "dirichlet"}, "alpha"),
        ({"name": "dirichlet", "alpha": 0}, "0"),
        ({"name": "dirichlet", "alpha": "much"}, "much"),
        ({"name": "natural", "alpha": 0.1}, "alpha"),
        ({"name": "natural", "authors_per_user": 0}, "0"),
        ({"name": "no.such:Partition"}, "no.such:Partition"),
        ("natrual", "natrual"),
        (3, "3"),
    ],
)
def test_a_partition_that_cannot_be_made_is_one_line_with_key_and_value(
    write: Write, partition: Any, value: str
) -> None:
    (line,) = problems(write(data={"partition": partition}))
    assert line.startswith("data.partition")
    assert value in line


@pytest.mark.parametrize("role", ["users", "edges", "cloud"])
def test_a_profile_that_cannot_be_used_is_one_line_with_key_and_value(write: Write, tmp_path: Path, role: str) -> None:
    file = tmp_path / "phone.csv"
    path = write(**{role: {"compute": {"profile": str(file)}}})
    assert problems(path) == [f"{role}.compute.profile = {str(file)!r}: no such file"]
    for content, problem in (
        ("flops,ms\n1e9,5\n", "no column 'seconds', only flops, ms"),
        ("flops,seconds\n1e9,0.5\n2e9,-1\n", "line 3: seconds = '-1' is not a positive number"),
        ("flops,seconds\n1e9,2\n2e9,1\n", "seconds must rise with flops from zero, but 1e+09 FLOPs take 2 s"),
    ):
        file.write_text(content)
        (line,) = problems(path)
        assert line.startswith(f"{role}.compute.profile = {str(file)!r}: {problem}")
    file.write_text("flops,seconds\n1e9,1\n")
    load_scenario(path)


def test_capacities_that_cannot_be_used_are_one_line_with_key_and_value(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "phones.csv"
    file.write_text("tier,ms\nlow,30\nhigh,many\n")
    good = {"file": str(file), "column": "ms", "where": {"tier": "low"}}
    for change, problem in (
        ({"file": str(tmp_path / "none.csv")}, "no such file"),
        ({"column": "seconds"}, "no column 'seconds', only tier, ms"),
        ({"weight_column": "share"}, "no column 'share', only tier, ms"),
        ({"where": {"tier": "middle"}}, "no row where {'tier': 'middle'}"),
        ({"where": {"tier": "high"}}, "line 3: ms = 'many' is not a positive number"),
    ):
        for role in ("users", "edges"):
            (line,) = problems(write(**{role: {"compute": {"capacities": {**good, **change}}}}))
            assert line.startswith(f"{role}.compute.capacities = {{'file': ")
            assert line.endswith(f"}}: {problem}")
    load_scenario(write(users={"compute": {"capacities": good}}))


def test_all_that_is_impossible_is_said_at_once(write: Write, six_blocks: str) -> None:
    scheme = {"name": "splitfed", "cut": 9}
    data = {"sequence_length": 999, "corpus": "nowhere.txt", "partition": {"name": "dirichlet"}}
    cloud = {"compute": {"profile": "nowhere.csv"}}
    lines = problems(write(scheme=scheme, model={"base": six_blocks}, data=data, cloud=cloud))
    assert [line.split(" = ")[0] for line in lines] == [
        "data.sequence_length",
        "splitfed: scheme.cut",
        "data.corpus",
        "data.partition",
        "cloud.compute.profile",
    ]


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        (
            {"edges": {"count": 3}, "radio": {"layout": {"name": "places", "places": [["0 m", "0 m"]]}}},
            "radio.layout = {'name': 'places', 'places': [['0 m', '0 m']]}: places has 1 sites for 3 edge servers",
        ),
        ({"radio": {"layout": "line"}}, "radio.layout = 'line': line needs site_distance"),
        ({"radio": {"outages": {"name": "on_off", "mean_on": "1 s"}}}, "radio.outages = {'name': 'on_off', "),
        (
            {"users": {"availability": {"name": "on_off", "mean_on": "0 s", "mean_off": "1 s"}}},
            "users.availability = {'name': 'on_off', 'mean_off': '1 s', 'mean_on': '0 s'}: mean_on_s must be positive",
        ),
        (
            {"radio": {"handover": {"interval": "0 ms"}}},
            "radio.handover.interval = '0 ms': input should be greater than 0",
        ),
        ({"backhaul": {"sharing": "mesh"}}, "backhaul.sharing = 'mesh': input should be 'dedicated' or 'shared'"),
    ],
)
def test_what_cannot_befall_users_is_one_line(write: Write, sections: dict[str, Any], expected: str) -> None:
    (line,) = problems(write(**sections))
    assert line.startswith(expected)


@pytest.mark.parametrize("name", ["federated", "splitfed", "fedsllm"])
def test_a_deadline_that_nobody_can_keep_is_refused(write: Write, name: str) -> None:
    """An average comes down the wire and a report goes up: two latencies."""
    backhaul = {"latency": "50 ms"}
    (line,) = problems(write(scheme={"name": name, "deadline": "100 ms"}, backhaul=backhaul))
    assert line.startswith(f"{name}: scheme.deadline = '0.1 s': nobody could report before it")
    load_scenario(write(scheme={"name": name, "deadline": "101 ms"}, backhaul=backhaul))


def test_a_deadline_at_the_only_edge_server_knows_no_wires(write: Write) -> None:
    scheme = {"name": "fedsllm", "deadline": "10 ms"}
    load_scenario(write(scheme=scheme, edges={"count": 1}, backhaul={"latency": "50 ms"}))


@pytest.mark.parametrize("name", ["split_learning", "centralised"])
def test_a_deadline_is_for_schemes_that_average(write: Write, name: str) -> None:
    (line,) = problems(write(scheme={"name": name, "deadline": "3 s"}))
    assert line.startswith("scheme.deadline = '3 s': unknown key")
    rounds = load_scenario(write(scheme={"name": "federated", "deadline": "3 s"}, compare=[{"name": name}]))
    assert rounds.scheme["deadline"] == "3 s", "those compared with it do without"


@pytest.mark.parametrize(
    ("allocation", "wrong"),
    [
        ({"name": "equal", "eta": 2.0}, "eta must be between 0 and 1, got 2.0"),
        ({"name": "equal", "share": 2.0}, "equal takes eta, not share"),
        ({"name": "sfllm", "subchannels": 3}, "subchannels = 3: cell 0 has 4 users (0, 2, 4, 6), and each needs one"),
        ({"name": "sfllm", "total_power": 3}, "total_power = 3: a power needs a number and a unit"),
        ("none/such:Allocator", "'none/such:Allocator' cannot be imported"),
    ],
)
def test_an_allocator_that_cannot_be_made_is_named(write: Write, allocation: Any, wrong: str) -> None:
    (line,) = problems(write(scheme={"name": "federated", "allocation": allocation}))
    assert line.startswith("federated: scheme.allocation = ")
    assert wrong in line


def test_recorded_rates_leave_no_band_to_share(write: Write, tmp_path: Path) -> None:
    (tmp_path / "a.up").write_text("0\n1\n2\n")
    scheme, radio = {"name": "federated", "allocation": "equal"}, {"uplink_trace": {"file": str(tmp_path / "a.up")}}
    (line,) = problems(write(scheme=scheme, radio=radio))
    assert line.endswith("radio.uplink_trace: rates are recorded, so that there is no band to share")


def test_a_calibration_with_more_than_a_number_can_be_is_refused(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(f'{{"a": 1{"0" * 400}, "v": 4}}')
    (line,) = problems(write(scheme={"name": "fedsllm", "convergence": {"calibration": str(file)}}))
    assert "not a file of cosim calibrate" in line


def test_a_calibration_has_to_be_there(write: Write) -> None:
    (line,) = problems(write(scheme={"name": "fedsllm", "convergence": {"calibration": "none.json"}}))
    assert line.startswith("fedsllm: scheme.convergence: calibration = 'none.json': not a file of cosim calibrate")


@pytest.mark.parametrize(
    ("convergence", "wrong"),
    [
        ({"a": 3.0}, "a and v go together"),
        ({"a": 3.0, "v": 2.0, "calibration": "c.json"}, "give either a and v, or the calibration"),
        ({"step": 0.5}, "step must be between 0 and 2 / L = 0.5"),
        ({"a": 0.0, "v": 1.0}, "greater than 0"),
    ],
)
def test_convergence_is_said_once_and_possible(write: Write, convergence: dict[str, Any], wrong: str) -> None:
    (line,) = problems(write(scheme={"name": "fedsllm", "convergence": convergence}))
    assert "scheme.convergence" in line
    assert wrong in line
