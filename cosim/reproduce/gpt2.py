"""GPT-2 small without weights, and analytic runs of the schemes on it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cosim.reproduce.training import PAPERS
from cosim.scenario import load_scenario
from cosim.scenario.entries import entries

if TYPE_CHECKING:
    from cosim.runner import Run
    from cosim.tracking.callback import Callback

_TOKENIZER = "tiny-gpt2"


@dataclass(frozen=True, kw_only=True)
class Gpt2Small:
    """A paper's ``scenario`` at the size of the ``model`` in a folder."""

    scenario: Path
    model: Path

    @staticmethod
    def below(folder: Path, scenario: str) -> Gpt2Small:
        """124 million parameters as Transformers has them by default, written below ``folder`` as a configuration.

        Its tokenizer is the shipped model's: which tokens there are has no part in costs.
        """
        from transformers import GPT2Config  # noqa: PLC0415 - torch takes seconds to import

        from training.model_files import ASSETS  # noqa: PLC0415

        model = folder / "gpt2-small"
        model.mkdir(parents=True, exist_ok=True)
        GPT2Config().save_pretrained(model)
        for file in (ASSETS / _TOKENIZER).glob("tokenizer*.json"):
            shutil.copyfile(file, model / file.name)
        return Gpt2Small(scenario=PAPERS / scenario, model=model)

    def run(self, label: str, overrides: Sequence[str] = (), callbacks: Sequence[Callback] = ()) -> Run:
        """Run the scheme with this label, and no other."""
        from cosim import runner  # noqa: PLC0415

        scenario = load_scenario(self.scenario, [f"model.base={self.model}", *overrides])
        entry = next(entry for entry in entries(scenario) if entry.label == label)
        return runner.run(scenario, entry, callbacks)

    @property
    def labels(self) -> list[str]:
        """Of all schemes that are compared."""
        scenario = load_scenario(self.scenario, [f"model.base={self.model}"])
        return [entry.label for entry in entries(scenario)]
