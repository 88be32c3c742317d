"""Every key a scenario may have, with its default. Units are in the value (``20 MHz``), see ``quantities``."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from cosim.scenario.parts import (
    AccessPart,
    AvailabilityPart,
    FadingPart,
    InterferencePart,
    LayoutPart,
    MobilityPart,
    Partition,
    PathLossPart,
    RatePart,
    Tracker,
)
from cosim.scenario.quantities import (
    BitsPerSecond,
    Decibels,
    Distance,
    Duration,
    FlopPerSecond,
    Hertz,
    Metres,
    Seconds,
    Watts,
)
from training.machine import PENDING_JOBS


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
    return text


Count = Annotated[int, Field(ge=1, strict=True)]
Index = Annotated[int, Field(ge=0, strict=True)]
Alpha = Annotated[float, Field(gt=0, strict=True)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Fraction = Annotated[float, Field(ge=0, lt=1, strict=True)]


def default(value: Any, description: str = "", **bounds: Any) -> Any:
    """A field that is ``value`` if nothing is said, written as a user would write it; ``...`` must be given."""
    return Field(value, description=description or None, **bounds)


def _says(given: Any, key: str) -> bool:
    """Whether an unchecked section has a value under ``key``."""
    return isinstance(given, dict) and given.get(key) is not None


class Section(BaseModel):
    """Frozen; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


