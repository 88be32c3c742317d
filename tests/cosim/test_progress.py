"""What a running simulation says of itself."""

import io

from rich.console import Console
from rich.progress import Task

from cosim.progress import MOST_BARS, RunsProgress, describe

ROW = {"round": 3, "sim_time_s": 12.34, "train_loss": 4.5}


def shown(progress: RunsProgress) -> list[Task]:
    return [task for task in progress.bars.tasks if task.visible]


def test_a_round_is_described_by_simulated_time_and_loss() -> None:
    assert describe(ROW) == "simulated 12.3 s  loss 4.500"


def test_an_analytic_round_has_time_only() -> None:
    assert describe({**ROW, "train_loss": None}) == "simulated 12.3 s"


def test_each_run_has_a_bar_of_its_own_that_fills_with_its_rounds() -> None:
    with RunsProgress(["a", "b"], [3, 6], quiet=True) as progress:
        progress.seen("b", ROW)
        bars = {task.description.strip(): (task.completed, task.total) for task in shown(progress)}
    assert bars == {"a": (0, 3), "b": (3, 6)}


def test_of_many_runs_those_under_way_have_a_bar_below_that_of_them_all() -> None:
    names = [f"run {number}" for number in range(MOST_BARS + 1)]
    with RunsProgress(names, [3] * len(names), quiet=True) as progress:
        assert [task.description.strip() for task in shown(progress)] == ["all runs"]
        progress.seen("run 4", {**ROW, "round": 1})
        progress.seen("run 7", {**ROW, "round": 1})
        progress.seen("run 7", ROW)
        bars = {task.description.strip(): (task.completed, task.total) for task in shown(progress)}
    assert bars == {"all runs": (1, MOST_BARS + 1), "run 4": (1, 3)}


def test_a_label_is_shown_as_it_is_written() -> None:
    with RunsProgress(["[bold]", "[/]"], [3, 6], quiet=True) as progress:
        text = io.StringIO()
        Console(file=text, width=100).print(progress.bars.get_renderable())
    assert "[bold]" in text.getvalue()
    assert "[/]" in text.getvalue()
