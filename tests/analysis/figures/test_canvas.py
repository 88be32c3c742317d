import pytest

from analysis.figures.canvas import legend_columns


@pytest.mark.parametrize(
    ("names", "width_inches", "columns"),
    [
        (["a"] * 10, 100.0, 10),
        (["splitfed", "federated", "split_learning", "centralised"], 6.4, 4),
        (["a" * 60, "b", "c"], 6.4, 2),
        (["a" * 200], 6.4, 1),
        ([], 6.4, 1),
    ],
)
def test_a_legend_has_as_many_columns_as_fit(names: list[str], width_inches: float, columns: int) -> None:
    assert legend_columns(names, width_inches) == columns
