"""Every key a scenario may have, with its default. Units are in the value (``20 MHz``), see ``quantities``."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from cosim.scenario.compute import Compute, EdgeCompute, FleetCompute, UserCompute
from cosim.scenario.faults import Faults
from cosim.scenario.learning import Data, Evaluation, Model, Training
from cosim.scenario.memory import Memory
from cosim.scenario.parts import AvailabilityPart, Tracker
from cosim.scenario.payloads import Payloads
from cosim.scenario.quantities import Bytes, Watts
from cosim.scenario.radio import Backhaul, Radio
from cosim.scenario.section import Count, Few, Flag, Section, default
from cosim.scenario.sweep import Sweep
from training.machine import PENDING_JOBS


class Fleet(Section):
    """The nodes of a role that has many."""

    count: Few
    compute: FleetCompute
    memory: Memory = default((), "for training, 4 GB; or [2 GB, 4 GB], dealt in turn; else no limit")

    @property
    def limits_memory(self) -> bool:
        """Whether they have limits, of their own or by the file of devices."""
        capacities = self.compute.capacities
        return bool(self.memory) or (capacities is not None and capacities.memory_column is not None)

    @model_validator(mode="after")
    def _memory_said_once(self) -> Self:
        capacities = self.compute.capacities
        if self.memory and capacities is not None and capacities.memory_column is not None:
            raise ValueError("give either memory or capacities.memory_column, as both say how much there is")
        return self


class Users(Fleet):
    """The users: how many, how fast, how loud."""

    count: Few = 8
    compute: UserCompute = default({})
    power: Watts = default("23 dBm", "transmit power", gt=0)
    availability: AvailabilityPart = AvailabilityPart()
    ranks: tuple[Count, ...] = default((), "LoRA ranks dealt to the users in turn, [4, 8]; else all have the model's")


class Edges(Fleet):
    """The edge servers, one radio cell each."""

    count: Few = 2
    compute: EdgeCompute = default({})
    power: Watts = default("40 dBm", "transmit power, split among the transfers of a cell", gt=0)


class Cloud(Section):
    """The cloud, one for all."""

    compute: Compute = default({})
    memory: Bytes | None = default(None, "for training, 80 GB; else no limit")


class Host(Section):
    """How the computer at hand does the training; changes no result beyond rounding."""

    device: str = default("auto", "a torch device; auto takes the accelerator if there is one")
    threads: Count | None = default(None, "passes side by side, a core each; else all cores")
    tokens: Count | None = default(None, "tokens of all clients in one pass; else by device and memory")
    pending: Count = default(PENDING_JOBS, "jobs that may wait to be needed, before those that will be are run")
    cache: Flag = default(True, "keep round states and evaluations on disk, and train nothing twice")
    cache_size: Annotated[int, Field(ge=0, strict=True)] = default(10 * 10**9, "bytes; beyond, the oldest go")
    tracking: tuple[Tracker, ...] = default((), "who is told of each round: tensorboard, mlflow, wandb")


class Scenario(Section):
    """One experiment: a world, a scheme, and the schemes it is compared with."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    seed: int = default(0, ge=0, lt=2**63, strict=True)
    scheme: dict[str, Any]
    compare: tuple[dict[str, Any], ...] = ()
    users: Users = Users()
    edges: Edges = Edges()
    cloud: Cloud = Cloud()
    radio: Radio = Radio()
    backhaul: Backhaul = Backhaul()
    faults: Faults = Faults()
    payloads: Payloads = Payloads()
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
    sweep: Sweep | None = default(None, "what `cosim sweep` varies")

    @property
    def limits_memory(self) -> bool:
        """Whether any node has so much memory and no more."""
        return self.users.limits_memory or self.edges.limits_memory or self.cloud.memory is not None

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
