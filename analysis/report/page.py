"""The page: everything a report shows, put into its template."""

from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from analysis.files import whole_file
from analysis.load import Results
from analysis.report.headline import colors, headline
from analysis.report.memory import memory_tables
from analysis.report.names import named_runs, names
from analysis.report.origins import origins
from analysis.report.pictures import pictures
from analysis.report.scenarios import differences, facts, scenario_text
from analysis.report.timeline import kinds, timeline


def write_report(results: Results, path: Path | str) -> None:
    """Write the report of ``results`` to ``path``; the file appears whole or not at all."""
    page = report(results)
    with whole_file(Path(path)) as temporary:
        temporary.write_text(page, encoding="utf-8")


def report(results: Results) -> str:
    """One page of HTML that holds all it shows."""
    main, paired = headline(results)
    return _template().render(
        title=", ".join(dict.fromkeys(str(run.scenario.get("name", run.path.name)) for run in results)),
        facts=facts(results),
        unfinished=_unfinished(results),
        headline=main,
        paired=paired,
        colors=colors(results),
        pictures=pictures(results),
        timeline=timeline(results),
        kinds=kinds(),
        memory=memory_tables(results),
        differences=differences(results),
        scenario=scenario_text(results),
        origins=origins(results),
        first=names(results)[0],
        style=_own("page.css"),
        script=_own("timeline.js"),
    )


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("analysis.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def _unfinished(results: Results) -> list[str]:
    """What is still to come of runs that are under way, or were interrupted."""
    told = []
    for name, run in named_runs(results):
        if not run.finished:
            planned = run.settings.get("scheme.rounds")
            told.append(f"{name}: {run.rounds_done} of {planned or 'its'} rounds")
    return told


def _own(name: str) -> Markup:
    return Markup(resources.files("analysis.report").joinpath(name).read_text(encoding="utf-8"))
