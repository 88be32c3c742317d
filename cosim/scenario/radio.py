"""The radio of edge servers, and their wires to the cloud."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from cosim.scenario.parts import (
    AccessPart,
    AvailabilityPart,
    FadingPart,
    InterferencePart,
    LayoutPart,
    MobilityPart,
    PathLossPart,
    RatePart,
)
from cosim.scenario.paths import FilePath
from cosim.scenario.quantities import BitsPerSecond, Decibels, Distance, Duration, Hertz, Metres, Seconds
from cosim.scenario.section import Section, default


class RateTrace(Section):
    """Rates as they were recorded; each user has one of the recordings for itself, from a random place in it on."""

    file: FilePath = default(
        ..., "a file, a folder of them, or a pattern such as traces/*.up.gz; also compressed (.gz)"
    )
    column: str | None = default(None, "of a CSV file with a row a second: the rate; else files are Mahimahi's")
    unit: BitsPerSecond = default("1 Mbit/s", "of the numbers in the column")
    time_column: str = default("t_s", "whole seconds")
    group_column: str | None = default(None, "rows with different words in it are recordings of their own")
    where: dict[str, str] = default({}, "take only the rows with this text in this column")

    @model_validator(mode="after")
    def _options_of_a_table(self) -> Self:
        if self.column is None and (self.group_column is not None or self.where):
            raise ValueError("group_column and where go with column, the rate in a CSV file; Mahimahi's have none")
        return self


class Handover(Section):
    """When a user who moves among edge servers in one plane goes over to a stronger one (3GPP's event A3)."""

    hysteresis: Decibels = default("3 dB", "by how much it must be stronger, before fading")
    time_to_trigger: Seconds = default("160 ms", "for how long")
    interval: Duration = default("40 ms", "between two checks")
    interruption: Seconds = default("50 ms", "for which nothing passes after it")


class Radio(Section):
    """The cell of each edge server. Uplink and downlink have a band of ``bandwidth`` each, or take turns in one."""

    bandwidth: Hertz = default("20 MHz")
    carrier: Hertz = default("3.5 GHz")
    layout: LayoutPart = LayoutPart()
    cell_radius: Metres = default("250 m", "users are uniform in the disc round an edge server", ge=10)
    mobility: MobilityPart = MobilityPart()
    handover: Handover = Handover()
    outages: AvailabilityPart = default(AvailabilityPart(), "of the link of each user")
    interrupted: Literal["resumes", "restarts"] = default(
        "resumes", "what a transfer does that a handover, an outage or an absence cut off"
    )
    sampling: Duration | None = default(None, "interval of links.parquet, signals and rates over time")
    pathloss: PathLossPart = PathLossPart()
    base_height: Metres | None = default(
        None, "of the edge server's antenna; else what the path loss model is made for"
    )
    user_height: Metres = default("1.5 m", "of the users' antennas")
    shadowing: Decibels | None = default(
        None, "standard deviation of the log-normal shadowing; else the path loss model's own, 8 dB for macro"
    )
    decorrelation: Distance | None = default(
        None,
        "where the shadowing's correlation falls to 1/e; 0 m: users are independent; else the path loss model's own",
    )
    indoor: float = default(0.0, "share of the users that are inside buildings", ge=0, le=1, strict=True)
    building: Literal["low", "high", "simple"] = default(
        "low", "what walls take: TR 38.901's low or high loss, or 20 dB"
    )
    fading: FadingPart = FadingPart()
    coherence_time: Seconds = default("20 ms", "length of a fading block", ge=1e-6)
    rate: RatePart = RatePart()
    access: AccessPart = AccessPart()
    uplink_access: AccessPart | None = default(None, "for the uplink alone; else access")
    federated_bandwidth: Hertz | None = default(
        None, "a band of its own for adapters on their way up; else they share that of the activations"
    )
    downlink: Literal["modelled", "neglected"] = default(
        "modelled", "neglected: what comes down takes no time, as where papers say that servers have power enough"
    )
    downlink_access: AccessPart | None = default(None, "for the downlink alone; else access")
    uplink_time: float | None = default(
        None, "share of the time that the uplink has of one band, the downlink the rest (TDD)", gt=0, lt=1, strict=True
    )
    interference: InterferencePart = InterferencePart()
    uplink_trace: RateTrace | None = default(None, "recorded rates in place of the modelled uplink")
    downlink_trace: RateTrace | None = default(None, "recorded rates in place of the modelled downlink")
    user_noise_figure: Decibels = default("9 dB")
    edge_noise_figure: Decibels = default("5 dB")


class Backhaul(Section):
    """The wire between each edge server and the cloud, both ways."""

    rate: BitsPerSecond = default("1 Gbit/s")
    latency: Seconds = default("5 ms")
    sharing: Literal["dedicated", "shared"] = default("dedicated", "a wire for each edge server, or one for all")
