"""The crews there are, for tests that hold for each, and a scheme that counts its stories and may kill its process."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cosim.sweep.crew import Crew
from cosim.sweep.local_crew import LocalCrew
from cosim.sweep.points import Point
from cosim.sweep.resources import Share

MakeCrew = Callable[[list[Point]], Crew]

COUNTING = '''
import os, signal
from pathlib import Path
from cosim.schemes.federated import Federated

class Counting(Federated):
    """Leaves a mark for each story begun, and kills its process in the middle of the first so many."""

    def story(self):
        marks = Path(__file__).parent / "marks"
        begun = len(list(marks.iterdir()))
        (marks / f"{begun}-{os.getpid()}-{id(self)}").touch()
        if begun < DEATHS:
            os.kill(os.getpid(), signal.SIGKILL)
        yield from super().story()
'''


def local(points: list[Point]) -> Crew:
    return LocalCrew(Share(workers=2, cores=2))


def by_ray(points: list[Point]) -> Crew:
    from cosim.sweep.ray_crew import RayCrew

    return RayCrew(None, 2, points[0].scenario, len(points))


crews = pytest.mark.parametrize(
    "crew_of",
    [
        pytest.param(local, id="local"),
        pytest.param(by_ray, id="ray", marks=[pytest.mark.slow, pytest.mark.timeout(900)]),
    ],
)
"""Ray takes a quarter of a minute to begin, and minutes where much else is done."""


def counting(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, deaths: int) -> str:
    """Make the scheme, of which the first so many stories die; as a scenario names it."""
    (folder / "marks").mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(COUNTING.replace("DEATHS", str(deaths)), encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    return f"{name}:Counting"


def stories(folder: Path) -> int:
    """How many of them have begun."""
    return len(list((folder / "marks").iterdir()))
