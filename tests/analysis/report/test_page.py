"""The page: self-contained, complete, escaped, honest about what is not finished."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from analysis.load import load
from analysis.report.page import report, write_report

MakeRun = Callable[..., Path]
NASTY = '<script>alert("x")</script> & $x_1$'


class Elements(HTMLParser):
    """All elements of a page with their attributes, and the text of each kind of element."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.text: dict[str, list[str]] = {}
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        self._open = tag

    def handle_data(self, data: str) -> None:
        self.text.setdefault(self._open, []).append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.found if name == tag]


def test_a_page_has_every_part(make_run: MakeRun) -> None:
    page = Elements(report(load(make_run("fast"), make_run("slow", slowness=2.0))))
    parts = [attributes["id"] for attributes in page.all("section")]
    assert parts == ["results", "figures", "timeline", "memory", "scenario", "origin"]
    assert len(page.all("svg")) == 6  # learning over time, rounds and traffic; delays, their spread; memory
    assert "hand-made" in page.text["h1"]


def test_it_asks_the_network_for_nothing(make_run: MakeRun) -> None:
    page = report(load(make_run("run")))
    elements = Elements(page)
    assert {"link", "img", "iframe", "object", "embed", "base"} & {tag for tag, _ in elements.found} == set()
    values = [
        value for _, attributes in elements.found for name, value in attributes.items() if name in ("src", "href")
    ]
    assert all(value.startswith("#") for value in values)
    assert re.findall(r"@import|url\((?!#)", page) == []
    (policy,) = [
        each["content"] for each in elements.all("meta") if each.get("http-equiv") == "Content-Security-Policy"
    ]
    assert "default-src 'none'" in policy


def test_no_two_elements_share_an_id_and_every_reference_leads_somewhere(make_run: MakeRun) -> None:
    page = report(load(make_run("fast"), make_run("slow", slowness=2.0)))
    ids = [attributes["id"] for _, attributes in Elements(page).found if "id" in attributes]
    assert len(set(ids)) == len(ids)
    used = {
        attributes["href"][1:] for _, attributes in Elements(page).found if attributes.get("href", "").startswith("#")
    }
    used |= set(re.findall(r"url\(#([^)]+)\)", page))
    assert used <= set(ids)


def test_every_figure_has_an_alternative_with_numbers(make_run: MakeRun) -> None:
    page = Elements(report(load(make_run("fast"), make_run("slow", slowness=2.0))))
    for figure in page.all("svg"):
        assert figure["role"] == "img"
        assert re.search(r"fast:? \w+ .*\d.*; slow:? \w+ .*\d", figure["aria-label"])
        assert "width" not in figure and figure["viewbox"]


def test_names_are_text_and_never_elements(make_run: MakeRun) -> None:
    folder = make_run("run", label=NASTY, settings={"data": {"corpus": NASTY}})
    (folder / "provenance.json").write_text(json.dumps({"command": [NASTY]}))
    memory = load(folder)[0].memory.assign(node=NASTY)
    memory.to_parquet(folder / "memory.parquet")
    events = load(folder)[0].events.assign(node=NASTY, reason=NASTY)
    events.to_parquet(folder / "events.parquet")
    page = report(load(folder))
    assert "alert(" in page
    assert "<script>alert" not in page
    kinds = [attributes.get("type") for attributes in Elements(page).all("script")]
    assert kinds == ["application/json", None]


def test_a_finished_run_is_not_said_to_be_unfinished(make_run: MakeRun) -> None:
    assert "Not finished" not in report(load(make_run("run")))


def test_a_run_under_way_says_so(make_run: MakeRun) -> None:
    folder = make_run("run", settings={"scheme": {"name": "run", "rounds": 5}})
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"finished": False, "rounds": 1}))
    page = report(load(folder))
    assert "Not finished" in page
    assert "run: 1 of 5 rounds" in page


@pytest.mark.parametrize("missing", ["summary.json", "events.parquet", "rounds.parquet", "memory.parquet"])
def test_whatever_is_not_there_yet_is_left_out(make_run: MakeRun, missing: str) -> None:
    folder = make_run("run")
    (folder / missing).unlink()
    assert "<h1>hand-made</h1>" in report(load(folder))
    assert "fast" in report(load(make_run("fast"), folder))


def test_a_run_that_has_only_begun_has_a_page(tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text(yaml.safe_dump({"name": "begun", "scheme": {"name": "federated"}}))
    page = report(load(tmp_path))
    assert "No run has come to a result yet" in page
    assert "federated: 0 of its rounds" in page


def test_runs_that_learned_nothing_still_show_their_delays(make_run: MakeRun, nothing_learned: Any) -> None:
    page = Elements(report(load(make_run("analytic", **nothing_learned))))
    assert sorted(figure["aria-label"][:18] for figure in page.all("svg")) == [
        "How delays are spr",
        "Peak memory. analy",
        "Stacked bar chart ",
    ]


def test_a_figure_that_the_scenario_names_and_cannot_be_drawn_says_why(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("too <little> paper")

    monkeypatch.setattr("analysis.report.pictures.draw", fails)
    page = report(load(make_run("run", settings={"figures": ["delay"]})))
    assert page.count("Not drawn: too &lt;little&gt; paper") == 1
    assert not Elements(page).all("svg")


@pytest.mark.parametrize("settings", [{}, {"figures": None}])
def test_a_figure_that_no_scenario_names_and_that_cannot_be_drawn_is_passed_over(
    make_run: MakeRun, nothing_learned: Any, settings: dict[str, None]
) -> None:
    """The resolved scenario of a run that names none says null."""
    assert "Not drawn" not in report(load(make_run("analytic", settings=settings, **nothing_learned)))


def test_figures_may_be_named_by_another_than_the_first_run(make_run: MakeRun, nothing_learned: Any) -> None:
    naming = make_run("naming", settings={"figures": ["curves"]}, **nothing_learned)
    assert report(load(make_run("silent", **nothing_learned), naming)).count("Not drawn: some run recorded") == 1


def test_equal_runs_make_equal_pages(make_run: MakeRun) -> None:
    folder = make_run("run")
    assert report(load(folder)) == report(load(folder))


def test_a_page_appears_whole_or_not_at_all(make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = load(make_run("run"))
    write_report(results, tmp_path / "page.html")
    before = (tmp_path / "page.html").read_text()
    monkeypatch.setattr("pathlib.Path.write_text", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(results, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text() == before
