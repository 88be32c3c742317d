from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cosim.scenario import ScenarioError, load_scenario, write_scenario
from cosim.scenario.loading import known_keys

Write = Callable[..., Path]


def problems(path: Path, *overrides: str) -> list[str]:
    """The lines of the refusal."""
    with pytest.raises(ScenarioError) as refusal:
        load_scenario(path, overrides)
    return str(refusal.value).split("\n")


def value_of(tree: Any, key: str) -> Any:
    for name in key.split("."):
        if tree is None:
            return None
        tree = tree[name]
    return tree


def test_the_shortest_scenario_is_a_name_and_a_scheme(write: Write) -> None:
    scenario = load_scenario(write("name: small\nscheme: {name: federated}\n"))
    assert (scenario.name, scenario.users.count, scenario.radio.bandwidth) == ("small", 8, 20e6)


def test_a_scenario_survives_writing_and_reading_exactly(quickstart: Path, write: Write) -> None:
    scenario = load_scenario(quickstart)
    text = write_scenario(scenario)
    assert load_scenario(write(text)) == scenario
    assert write_scenario(load_scenario(write(text))) == text


@pytest.mark.parametrize("name", ["1e5", "007", "yes", "null", "2020-01-01", "1.5", "0x10", "-"])
def test_words_that_look_like_something_else_survive_writing_and_reading(write: Write, name: str) -> None:
    scenario = load_scenario(write(f"name: small\nscheme: {{name: federated}}\ndata: {{text_column: '{name}'}}\n"))
    assert load_scenario(write(write_scenario(scenario))).data.text_column == name


@pytest.mark.parametrize("number", ["2e-3", "2E-3", "0.2e-2", "+2.e-3", "0.002"])
def test_numbers_are_written_as_anybody_would_in_file_and_override(write: Write, number: str) -> None:
    path = write(f"name: small\nscheme: {{name: federated}}\ntraining: {{lr: {number}}}\n")
    assert load_scenario(path).training.lr == 0.002
    assert load_scenario(write(), [f"training.lr={number}"]).training.lr == 0.002


def test_every_key_can_be_overridden_with_what_it_is(quickstart: Path) -> None:
    scenario = load_scenario(quickstart)
    written = yaml.safe_load(write_scenario(scenario))
    keys = known_keys()
    assert {"users.compute.spread", "radio.coherence_time", "model.lora.targets", "scheme"} <= set(keys)
    for key in keys:
        section, _, _ = key.rpartition(".")
        if section and value_of(written, section) is None:
            continue
        value = yaml.safe_dump(value_of(written, key), default_flow_style=True).removesuffix("...\n")
        assert load_scenario(quickstart, [f"{key}={value}"]) == scenario, key


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("seed=7", "seed", 7),
        ("radio.bandwidth=5 MHz", "radio.bandwidth", 5e6),
        ("users.compute.speed=1 TFLOP/s", "users.compute.speed", 1e12),
        ("model.lora.targets=[c_attn, c_proj]", "model.lora.targets", ("c_attn", "c_proj")),
        ("data.partition={name: dirichlet, alpha: 1e-1}", "data.partition.alpha", 0.1),
        ("data.validation=null", "data.validation", None),
        ("users.compute={speed: 1 GFLOP/s}", "users.compute.power", 5.0),
    ],
)
def test_an_override_changes_what_it_names(quickstart: Path, override: str, key: str, value: Any) -> None:
    found: Any = load_scenario(quickstart, [override])
    for name in key.split("."):
        found = getattr(found, name)
    assert found == value


def test_an_override_may_name_what_the_file_leaves_out_and_the_last_one_wins(write: Write) -> None:
    scenario = load_scenario(write(), ["backhaul.latency=1 ms", "scheme.rounds=3", "backhaul.latency=2 ms"])
    assert scenario.backhaul.latency == 0.002
    assert scenario.scheme["rounds"] == 3


def test_an_override_names_an_entry_of_a_list_by_its_number(write: Write) -> None:
    path = write(compare=[{"name": "splitfed"}, {"name": "centralised"}], model={"lora": {"targets": ["c_attn", "x"]}})
    scenario = load_scenario(path, ["compare.1.rounds=3", "compare.0={name: split_learning}", "model.lora.targets.1=y"])
    assert scenario.compare == ({"name": "split_learning"}, {"name": "centralised", "rounds": 3})
    assert scenario.model.lora.targets == ("c_attn", "y")


