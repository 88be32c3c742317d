"""The page as a browser shows it: nothing missing, nothing asked of the network, a timeline that answers."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from analysis.load import load
from analysis.report.page import write_report

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs Chromium")

ROUND_NS = 9_000_000_000
PHONE = {"width": 400, "height": 800}


@dataclass
class Opened:
    """A page in the browser, and what went wrong with it."""

    page: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def settle(self) -> None:
        """Let the page handle what has come, and draw it."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def told(self) -> str:
        """What the timeline says that it shows."""
        self.settle()
        words: str = self.page.inner_text("#timeline-told")
        return words

    def sight(self) -> tuple[int, int]:
        """From when to when the timeline shows."""
        self.settle()
        view = self.page.locator("#timeline-view")
        return int(view.get_attribute("data-from")), int(view.get_attribute("data-to"))

    def pixels(self) -> str:
        """The timeline as it is drawn."""
        self.settle()
        drawn: str = self.page.evaluate("document.getElementById('timeline-canvas').toDataURL()")
        return drawn


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the report is kept that all tests open."""
    return tmp_path_factory.mktemp("report") / "report.html"


@pytest.fixture
def opened(browser: Any, make_run: Callable[..., Path], file: Path) -> Iterator[Callable[..., Opened]]:
    """The report of two runs, opened."""
    if not file.exists():
        write_report(load(make_run("fast"), make_run("slow", slowness=2.0)), file)
    contexts = []

    def open_page(**options: Any) -> Opened:
        contexts.append(browser.new_context(**options))
        found = Opened(contexts[-1].new_page())
        found.page.on("console", lambda message: found.errors.append(message.text))
        found.page.on("pageerror", lambda error: found.errors.append(str(error)))
        found.page.on("request", lambda request: found.requests.append(request.url))
        found.page.goto(file.as_uri())
        return found

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{"width": 1280, "height": 900}, PHONE])
def test_it_opens_without_errors_and_without_the_network(opened: Callable[..., Opened], scheme: str, size: Any) -> None:
    found = opened(color_scheme=scheme, viewport=size)
    assert found.errors == []
    assert [url for url in found.requests if not url.startswith("file:")] == [] and len(found.requests) == 1
    for figure in [*found.page.locator("figure svg").all(), found.page.locator("#timeline-canvas")]:
        box = figure.bounding_box()
        assert box["width"] > 200 and box["height"] > 100
    assert found.page.evaluate("document.documentElement.scrollWidth") <= size["width"]


LIGHTNESS_OF_TEXTS = """
    [...document.querySelectorAll('figure svg text')].map((text) => {
      const pen = document.createElement('canvas').getContext('2d');
      pen.fillStyle = getComputedStyle(text).fill;
      pen.fillRect(0, 0, 1, 1);
      return Math.max(...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)) / 255;
    })"""


def test_texts_in_figures_are_dark_on_light_and_light_on_dark(opened: Callable[..., Opened]) -> None:
    assert max(opened(color_scheme="light").page.evaluate(LIGHTNESS_OF_TEXTS)) < 0.4
    assert min(opened(color_scheme="dark").page.evaluate(LIGHTNESS_OF_TEXTS)) > 0.6


def test_the_wheel_zooms_about_the_pointer_and_all_is_shown_again(opened: Callable[..., Opened]) -> None:
    found = opened()
    whole, before = found.sight(), found.pixels()
    view = found.page.locator("#timeline-view")
    view.scroll_into_view_if_needed()
    box = view.bounding_box()
    found.page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 60)
    found.page.mouse.wheel(0, -400)
    found.page.wait_for_selector("#timeline-view:not([data-from='0'])")
    near = found.sight()
    assert near[1] - near[0] < 0.6 * (whole[1] - whole[0]) and near[0] > 0
    assert found.pixels() != before
    found.page.click("#timeline-reset")
    assert found.sight() == whole == (0, ROUND_NS)
    assert found.pixels() == before


def test_buttons_and_keys_zoom_and_move(opened: Callable[..., Opened]) -> None:
    found = opened()
    found.page.click("#timeline-in")
    first, last = found.sight()
    assert (first, last) == (ROUND_NS / 6, 5 * ROUND_NS / 6)
    found.page.focus("#timeline-view")
    found.page.keyboard.press("ArrowRight")
    assert found.sight() == (first + 0.15 * (last - first), last + 0.15 * (last - first))
    found.page.keyboard.press("-")
    found.page.keyboard.press("0")
    assert found.sight() == (0, ROUND_NS)


def test_dragging_moves_and_never_beyond_the_round(opened: Callable[..., Opened]) -> None:
    found = opened()
    found.page.click("#timeline-in")
    before = found.sight()
    view = found.page.locator("#timeline-view")
    view.scroll_into_view_if_needed()
    box = view.bounding_box()
    for distance in (50, 2000):
        found.page.mouse.move(box["x"] + 300, box["y"] + 60)
        found.page.mouse.down()
        found.page.mouse.move(box["x"] + 300 + distance, box["y"] + 60)
        found.page.mouse.up()
        after = found.sight()
        assert after[0] < before[0] and after[1] - after[0] == before[1] - before[0]
    assert after[0] == 0


def test_two_fingers_zoom(opened: Callable[..., Opened]) -> None:
    found = opened(viewport=PHONE, has_touch=True)
    whole = found.sight()
    view = found.page.locator("#timeline-view")
    view.scroll_into_view_if_needed()
    box = view.bounding_box()
    line = found.page.context.new_cdp_session(found.page)
    y, middle = box["y"] + 60, box["x"] + 240
    for kind, apart in (("touchStart", 20), ("touchMove", 60), ("touchMove", 100), ("touchEnd", None)):
        points = [] if apart is None else [{"x": middle + side * apart / 2, "y": y, "id": side} for side in (0, 1)]
        line.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    near = found.sight()
    assert near[1] - near[0] < 0.5 * (whole[1] - whole[0])


def test_runs_rounds_and_rows_can_be_chosen(opened: Callable[..., Opened]) -> None:
    found = opened()
    drawn = {found.pixels()}
    found.page.click("#timeline-later")
    assert "Round 2 of fast" in found.told()
    found.page.select_option("#timeline-run", label="slow")
    assert "Round 1 of slow" in found.told()
    assert found.sight() == (0, 2 * ROUND_NS)
    drawn.add(found.pixels())
    found.page.select_option("#timeline-rows", "nodes")
    drawn.add(found.pixels())
    assert len(drawn) == 3


def test_pointing_at_an_activity_tells_what_it_is(opened: Callable[..., Opened]) -> None:
    found = opened()
    view = found.page.locator("#timeline-view")
    view.scroll_into_view_if_needed()
    box = view.bounding_box()
    found.page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 62)
    found.page.wait_for_selector("#timeline-tip", state="visible")
    words = found.page.inner_text("#timeline-tip")
    assert words.splitlines()[0] == "User compute"
    assert "at user1 computing" in words and "lasts 4 s" in words
    found.page.mouse.move(box["x"] + 10, box["y"] + 5)
    found.page.wait_for_selector("#timeline-tip", state="hidden")


def test_it_prints_without_controls_and_in_light_colours(opened: Callable[..., Opened]) -> None:
    found = opened(color_scheme="dark")
    found.page.emulate_media(media="print")
    assert not found.page.is_visible(".tools")
    assert found.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(found.page.pdf()) > 10_000
