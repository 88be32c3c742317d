"""Run folders made by hand: two users, one edge, two rounds, every duration a round number."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

EVERYBODY, NOBODY = -1, -2
PAYLOADS = ("activation", "gradient", "adapter", "label", "model", "position")

# node, act, kind, user, seconds in a run of slowness 1
ROUND = (
    ("user0", "computing", "user_compute", 0, 2.0),
    ("user1", "computing", "user_compute", 1, 4.0),
    ("edge0.uplink", "transmitting", "uplink", 0, 3.0),
    ("edge0.uplink", "transmitting", "uplink", 1, 1.0),
    ("edge0.uplink", "propagating", "uplink", 0, 0.5),
    ("edge0.uplink", "propagating", "uplink", 1, 0.5),
    ("edge0", "computing", "edge_compute", 0, 1.0),
    ("edge0", "computing", "edge_compute", 1, 1.5),
    ("user0", "waiting", "waiting", 0, 0.5),
    ("cloud", "transmitting", "backhaul", EVERYBODY, 0.25),
    ("cloud", "computing", "cloud_compute", EVERYBODY, 0.25),
    ("edge0.downlink", "transmitting", "downlink", EVERYBODY, 1.5),
    ("edge1", "computing", "edge_compute", NOBODY, 5.0),
)
ROUND_S = 9.0  # either user's own seconds (7) and the common ones (2)
MEAN_OF_ROUND_S = {
    "user_compute": 3.0,
    "edge_compute": 1.25,
    "cloud_compute": 0.25,
    "uplink": 2.5,
    "downlink": 1.5,
    "backhaul": 0.25,
    "waiting": 0.25,
}
ROUNDS = 2


def events_of(slowness: float) -> pd.DataFrame:
    rows = []
    for number in range(1, ROUNDS + 1):
        for node, act, kind, user, seconds in ROUND:
            start_s = (number - 1) * ROUND_S * slowness
            row = {"start_s": start_s, "end_s": start_s + seconds * slowness, "node": node, "act": act, "kind": kind}
            row |= {"reason": "radio" if act == "waiting" else "", "round": number, "step": 0, "user": user}
            row |= {"bytes": 1000, "flops": 1e6, "energy_j": 1.0}
            rows.append(row | {f"{payload}_bytes": 200 for payload in PAYLOADS})
    return pd.DataFrame(rows)


def rounds_of(slowness: float, perplexities: list[float | None], accuracies: list[float | None]) -> pd.DataFrame:
    rows = [
        {"round": number, "sim_time_s": number * ROUND_S * slowness, "samples": number * 32, "loss": perplexity}
        | {"perplexity": perplexity, "train_loss": None if number == 0 else 3.0}
        | {"accuracy": accuracies[number], "f1": accuracies[number]}
        | {"reports": 2, "mean_staleness": 0.5, "max_staleness": 1}
        | {f"{link}_bytes": number * 4000 for link in ("uplink", "downlink", "backhaul")}
        | {f"{role}_energy_j": number * 10.0 for role in ("user", "edge", "cloud")}
        for number, perplexity in enumerate(perplexities)
    ]
    return pd.DataFrame(rows).astype(
        {"perplexity": float, "loss": float, "train_loss": float, "accuracy": float, "f1": float}
    )


def summary_of(
    label: str, seed: int, slowness: float, perplexities: list[float | None], accuracies: list[float | None]
) -> dict[str, object]:
    metrics = [
        {"loss": value, "perplexity": value, "accuracy": accuracy}
        for value, accuracy in zip(perplexities, accuracies, strict=True)
    ]
    return {
        "name": "hand-made",
        "label": label,
        "scheme": label,
        "seed": seed,
        "finished": True,
        "rounds": ROUNDS,
        "sim_time_s": ROUNDS * ROUND_S * slowness,
        "initial": metrics[0],
        "final": metrics[-1],
        "delay_s": {kind: ROUNDS * slowness * seconds for kind, seconds in MEAN_OF_ROUND_S.items()},
        "traffic_bytes": {"uplink": 8_000_000, "downlink": 4_000_000, "backhaul": 2_000},
        "peak_memory_bytes": {"user": 3 * 2**20, "edge": 5 * 2**30, "cloud": 2**10},
        "energy_j": {"user": 4_000.0 * slowness, "edge": 20.0, "cloud": 0.0},
    }


@pytest.fixture
def nothing_learned() -> dict[str, tuple[None, None, None]]:
    """How `make_run` makes an analytic run."""
    return {"perplexities": (None,) * 3, "accuracies": (None,) * 3}


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a run folder `tmp_path/FOLDER`; every duration of the hand-made round is multiplied by `slowness`."""

    def make(
        folder: str,
        *,
        label: str | None = None,
        slowness: float = 1.0,
        seed: int = 0,
        settings: dict[str, Any] | None = None,
        perplexities: tuple[float | None, float | None, float | None] = (40.0, 30.0, 20.0),
        accuracies: tuple[float | None, float | None, float | None] = (0.0, 0.1, 0.2),
    ) -> Path:
        path = tmp_path / folder
        path.mkdir(parents=True)
        learned = list(perplexities), list(accuracies)
        (path / "summary.json").write_text(json.dumps(summary_of(label or path.name, seed, slowness, *learned)))
        rounds_of(slowness, *learned).to_parquet(path / "rounds.parquet")
        events_of(slowness).to_parquet(path / "events.parquet")
        memory = pd.DataFrame({"node": ["user0"], "role": ["user"], "kind": ["total"], "peak_bytes": [3 * 2**20]})
        memory.assign(limit_bytes=float("nan")).to_parquet(path / "memory.parquet")
        scenario = {
            "name": "hand-made",
            "seed": seed,
            "scheme": {"name": path.name, "label": label},
            **(settings or {}),
        }
        (path / "scenario.yaml").write_text(yaml.safe_dump(scenario))
        return path

    return make