def test_an_override_of_an_option_makes_a_whole_of_a_part_that_is_a_name_alone(write: Write) -> None:
    named = write(data={"partition": "length"})
    scenario = load_scenario(named, ["data.partition.alpha=0.1", "data.partition.buckets=4"])
    assert scenario.data.partition.model_dump() == {"name": "length", "alpha": 0.1, "buckets": 4}
    assert load_scenario(named, ["data.partition.name=natural"]).data.partition.name == "natural"


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("users.count", "--set users.count: expected key=value, such as users.count=20"),
        ("=3", "--set =3: expected key=value, such as users.count=20"),
        ("name.first=x", "--set name.first=x: name = 'small' has no keys below it"),
        ("compare.2.rounds=3", "--set compare.2.rounds=3: no compare.2: the file lists 2, counted from 0"),
        ("compare.-1.rounds=3", "--set compare.-1.rounds=3: no compare.-1: the file lists 2, counted from 0"),
        ("compare.first=3", "--set compare.first=3: no compare.first: the file lists 2, counted from 0"),
        ("compare.0.name.x=3", "--set compare.0.name.x=3: compare.0.name = 'splitfed' has no keys below it"),
        ("model.lora.targets.0=x", "--set model.lora.targets.0=x: no model.lora.targets.0: the file lists 0, counted"),
        ("users={count: 1, count: 2}", "--set users={count: 1, count: 2}: line 1: count is given twice"),
        ("name=2020-13-45", "--set name=2020-13-45: month must be in 1..12"),
    ],
)
def test_an_override_that_cannot_be_read_is_quoted(write: Write, override: str, says: str) -> None:
    path = write(radio={"fading": "none"}, compare=[{"name": "splitfed"}, {"name": "centralised"}])
    (line,) = problems(path, override)
    assert line.startswith(says)


def test_an_override_with_broken_yaml_is_one_line(write: Write) -> None:
    (line,) = problems(write(), "users={count: 1")
    assert line.startswith("--set users={count: 1: while parsing a flow mapping")


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("user", {"count": 2}, "user = {'count': 2}: unknown key (did you mean users?)"),
        ("radio", {"bandwith": "1 MHz"}, "radio.bandwith = '1 MHz': unknown key (did you mean radio.bandwidth?)"),
        ("zebra", 1, "zebra = 1: unknown key"),
        ("scheme", {"name": "federated", "rouns": 3}, "scheme.rouns = 3: unknown key (did you mean rounds?)"),
        ("users", {"count": 0}, "users.count = 0: input should be greater than or equal to 1"),
        ("users", {"count": 2.5}, "users.count = 2.5: input should be a valid integer"),
        ("users", {"count": "many"}, "users.count = 'many': input should be a valid integer"),
        ("scheme", {"rounds": 3}, "scheme.name: missing"),
        ("users", 3, "users = 3: input should be a valid dictionary or instance of Users"),
        ("seed", True, "seed = True: input should be a valid integer"),
        ("seed", -1, "seed = -1: input should be greater than or equal to 0"),
        ("training", {"lr": True}, "training.lr = True: input should be a valid number"),
        ("training", {"lr": float("nan")}, "training.lr = nan: input should be a finite number"),
        ("training", {"lr": float("inf")}, "training.lr = inf: input should be a finite number"),
        ("radio", {"bandwidth": 20}, "radio.bandwidth = 20: a frequency needs a number and a unit, such as '20 MHz'"),
        ("radio", {"fading": "rice"}, "radio.fading.name = 'rice': not one of rayleigh, "),
        ("backhaul", {"latency": "-1 ms"}, "backhaul.latency = '-1 ms': input should be greater than or equal to 0"),
        ("execution", "lazy", "execution = 'lazy': input should be 'deferred', 'eager' or 'analytic'"),
        ("name", "../escape", "name = '../escape': string should match pattern"),
        ("name", 3, "name = 3: input should be a valid string"),
        ("compare", 3, "compare = 3: input should be a valid tuple"),
    ],
)
def test_what_is_wrong_is_one_line_with_file_key_and_value(write: Write, key: str, value: Any, says: str) -> None:
    path = write(**{key: value})
    (line,) = problems(path)
    assert line.startswith(f"{path}: {says}")


