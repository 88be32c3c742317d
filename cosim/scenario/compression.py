"""Which payloads a scheme makes small before it sends them, and how: by kind of payload."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from cosim.scenario.parts import CompressionPart
from cosim.scenario.section import Section, default

if TYPE_CHECKING:
    from cosim.scenario.payloads import Payloads
    from training.compression.base import Compressor
    from training.jobs import PayloadKind

Way = Literal["upload", "download", "activations", "gradients"]
"""What can be compressed."""
WAYS: tuple[Way, ...] = get_args(Way)
ADAPTERS: frozenset[Way] = frozenset({"upload", "download"})
SMASHED: frozenset[Way] = frozenset({"activations", "gradients"})

_KINDS: dict[Way, PayloadKind] = {
    "upload": "adapter",
    "download": "adapter",
    "activations": "activation",
    "gradients": "gradient",
}


@dataclass(frozen=True, kw_only=True)
class Compressors:
    """A compressor for each way, and whether errors are fed back."""

    upload: Compressor
    download: Compressor
    activations: Compressor
    gradients: Compressor
    fed_back: frozenset[Way]


class Compression(Section):
    """What arrives is what can be restored of what was sent, and what is sent has the compressor's bytes."""

    upload: CompressionPart = default(
        {}, "adapters to the federated server, as what they differ by from what was received; or to the next user"
    )
    download: CompressionPart = default(
        {}, "averages from the federated server, as weights; with error_feedback, as changes since the last"
    )
    activations: CompressionPart = default({}, "of mini-batches, between the parts of the model")
    gradients: CompressionPart = default({}, "of these activations, on their way back")

    @property
    def given(self) -> list[Way]:
        """Those ways on which something is compressed."""
        return [way for way in WAYS if getattr(self, way).name != "none"]

    def compressors(self) -> Compressors:
        """The compressors.

        Raises:
            ValueError: one cannot be made.
        """
        parts: dict[Way, CompressionPart] = {way: getattr(self, way) for way in WAYS}
        fed_back = frozenset(way for way, part in parts.items() if part.error_feedback)
        return Compressors(**{way: part.build() for way, part in parts.items()}, fed_back=fed_back)

    def problems(self, sent: Collection[Way], differences: bool, payloads: Payloads) -> Iterator[str]:
        """What a scheme that sends these cannot do, a line each.

        ``differences`` says whether its adapters are sent between sides that both know what went before.
        """
        for way in self.given:
            part: CompressionPart = getattr(self, way)
            said = f"scheme.compression.{way} = {part.said}"
            if way not in sent:
                yield f"{said}: it sends nothing that way; {_listed(sent)}"
                continue
            if getattr(payloads, _KINDS[way]) is not None or (
                way == "activations" and payloads.round_activations is not None
            ):
                yield f"{said}: payloads says how large that is; leave one of them out"
            try:
                compressor = part.build()
            except ValueError as error:
                yield f"{said}: {error}"
                continue
            yield from (f"{said}: {problem}" for problem in _unfit(part, compressor, way, differences))


def _unfit(part: CompressionPart, compressor: object, way: Way, differences: bool) -> Iterator[str]:
    from training.compression.base import Compressor  # noqa: PLC0415 - only where something is compressed

    if not isinstance(compressor, Compressor):
        yield "not a compressor, a subclass of training.compression.base:Compressor"
        return
    if part.error_feedback and way in SMASHED:
        yield "error_feedback is for adapters: what is left out of one mini-batch belongs to no other"
    elif part.error_feedback and not differences:
        yield "error_feedback needs differences, and here an adapter is handed on as it is"
    elif part.error_feedback and not compressor.contracts:
        yield "error_feedback would grow without bound, as what is sent is scaled up; choose an option that does not"
    if compressor.needs_reference and (way in SMASHED or not differences):
        yield "it needs weights that both sides have, as a federated server and its users do"


def _listed(sent: Collection[Way]) -> str:
    known = [way for way in WAYS if way in sent]
    return f"expected some of {', '.join(known)}" if known else "leave the section out"
