"""What a run leaves in its folder; every file appears whole or not at all."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosim.links_frame import links_frame
from cosim.provenance import provenance
from cosim.recorder import EVERYBODY, KINDS, PAYLOADS
from cosim.scenario import write_scenario

if TYPE_CHECKING:
    import pandas as pd

    from cosim.runner import Run


def write(run: Run, folder: Path) -> dict[str, Any]:
    """Write all results that ``run`` has so far in place of an earlier run's, and return its summary.

    All is written before any of it takes its place, so that a full disk costs nothing that is there. Then another run's
    ``summary.json`` goes first, its own comes last: where it is, all the rest is there and of one run. Of a run under
    way the other tables may be later than their summary, which says how many rounds all of them have.

    Raises:
        OSError: it cannot be written; ``folder`` is as it was.
    """
    from cosim import tables  # noqa: PLC0415 - with pandas

    frames = {
        "rounds": tables.rounds_frame(run),
        "events": tables.events_frame(run),
        "memory": tables.memory_frame(run),
        "held": tables.held_frame(run),
        "links": links_frame(run),
    }
    summary: dict[str, Any] = _finite(summarise(run, frames["events"], frames["memory"]))
    first = run.written_to != folder
    texts = {"summary.json": json_text(summary)}
    if first:
        texts |= {"scenario.yaml": write_scenario(run.resolved), "provenance.json": json_text(provenance(run))}
    with _naming(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".results-", dir=folder) as scratch:
            for name, frame in frames.items():
                frame.to_parquet(Path(scratch) / f"{name}.parquet", index=False)
            for name, text in texts.items():
                (Path(scratch) / name).write_text(text, encoding="utf-8")
            _write_adapter(run, Path(scratch) / "adapter")
            _take_place(Path(scratch), folder, instead=first)
    run.written_to = folder
    return summary


def _take_place(scratch: Path, folder: Path, *, instead: bool) -> None:
    """Move all files from ``scratch`` to ``folder``, the summary last; ``instead`` of another run's."""
    if instead:
        (folder / "summary.json").unlink(missing_ok=True)
    if (folder / "adapter").exists():
        shutil.rmtree(folder / "adapter")
    for path in sorted(scratch.iterdir(), key=lambda path: path.name == "summary.json"):
        path.replace(folder / path.name)


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A temporary path that becomes the file ``target`` if all goes well, and nothing otherwise.

    Raises:
        OSError: it cannot be written; the error names the target.
    """
    with _naming(target), tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
        path = Path(scratch) / target.name
        yield path
        path.replace(target)


@contextmanager
def _naming(target: Path) -> Iterator[None]:
    """Of an OSError, what the user knows of, in place of a temporary path."""
    try:
        yield
    except OSError as error:
        reason = str(error) if error.errno is None else os.strerror(error.errno)
        raise OSError(error.errno, reason, str(target)) from error


def summarise(run: Run, events: pd.DataFrame, memory: pd.DataFrame) -> dict[str, Any]:
    """The totals. ``delay_s`` is the mean over users of how each spent the simulated time, to which it adds up."""
    rows, options = run.observer.rows, run.entry.options
    evaluated = [row for row in rows if row["loss"] is not None]
    duration = events["end_s"] - events["start_s"]
    share = (events["user"] == EVERYBODY) + (events["user"] >= 0) / len(run.world.users)
    delay = (duration * share).groupby(events["kind"]).sum()
    role = events["node"].str.extract(r"^([a-z]+)", expand=False)
    energy = events["energy_j"].groupby(role).sum()
    totals = memory[memory["kind"] == "total"].groupby("role")["peak_bytes"].max()
    return {
        "name": run.scenario.name,
        "label": run.entry.label,
        "scheme": options.name,
        "seed": run.scenario.seed,
        "rounds": run.observer.ended_round,
        "finished": run.finished,
        "plan": run.scheme.plan,
        "diverged_in_round": None if run.divergence is None else run.divergence.round,
        "divergence": "" if run.divergence is None else run.divergence.said,
        "sim_time_s": run.observer.ended_s,
        "initial": _metrics(evaluated[:1]),
        "final": _metrics(evaluated[-1:]),
        "delay_s": {kind: float(delay.get(kind, 0.0)) for kind in KINDS},
        "traffic_bytes": {
            kind: int(events.loc[events["kind"] == kind, "bytes"].sum()) for kind in ("uplink", "downlink", "backhaul")
        },
        "payload_bytes": {name.removesuffix("_bytes"): int(events[name].sum()) for name in PAYLOADS},
        "peak_memory_bytes": {name: int(totals.get(name, 0)) for name in ("user", "edge", "cloud")},
        "energy_j": {name: float(energy.get(name, 0.0)) for name in ("user", "edge", "cloud")},
        "wall_time_s": run.wall_time_s,
        "events": len(events),
        "jobs": {"run": run.runtime.jobs_run, "cached": run.runtime.jobs_cached},
    }


def _write_adapter(run: Run, folder: Path) -> None:
    """The adapter of the last round, if the run is over and has computed one."""
    if not run.over or not run.runtime.computes_values or run.observer.last is None:
        return
    from training.export import save_adapter  # noqa: PLC0415

    weights = run.runtime.weights(run.observer.last.adapters)
    save_adapter(folder, run.prepared.lab.foundation, weights)


def _metrics(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: rows[0][name] if rows else None for name in ("loss", "perplexity", "accuracy", "f1")}


def json_text(value: Any) -> str:
    """``value`` as a JSON file has it; null for every number that is not finite, for which JSON has no word."""
    return json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    """``value`` with None for every number that is not finite, for which JSON has no word."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
