"""The search for rank and density: its way through hand-made scores, and through real trials."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from cosim.rank_density import Setting, Trial, search, trial_of
from cosim.scenario import Scenario, ScenarioError

BEGIN = Setting(rank=1, density=Fraction(1, 4))

Call = Callable[..., tuple[int, str, str]]


def found(scores: dict[tuple[int, str], float], most: float = 99.0) -> list[tuple[int, str, bool]]:
    """The trials of a search, where a message is as large as rank times density and ``most`` may be sent."""
    trials = search(
        BEGIN,
        lambda setting: scores[setting.rank, str(setting.density)],
        lambda setting: setting.rank * setting.density <= most,
    )
    return [(trial.setting.rank, str(trial.setting.density), trial.taken) for trial in trials]


def test_the_better_of_two_is_gone_on_from_until_neither_is_better() -> None:
    scores = {
        (1, "1/4"): 1.0,
        (2, "1/4"): 2.0,
        (1, "1/2"): 3.0,
        (2, "1/2"): 4.0,
        (1, "1"): 3.5,
        (4, "1/2"): 4.0,
        (2, "1"): 3.9,
    }
    assert found(scores) == [
        (1, "1/4", True), (2, "1/4", False), (1, "1/2", True), (2, "1/2", True), (1, "1", False), (4, "1/2", False),
        (2, "1", False),
    ]  # fmt: skip


def test_of_equal_ones_the_wider_is_taken_and_all_that_is_sent_cannot_be_denser() -> None:
    scores = {
        (1, "1/4"): 1.0,
        (2, "1/4"): 2.0,
        (1, "1/2"): 2.0,
        (4, "1/4"): 0.0,
        (2, "1/2"): 3.0,
        (4, "1/2"): 0.0,
        (2, "1"): 4.0,
        (4, "1"): 4.0,
    }
    taken = [trial for trial in found(scores) if trial[2]]
    assert taken == [(1, "1/4", True), (2, "1/4", True), (2, "1/2", True), (2, "1", True)]
    assert found(scores)[-1] == (4, "1", False)


def test_what_is_beyond_the_budget_is_not_tried() -> None:
    scores = {(1, "1/4"): 1.0, (2, "1/4"): 2.0, (1, "1/2"): 3.0}
    assert found(scores, most=0.5) == [(1, "1/4", True), (2, "1/4", False), (1, "1/2", True)]
    assert found(scores, most=0.25) == [(1, "1/4", True)]


def test_trials_say_what_they_were_compared_with() -> None:
    first, *others = search(BEGIN, lambda _: 1.0, lambda setting: setting.rank < 99)
    assert first == Trial(setting=BEGIN, score=1.0, taken=True)
    assert {trial.compared_with for trial in others} == {BEGIN}


def scenario(scheme: dict[str, Any], **sections: Any) -> Scenario:
    return Scenario.model_validate({"name": "s", "scheme": scheme, **sections})


def test_a_trial_keeps_alpha_over_r_and_sets_what_the_scheme_calls_density() -> None:
    setting = Setting(rank=2, density=Fraction(1, 16))
    trial = trial_of(scenario({"name": "cellm", "clients": 3}, model={"lora": {"r": 8, "alpha": 16}}), setting, 5)
    assert (trial.model.lora.r, trial.model.lora.alpha, trial.evaluation.every) == (2, 4.0, 5)
    assert trial.scheme == {
        "name": "cellm", "clients": 3, "download": "1/16", "upload": "1/16", "rounds": 5,
        "label": "rank-2-density-1_16",
    }  # fmt: skip
    assert trial_of(scenario({"name": "sparse_adapter"}), setting, 5).scheme["density"] == "1/16"


@pytest.mark.parametrize(
    ("scheme", "sections", "says"),
    [
        ({"name": "federated"}, {}, "scheme.name = 'federated': has no density; expected such as cellm"),
        ({"name": "cellm"}, {"users": {"ranks": [1, 2]}}, "users.ranks = (1, 2): the search tries one rank for all"),
        ({"name": "cellm"}, {"execution": "analytic"}, "execution = 'analytic': such a run learns nothing"),
    ],
)
def test_what_cannot_be_searched_is_told_in_one_line(
    scheme: dict[str, Any], sections: dict[str, Any], says: str
) -> None:
    with pytest.raises(ScenarioError) as refused:
        trial_of(scenario(scheme, **sections), BEGIN, 5)
    assert str(refused.value).startswith(says)
    assert "\n" not in str(refused.value)


TINY = {
    "name": "tiny",
    "scheme": {"name": "cellm", "clients": 2, "local_steps": 1, "client": {"name": "sgd", "lr": 0.1}},
    "users": {"count": 3},
    "data": {"partition": {"name": "natural", "authors_per_user": 5}, "batch_size": 2, "sequence_length": 16},
    "evaluation": {"sequences": 4},
    "host": {"device": "cpu", "threads": 1, "cache": False},
}


def test_the_command_tries_tells_and_writes(cosim: Call, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(TINY))
    arguments = ["search", tmp_path / "s.yaml", "--rank", 1, "--density", "1/2", "--rounds", 1]
    status, out, err = cosim(*arguments, "--budget", "420 kbit", "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    trials = json.loads((tmp_path / "out" / "search.json").read_text())["trials"]
    assert [(trial["rank"], trial["density"]) for trial in trials] == [(1, "1/2"), (2, "1/2"), (1, "1")]
    assert all(trial["bytes"] <= 420_000 / 8 for trial in trials)
    assert (tmp_path / "out" / "rank-1-density-1_2" / "summary.json").is_file()
    assert "rank 1, density 1/2: loss " in out
    assert f"results in {tmp_path / 'out'}" in out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--density", "2"], "--density 2: expected a share above 0 and up to 1, such as 1/64"),
        (["--budget", "3"], "--budget 3: a quantity of data needs a number and a unit, such as '28.1 kbit'"),
        (["--budget", "1 bit"], "--budget 1 bit: rank 1, density 1/64 takes "),
    ],
)
def test_options_that_cannot_be_are_told_in_one_line(
    options: list[str], says: str, cosim: Call, tmp_path: Path
) -> None:
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(TINY))
    status, _, err = cosim("search", tmp_path / "s.yaml", "--out", tmp_path / "out", *options)
    assert (status, err.count("\n")) == (2, 1)
    assert err.startswith(says)
