from typing import Any

import pytest

from cosim.scenario import Scenario, ScenarioError
from cosim.scenario.entries import entries, single

SPLITFED = {"name": "splitfed", "rounds": 7, "local_steps": 2, "cut": 2, "server": "shared"}


def scenario(scheme: Any, *compare: Any) -> Scenario:
    return Scenario.model_validate({"name": "small", "scheme": scheme, "compare": compare})


def refusal(scheme: Any, *compare: Any) -> str:
    with pytest.raises(ScenarioError) as error:
        entries(scenario(scheme, *compare))
    return str(error.value)


def test_the_scheme_comes_first_then_those_it_is_compared_with() -> None:
    found = entries(scenario(SPLITFED, {"name": "federated"}, {"name": "split_learning"}))
    assert [entry.label for entry in found] == ["splitfed", "federated", "split_learning"]
    assert [entry.scheme.__name__ for entry in found] == ["SplitFed", "Federated", "SplitLearning"]


def test_a_compared_scheme_inherits_the_options_it_knows_unless_it_says_otherwise() -> None:
    first, federated, split, shallow = entries(
        scenario(
            SPLITFED,
            {"name": "federated", "rounds": 3},
            {"name": "split_learning"},
            {**SPLITFED, "cut": 1, "label": "b"},
        )
    )
    assert (first.options.rounds, first.options.local_steps) == (7, 2)
    left = dict.fromkeys(["clients", "reports", "deadline", "allocation", "aggregation"])
    expected = {"name": "federated", "label": "", "rounds": 3, "local_steps": 2, **left}
    assert federated.options.model_dump(exclude={"compression"}) == expected
    assert (split.options.cut, split.options.rounds) == ((2,), 7)
    assert not hasattr(split.options, "server")
    assert (shallow.options.cut, shallow.options.server) == ((1,), "shared")


def test_the_label_of_the_first_scheme_is_not_inherited() -> None:
    first, second = entries(scenario({"name": "splitfed", "label": "ours"}, {"name": "federated"}))
    assert (first.label, second.label) == ("ours", "federated")


def test_a_label_stands_once() -> None:
    twice = refusal(SPLITFED, {"name": "splitfed", "cut": 3})
    assert twice == "compare: 'splitfed' stands twice; give one of them a label of its own"
    found = entries(scenario(SPLITFED, {"name": "splitfed", "cut": 3, "label": "deeper"}))
    assert [entry.label for entry in found] == ["splitfed", "deeper"]


@pytest.mark.parametrize(
    ("scheme", "says"),
    [
        ({}, "scheme.name: missing; one of splitfed, federated"),
        ({"name": 3}, "scheme.name: missing; one of splitfed, federated"),
        ({"name": "splitfad"}, "scheme.name = 'splitfad': not one of splitfed, federated"),
        ({"name": "no.such:Scheme"}, "scheme.name = 'no.such:Scheme': 'no.such:Scheme' cannot be imported"),
        ({"name": ".mine:Scheme"}, "scheme.name = '.mine:Scheme': '.mine:Scheme' cannot be imported"),
        ({"name": "json:loads"}, "scheme.name = 'json:loads': not a scheme, a subclass of cosim.schemes.base:Scheme"),
        ({"name": "federated", "cut": 3}, "scheme.cut = 3: unknown key"),
        ({"name": "splitfed", "rouns": 3}, "scheme.rouns = 3: unknown key (did you mean rounds?)"),
        ({"name": "splitfed", "rounds": 0}, "scheme.rounds = 0: input should be greater than or equal to 1"),
        ({"name": "splitfed", "server": "both"}, "scheme.server = 'both': input should be 'replicated' or 'shared'"),
    ],
)
def test_what_is_wrong_with_a_scheme_is_one_line_with_key_and_value(scheme: Any, says: str) -> None:
    line = refusal(scheme)
    assert line.startswith(says)
    assert "\n" not in line


def test_what_is_wrong_in_the_list_is_named_by_its_place() -> None:
    assert refusal(SPLITFED, {"name": "federated"}, {"name": "federatd"}).startswith("compare.1.name = 'federatd': ")
    assert refusal(SPLITFED, {"name": "federated", "cut": 1}) == "compare.0.cut = 1: unknown key"


def test_a_single_run_of_a_comparison_is_a_scenario_without_the_others() -> None:
    together = scenario(SPLITFED, {"name": "federated"})
    alone = single(together, entries(together)[1])
    assert alone.compare == ()
    assert [entry.options for entry in entries(alone)] == [entries(together)[1].options]
