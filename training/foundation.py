"""What is known of a base model with an adapter before either is loaded."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property

from training.adapters import AdapterLayout, HeadSite, LoraSite, Part


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """A base model by name and hash of its weights, its shape, the sites of its adapter, and PEFT's words for these.

    ``whole_logits`` as in ``CostModel``.
    """

    name: str
    sha256: str
    blocks: int
    hidden: int
    layout: AdapterLayout
    adapter_config: str
    whole_logits: bool = False

    @cached_property  # what thousands of users wait for mentions it
    def whole(self) -> Part:
        """The unsplit model."""
        return Part(first=0, last=self.blocks)

    def to_json(self) -> str:
        """As text, exactly."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Foundation:
        """What ``to_json`` wrote."""
        facts = json.loads(text)
        sites = tuple((LoraSite if "rank" in site else HeadSite)(**site) for site in facts.pop("layout")["sites"])
        return Foundation(layout=AdapterLayout(sites), **facts)
