"""What a run leaves in its folder; every file appears whole or not at all."""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosim.clock import to_s
from cosim.links_frame import links_frame
from cosim.recorder import EVERYBODY, KINDS, PAYLOADS
from cosim.recordings import sha256
from cosim.scenario import write_scenario
from cosim.scenario.entries import single

if TYPE_CHECKING:
    import pandas as pd

    from cosim.runner import Run

_CHECKOUT = Path(__file__).parents[1]
_PACKAGES = ("cosim", "torch", "transformers", "peft", "simpy", "numpy", "pydantic", "pandas")


def write(run: Run, folder: Path) -> dict[str, Any]:
    """Write all results of ``run`` in place of an earlier run's, and return its summary.

    ``summary.json`` goes first and comes last: where it is, all the rest is there and of one run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    events, memory, links = events_frame(run), memory_frame(run), links_frame(run)
    rounds = _frame(run.observer.rows)
    summary: dict[str, Any] = _finite(summarise(run, events, memory))
    texts = {
        "scenario.yaml": write_scenario(single(run.scenario, run.entry)),
        "provenance.json": _json(provenance(run)),
        "summary.json": _json(summary),
    }
    (folder / "summary.json").unlink(missing_ok=True)
    for name, frame in {"rounds": rounds, "events": events, "memory": memory, "links": links}.items():
        with appearing(folder / f"{name}.parquet") as path:
            frame.to_parquet(path, index=False)
    _write_adapter(run, folder / "adapter")
    for name, text in texts.items():
        with appearing(folder / name) as path:
            path.write_text(text, encoding="utf-8")
    return summary


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A temporary path that becomes ``target`` if all goes well, and nothing otherwise; files and folders."""
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
        path = Path(scratch) / target.name
        yield path
        if target.is_dir():
            shutil.rmtree(target)
        path.replace(target)


def events_frame(run: Run) -> pd.DataFrame:
    """One row an activity of a finished round, in order of start."""
    import pandas as pd  # noqa: PLC0415

    last = run.observer.rows[-1]["round"] if run.observer.rows else 0
    frame = pd.DataFrame(run.world.recorder.activities.columns())
    frame = frame[frame["round"] <= last]
    frame.insert(0, "start_s", frame.pop("start_ns").map(to_s))
    frame.insert(1, "end_s", frame.pop("end_ns").map(to_s))
    frame["bytes"] = frame[list(PAYLOADS)].sum(axis=1)
    return frame.sort_values(["start_s", "end_s"], kind="stable", ignore_index=True)


def memory_frame(run: Run) -> pd.DataFrame:
    """Peak bytes of every node by kind, and in total."""
    rows = [
        {"node": node.name, "role": node.role, "kind": kind, "peak_bytes": peak}
        for node in run.world.nodes
        for kind, peak in node.memory.peaks().items()
    ]
    return _frame(rows, ["node", "role", "kind", "peak_bytes"])


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
        "rounds": rows[-1]["round"] if rows else 0,
        "finished": run.finished,
        "diverged_in_round": _diverged(rows),
        "sim_time_s": rows[-1]["sim_time_s"] if rows else 0.0,
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


def provenance(run: Run) -> dict[str, Any]:
    """What made these results: software, machine, command, and the hashes of the files that were read."""
    return {
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in _PACKAGES}},
        "git_commit": _git_commit(),
        "seed": run.scenario.seed,
        "machine": {"platform": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()},
        "command": sys.argv,
        "corpus": {
            "name": run.scenario.data.corpus,
            "sha256": run.prepared.corpus_sha256,
            "classes": list(run.prepared.lab.train.labels),
        },
        "recordings": {
            key: sha256(source)
            for key in ("uplink_trace", "downlink_trace")
            if (source := getattr(run.scenario.radio, key)) is not None
        },
        "model": {"name": run.prepared.lab.foundation.name, "sha256": run.prepared.lab.foundation.sha256},
    }


def _write_adapter(run: Run, folder: Path) -> None:
    """The adapter of the last round that ended; where the run computed none, an earlier run's is removed."""
    if not run.runtime.computes_values or run.observer.last is None:
        if folder.exists():
            shutil.rmtree(folder)
        return
    from training.export import save_adapter  # noqa: PLC0415

    weights = run.runtime.weights(run.observer.last.adapters)
    with appearing(folder) as path:
        save_adapter(path, run.prepared.lab.foundation, weights)


def _diverged(rows: list[dict[str, Any]]) -> int | None:
    """The first round with a loss that is no finite number."""
    losses = ((row["round"], row[name]) for row in rows for name in ("train_loss", "loss"))
    return next((number for number, loss in losses if loss is not None and not math.isfinite(loss)), None)


def _metrics(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: rows[0][name] if rows else None for name in ("loss", "perplexity", "accuracy")}


def _frame(rows: list[dict[str, Any]], columns: list[str] | None = None) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415

    return pd.DataFrame(rows, columns=columns)


def _json(value: Any) -> str:
    return json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    """``value`` with None for every number that is not finite, for which JSON has no word."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _git_commit() -> str | None:
    """The commit of this program's checkout, if it runs from one and git is there to ask."""
    if not (_CHECKOUT / ".git").exists():
        return None  # installed; the folder may still lie in somebody else's repository
    ask: Callable[..., Any] = subprocess.run
    try:
        answer = ask(["git", "rev-parse", "HEAD"], cwd=_CHECKOUT, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return answer.stdout.strip() or None