class Compute(Section):
    """A processor, of a given speed or as measured; ``speed`` is null beside a profile.

    Its energy is power times time, plus kappa f^2 a cycle where a clock frequency is given. The clock is taken to be in
    proportion to the speed: a node that is drawn twice as fast has twice the frequency.
    """

    speed: FlopPerSecond | None = default("20 TFLOP/s", "operations a second at full utilisation")
    utilisation: float = default(1.0, "share of the speed that is reached", gt=0, le=1, strict=True)
    profile: str | None = default(None, "CSV file of jobs timed on a device: columns flops and seconds")
    factor: float = default(1.0, "how many times as fast as the device of the profile", gt=0, strict=True)
    power: Watts = default("400 W", "drawn while computing, whatever the clock")
    frequency: Hertz | None = default(None, "clock at the given speed or with the given profile, for kappa")
    kappa: float = default(0.0, "effective switched capacitance, J s^2 a cycle", ge=0, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _no_default_speed_beside_a_profile(cls, given: Any) -> Any:
        return {"speed": None, **given} if _says(given, "profile") else given

    @model_validator(mode="after")
    def _by_speed_or_by_profile(self) -> Self:
        if (self.speed is None) == (self.profile is None):
            raise ValueError("give either speed or profile, such as 'speed: 20 GFLOP/s'; the other is left out or null")
        if self.profile is not None and self.utilisation != 1:
            raise ValueError("utilisation goes with speed; in the times of a profile it is contained")
        if self.profile is None and self.factor != 1:
            raise ValueError("factor goes with profile; without one, give the speed itself")
        return self

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if bool(self.kappa) != (self.frequency is not None):
            raise ValueError("kappa and frequency go together, such as 'kappa: 1e-28' and 'frequency: 2 GHz'")
        return self


class Capacities(Section):
    """A file of devices, a row each: every node is one of them, and its speed has the row's ratio to the median."""

    file: str = default(..., "CSV file with a header, also compressed (.csv.gz)")
    column: str = default(..., "how long the devices take, or how much they do in a given time")
    column_is: Literal["time", "rate"] = default("time", "whether more is slower or faster")
    weight_column: str | None = default(None, "how common each row is; else all are alike")
    where: dict[str, str] = default({}, "take only the rows with this text in this column")


class FleetCompute(Compute):
    """The processors of many nodes, of different speeds; ``spread`` is 0 beside a file, unless it is given."""

    spread: Fraction = default(0.0, "speeds are uniform in speed * [1 - spread, 1 + spread]")
    capacities: Capacities | None = default(None, "how speeds differ; the median device is as fast as said here")

    @model_validator(mode="before")
    @classmethod
    def _no_default_spread_beside_a_file(cls, given: Any) -> Any:
        return {"spread": 0.0, **given} if _says(given, "profile") or _says(given, "capacities") else given

    @model_validator(mode="after")
    def _spread_or_capacities(self) -> Self:
        if self.spread and self.capacities is not None:
            raise ValueError("give either spread or capacities, as both say how speeds differ; spread: 0 is none")
        return self


class UserCompute(FleetCompute):
    """A phone's share for training."""

    speed: FlopPerSecond | None = default("20 GFLOP/s", "operations a second at full utilisation")
    power: Watts = default("5 W", "drawn while computing, whatever the clock")
    spread: Fraction = default(0.5, "speeds are uniform in speed * [1 - spread, 1 + spread]")


class EdgeCompute(FleetCompute):
    """A small accelerator."""

    speed: FlopPerSecond | None = default("2 TFLOP/s", "operations a second at full utilisation")
    power: Watts = default("150 W", "drawn while computing, whatever the clock")


class Users(Section):
    """The users: how many, how fast, how loud."""

    count: Count = 8
    compute: UserCompute = default({})
    power: Watts = default("23 dBm", "transmit power", gt=0)
    availability: AvailabilityPart = AvailabilityPart()
    ranks: tuple[Count, ...] = default((), "LoRA ranks dealt to the users in turn, [4, 8]; else all have the model's")


class Edges(Section):
    """The edge servers, one radio cell each."""

    count: Count = 2
    compute: EdgeCompute = default({})
    power: Watts = default("40 dBm", "transmit power, split among the transfers of a cell", gt=0)


class Cloud(Section):
    """The cloud, one for all."""

    compute: Compute = default({})


class RateTrace(Section):
    """Rates as they were recorded; each user has one of the recordings for itself, from a random place in it on."""

    file: str = default(..., "a file, a folder of them, or a pattern such as traces/*.up.gz; also compressed (.gz)")
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


class Lora(Section):
    """The adapter, in PEFT's terms."""

    r: Count = 8
    alpha: Alpha = 16
    targets: Annotated[tuple[str, ...], Field(min_length=1)] = ("c_attn",)
    layers: Annotated[tuple[Index, ...], Field(min_length=1)] | None = default(
        None, "PEFT's layers_to_transform: the blocks that are adapted, counted from 0; else all"
    )
    rank_pattern: dict[Pattern, Count] = default({}, "another r for matrices with such names: {h.0.attn.c_attn: 4}")
    alpha_pattern: dict[Pattern, Alpha] = default({}, "another alpha for matrices with such names")
    dropout: Fraction = default(0.0, "share of what enters the adapter that a training step leaves out")


class Model(Section):
    """The base model, by shipped name, local folder or hub name, what it is to learn, and its adapter."""

    base: str = "tiny-gpt2"
    task: Literal["causal_lm", "sequence_classification"] = default(
        "causal_lm", "predict next tokens, or the class of each row of a table, under a head that is trained in full"
    )
    lora: Lora = Lora()

    @property
    def classifies(self) -> bool:
        """Whether the base model becomes a classifier."""
        return self.task == "sequence_classification"


class Data(Section):
    """The corpus, and who holds which part of it."""

    corpus: str = default("python-docs", "a shipped name, a path, or hub:owner/name")
    validation: str | None = default(None, "held-out texts of the same kind; else a tenth is held out")
    text_column: str = "text"
    author_column: str | None = None
    label_column: str | None = None
    partition: Partition = Partition()
    sequences: Literal["pack", "pad"] = default(
        "pack", "an author's texts in one stream, or a passage a row; rows to classify are padded"
    )
    batch_size: Count = 4
    sequence_length: int = default(64, "tokens", ge=2, strict=True)


class Training(Section):
    """AdamW, one for each part of the model at each entity."""

    lr: float = default(2e-3, ge=0, strict=True)
    weight_decay: float = default(0.0, ge=0, strict=True)


class Evaluation(Section):
    """The observer's evaluation on held-out text; it takes no simulated time."""

    every: Count = default(1, "rounds between evaluations; the last round is always evaluated")
    sequences: Count = default(64, "held-out sequences to evaluate on, or as many as there are")


class Host(Section):
    """How the computer at hand does the training; changes no result beyond rounding."""

    device: str = default("auto", "a torch device; auto takes the accelerator if there is one")
    threads: Count | None = default(None, "passes side by side, a core each; else all cores")
    tokens: Count | None = default(None, "tokens of all clients in one pass; else by device and memory")
    pending: Count = default(PENDING_JOBS, "jobs that may wait to be needed, before those that will be are run")
    cache: bool = default(True, "keep round states and evaluations on disk, and train nothing twice")
    cache_size: Annotated[int, Field(ge=0, strict=True)] = default(10 * 10**9, "bytes; beyond, the oldest go")
    tracking: tuple[Tracker, ...] = default((), "who is told of each round: tensorboard, mlflow, wandb")


class Scenario(Section):
    """One experiment: a world, a scheme, and the schemes it is compared with."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    seed: int = default(0, ge=0, strict=True)
    scheme: dict[str, Any]
    compare: tuple[dict[str, Any], ...] = ()
    users: Users = Users()
    edges: Edges = Edges()
    cloud: Cloud = Cloud()
    radio: Radio = Radio()
    backhaul: Backhaul = Backhaul()
    model: Model = Model()
    data: Data = Data()
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    execution: Literal["deferred", "eager", "analytic"] = default(
        "deferred", "train when a result is needed, in waves; at each event; or not at all, for delays alone"
    )
    host: Host = Host()
    figures: tuple[str | dict[str, Any], ...] | None = default(
        None, "what is drawn at the end, kinds with options: [delay, {kind: gantt, round: 2}]; else the comparison"
    )

    @model_validator(mode="before")
    @classmethod
    def _rows_to_classify_are_padded(cls, given: Any) -> Any:
        """Where nothing is said of ``data.sequences``."""
        model, data = (given.get(key) if isinstance(given, dict) else None for key in ("model", "data"))
        if not isinstance(model, dict) or not isinstance(data, dict) or model.get("task") != "sequence_classification":
            return given
        return {**given, "data": {"sequences": "pad", **data}}

    @model_validator(mode="after")
    def _classes_have_a_column(self) -> Self:
        if self.model.classifies:
            task = f"model.task = {self.model.task!r}"
            if self.data.label_column is None:
                raise ValueError(f"{task}: data.label_column is missing, the column of the table that holds the class")
            if self.data.sequences != "pad":
                raise ValueError(f"{task}: data.sequences = {self.data.sequences!r}: a class needs a row, so say pad")
        return self
