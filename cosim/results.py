"""What a run leaves in its folder; every file appears whole or not at all."""

from __future__ import annotations

import json
import math
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

    Another run's ``summary.json`` goes first, its own comes last: where it is, all the rest is there and of one run. Of
    a run under way the other tables may be later than their summary, which says how many rounds all of them have.
    """
    from cosim import tables  # noqa: PLC0415 - with pandas

    folder.mkdir(parents=True, exist_ok=True)
    frames = {
        "rounds": tables.rounds_frame(run),
        "events": tables.events_frame(run),
        "memory": tables.memory_frame(run),
        "held": tables.held_frame(run),
        "links": links_frame(run),
    }
    summary: dict[str, Any] = _finite(summarise(run, frames["events"], frames["memory"]))
    if run.written_to != folder:
        (folder / "summary.json").unlink(missing_ok=True)
    for name, frame in frames.items():
        with appearing(folder / f"{name}.parquet") as path:
            frame.to_parquet(path, index=False)
    _write_adapter(run, folder / "adapter")
    if run.written_to != folder:
        _write_text(folder / "scenario.yaml", write_scenario(run.resolved))
        _write_text(folder / "provenance.json", json_text(provenance(run)))
        run.written_to = folder
    _write_text(folder / "summary.json", json_text(summary))
    return summary


def _write_text(file: Path, text: str) -> None:
    with appearing(file) as path:
        path.write_text(text, encoding="utf-8")


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A temporary path that becomes ``target`` if all goes well, and nothing otherwise; files and folders."""
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
        path = Path(scratch) / target.name
        yield path
        if target.is_dir():
            shutil.rmtree(target)
        path.replace(target)


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
    """The adapter of the last round; where the run has computed none, or none yet, an earlier run's is removed."""
    if not run.over or not run.runtime.computes_values or run.observer.last is None:
        if folder.exists():
            shutil.rmtree(folder)
        return
    from training.export import save_adapter  # noqa: PLC0415

    weights = run.runtime.weights(run.observer.last.adapters)
    with appearing(folder) as path:
        save_adapter(path, run.prepared.lab.foundation, weights)


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