CLASSIFIER = {"base": "tiny-gpt2", "task": "sequence_classification"}


def test_rows_to_classify_are_padded_without_being_told(write: Write) -> None:
    for data in ({"label_column": "intent"}, {"label_column": "intent", "sequences": "pad"}):
        scenario = load_scenario(write(model=CLASSIFIER, data=data))
        assert scenario.data.sequences == "pad"
        assert load_scenario(write(write_scenario(scenario))) == scenario
    path = write(model={"base": "tiny-gpt2"}, data={"label_column": "intent"})
    assert load_scenario(path).data.sequences == "pack"
    assert load_scenario(path, ["model.task=sequence_classification"]).data.sequences == "pad"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (None, "data.label_column is missing"),
        ({"sequence_length": 32}, "data.label_column is missing"),
        ({"label_column": "intent", "sequences": "pack"}, "data.sequences = 'pack': a class needs a row"),
    ],
)
def test_a_classifier_needs_a_column_of_classes_and_a_row_for_each(
    write: Write, data: dict[str, Any] | None, says: str
) -> None:
    (line,) = problems(write(model=CLASSIFIER, **({} if data is None else {"data": data})))
    assert f": model.task = 'sequence_classification': {says}" in line


@pytest.mark.parametrize("alone", [{"kappa": 1e-28}, {"frequency": "1 GHz"}])
def test_kappa_and_frequency_go_together(write: Write, alone: dict[str, Any]) -> None:
    (line,) = problems(write(users={"compute": alone}))
    assert "users.compute" in line
    assert "kappa and frequency go together" in line


def test_what_is_not_said_of_a_processor_keeps_its_default(write: Write) -> None:
    compute = load_scenario(write(), ["users.compute.speed=1 GFLOP/s"]).users.compute
    assert (compute.speed, compute.power, compute.spread) == (1e9, 5.0, 0.5)


def test_several_problems_are_several_lines(write: Write) -> None:
    lines = problems(write(seed=-1, users={"count": 0}, zebra=1))
    assert len(lines) == 3
    assert [line.split(": ")[1].split(" = ")[0] for line in lines] == ["seed", "users.count", "zebra"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("name: a\nname: b\n", "line 2: name is given twice"),
        ("users:\n  count: 1\n  count: 2\n", "line 3: count is given twice"),
        ("1.5: a\n", "line 1: 1.5 cannot be a key, only a word can"),
        ("name: small\nscheme: {name: federated}\n1: a\n", "1 = 'a': unknown key"),
        ("users: {1: a, '1': b}\n", "line 1: 1 is given twice"),
        ("[a, b]: c\n", "line 1: ['a', 'b'] cannot be a key, only a word can"),
        ("users:\n\tcount: 3\n", "while scanning for the next token found character '\\t'"),
        ("users: {count: 3\n", "while parsing a flow mapping"),
        ("name: 2020-13-45\n", "month must be in 1..12"),
        ("name: !!python/object/apply:os.getcwd []\n", "could not determine a constructor for the tag"),
        ("", "a scenario is a mapping of keys to values, such as 'name: quickstart'"),
        ("- name\n", "a scenario is a mapping of keys to values"),
        ("quickstart\n", "a scenario is a mapping of keys to values"),
        (b"name: caf\xe9\n", "'utf-8' codec can't decode byte 0xe9"),
        (b"\xff\xfen\x00a\x00", "'utf-8' codec can't decode byte 0xff"),
        (b"name: \x00\n", "unacceptable character #x0000"),
        ("name: small\nscheme: {name: federated}\nusers: {count: 1e400}\n", "users.count = inf: input should be a"),
        ("name: small\nscheme: {name: federated}\ntraining: {lr: 1e400}\n", "training.lr = inf: input should be a"),
        ("name: small\nscheme: {name: federated}\ntraining: {lr: .nan}\n", "training.lr = nan: input should be a"),
        ("name: small\n", "scheme: missing"),
    ],
)
def test_a_file_that_is_no_scenario_is_one_line(write: Write, content: str | bytes, says: str) -> None:
    path = write(content)
    (line,) = problems(path)
    assert line.startswith(f"{path}: {says}")


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    assert problems(tmp_path / "none.yaml") == [f"{tmp_path / 'none.yaml'}: no such file"]
    (line,) = problems(tmp_path)
    assert line.startswith(f"{tmp_path}: ")
