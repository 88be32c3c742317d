import pytest

from cosim.scenario import ScenarioError
from cosim.seeds import parse_seeds


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("0:5", [0, 1, 2, 3, 4]),
        ("0,3,7", [0, 3, 7]),
        ("7,3", [7, 3]),
        ("4", [4]),
        ("2:3", [2]),
        ("0:2, 9", [0, 1, 9]),
    ],
)
def test_seeds_are_listed_or_a_range_without_its_end(text: str, seeds: list[int]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected seeds such as 0:5"),
        ("0:", "expected seeds such as 0:5"),
        ("-1", "expected seeds such as 0:5"),
        ("0:10:2", "expected seeds such as 0:5"),
        ("1.5", "expected seeds such as 0:5"),
        ("3:3", "no seed is in this range"),
        ("0:3,2", "2 stands twice"),
        ("0,0", "0 stands twice"),
        ("0:999999999999", "expected at most 100000 seeds"),
    ],
)
def test_what_names_no_seeds_is_refused(text: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says) as refused:
        parse_seeds(text)
    assert str(refused.value).startswith(f"--seeds {text}: ")
