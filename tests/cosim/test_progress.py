"""What a running simulation says of itself."""

import io

from rich.console import Console

from cosim.progress import RunsProgress, describe

ROW = {"round": 3, "sim_time_s": 12.34, "train_loss": 4.5}


def test_a_round_is_described_by_simulated_time_and_loss() -> None:
    assert describe(ROW) == "simulated 12.3 s  loss 4.500"


def test_an_analytic_round_has_time_only() -> None:
    assert describe({**ROW, "train_loss": None}) == "simulated 12.3 s"


def test_each_run_has_a_bar_of_its_own_that_fills_with_its_rounds() -> None:
    with RunsProgress(["a", "b"], [3, 6], quiet=True) as progress:
        progress.seen("b", ROW)
        bars = {task.description.strip(): (task.completed, task.total) for task in progress.bars.tasks}
    assert bars == {"a": (0, 3), "b": (3, 6)}


def test_a_label_is_shown_as_it_is_written() -> None:
    with RunsProgress(["[bold]", "[/]"], [3, 6], quiet=True) as progress:
        shown = io.StringIO()
        Console(file=shown, width=100).print(progress.bars.get_renderable())
    assert "[bold]" in shown.getvalue()
    assert "[/]" in shown.getvalue()
