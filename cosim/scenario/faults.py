"""What goes wrong, and when; links that break and users out of reach stand at ``radio`` and ``users``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cosim.scenario.parts import AvailabilityPart
from cosim.scenario.quantities import Bytes, Seconds
from cosim.scenario.section import Count, Fraction, Section, default


class Stragglers(Section):
    """Devices of users that are slower for a while."""

    steady: AvailabilityPart = default(..., "when a device has its full speed: {name: on_off, mean_on: 60 s, ...}")
    factor: Annotated[float, Field(gt=1, strict=True)] = default(..., "how many times as long computing takes else")


class Losses(Section):
    """Messages by radio that are lost as a whole."""

    probability: Fraction = default(..., "that a message is lost each time it is sent")
    timeout: Seconds = default(..., "for which the sender waits for an acknowledgement before it sends again")
    attempts: Count | None = default(None, "times that a message is sent before the user gives up its round; else all")


class Corruption(Section):
    """Packets that arrive by radio corrupted, and are sent again."""

    probability: Fraction = default(..., "that a packet is corrupted each time it is sent")
    packet: Bytes = default("1500 B", "bytes of a packet")


class Faults(Section):
    """Availabilities say when all is well: ``always``, ``on_off`` with mean times, or ``recorded`` in a file."""

    dropouts: AvailabilityPart = default(AvailabilityPart(), "when devices of users are on; what they do else is lost")
    stragglers: Stragglers | None = default(None, "devices of users that are slower for a while")
    edge_crashes: AvailabilityPart = default(AvailabilityPart(), "when edge servers run; else what they held is lost")
    cloud_pauses: AvailabilityPart = default(AvailabilityPart(), "when the cloud computes; it goes on where it stopped")
    losses: Losses | None = default(None, "messages by radio that are lost")
    corruption: Corruption | None = default(None, "packets by radio that are corrupted")
