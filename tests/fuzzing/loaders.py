"""What reads files that others wrote, each with files that it does read."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import load
from analysis.result import ROUND_COLUMNS
from channel_models.trace_files import read_mahimahi, read_rates
from cosim.devices import read_profile
from cosim.scenario import ScenarioError, load_scenario, yaml_text
from cosim.scenario.convergence import Convergence
from cosim.seeds import parse_seeds
from cosim.sweep.values import parse_values
from training import model_files
from training.corpora import read_texts
from training.store import Store

ROOT = Path(__file__).parents[2]
SCENARIOS = tuple(file.read_bytes() for file in sorted((ROOT / "scenarios").rglob("*.yaml")))
KEY = "ab" * 16


@dataclass(frozen=True, kw_only=True)
class Loader:
    """``read`` takes the path of a file called ``name``, and may raise ValueError or ScenarioError alone."""

    name: str
    read: Callable[[Path], object]
    valid: Sequence[bytes]


def _parquet() -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame({name: [0.0, 1.0] for name in ROUND_COLUMNS}).to_parquet(buffer)
    return buffer.getvalue()


def _kept_entry() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        Store(Path(folder), 10**6).put(KEY, {"weights": np.arange(4.0)}, {"step": "1"})
        (file,) = Path(folder).rglob("*.safetensors")
        return file.read_bytes()


def _texts(path: Path) -> object:
    return read_texts(str(path)).corpus()


def _model(path: Path) -> object:
    config = model_files.local_config(str(path.parent)) or {}
    return model_files.blocks(config), model_files.positions(config)


def _kept(path: Path) -> object:
    """A damaged entry of the cache is as good as none, and no error."""
    place = path.parent / KEY[:2] / f"{KEY}.safetensors"
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(path.read_bytes())
    return Store(path.parent, 10**6).get(KEY)


def _run(path: Path) -> object:
    results = load(path.parent)
    return [(run.label, run.seed, run.finished, run.settings, run.rounds, run.total("sim_time_s")) for run in results]


def _rounds(path: Path) -> object:
    (path.parent / "summary.json").write_bytes(_SUMMARY)
    return load(path.parent).rounds


def _words(parse: Callable[[str], object]) -> Callable[[Path], object]:
    return lambda path: parse(path.read_text(encoding="utf-8"))


_PASSAGES = "\n\n".join(f"passage {chr(97 + place) * 9} " + "of many words " * 9 for place in range(26)).encode()
_CSV = b"flops,seconds,tier\n1e9,0.5,low\n2e9,1.5,high\n"
_SUMMARY = json.dumps({"label": "x", "seed": 0, "finished": True, "rounds": 1, "sim_time_s": 2.5}).encode()
_ENTRY = _kept_entry()

LOADERS: Mapping[str, Loader] = {
    "YAML": Loader(name="s.yaml", read=yaml_text.read_file, valid=SCENARIOS),
    "scenario": Loader(name="s.yaml", read=load_scenario, valid=SCENARIOS),
    "text corpus": Loader(name="c.txt", read=_texts, valid=[_PASSAGES]),
    "model configuration": Loader(
        name="config.json", read=_model, valid=[b'{"model_type": "gpt2", "n_layer": 6, "n_positions": 128}']
    ),
    "profile": Loader(name="p.csv", read=lambda path: read_profile(str(path)), valid=[_CSV]),
    "compressed profile": Loader(
        name="p.csv.gz", read=lambda path: read_profile(str(path)), valid=[gzip.compress(_CSV)]
    ),
    "packet trace": Loader(name="t.up", read=lambda path: read_mahimahi(str(path)), valid=[b"1\n2\n2\n9\n"]),
    "rate trace": Loader(
        name="t.csv", read=lambda path: read_rates(str(path), "x"), valid=[b"t_s,x\n0,1.5\n1,2\n4,0\n"]
    ),
    "calibration": Loader(
        name="c.json", read=lambda path: Convergence(calibration=str(path)).model(), valid=[b'{"a": 160.0, "v": 4}']
    ),
    "cache entry": Loader(name="entry", read=_kept, valid=[_ENTRY]),
    "summary": Loader(name="summary.json", read=_run, valid=[_SUMMARY]),
    "resolved scenario": Loader(name="scenario.yaml", read=_run, valid=SCENARIOS),
    "rounds": Loader(name="rounds.parquet", read=_rounds, valid=[_parquet()]),
    "values of a sweep": Loader(
        name="v", read=_words(parse_values), valid=[b"10:100:10", b"log(1,9,3) MHz", b"5MHz,10MHz"]
    ),
    "seeds": Loader(name="v", read=_words(parse_seeds), valid=[b"0:5", b"0,3,7"]),
}


REFUSALS = (ValueError, ScenarioError)
