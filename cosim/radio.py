"""The radio that a scenario describes, from its parts: path loss, shadowing and fading of every link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from channel_models.handover import HandoverRule
from channel_models.large_scale import LargeScale
from channel_models.mobility import ONE_SITE
from channel_models.penetration import Penetration
from channel_models.randomness import Stream
from channel_models.shadowing import GudmundsonShadowing, IndependentShadowing, Shadowing
from cosim.clock import to_ns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from channel_models.availability import Availability
    from channel_models.fading import Fading
    from channel_models.layout import Layout
    from channel_models.mobility import Mobility, Sites
    from channel_models.pathloss import PathLoss
    from channel_models.rates import Rate
    from cosim.scenario.parts import AvailabilityPart
    from cosim.scenario.radio import Radio


Direction = Literal["uplink", "downlink"]

_MAST_CLEARANCE_M = 10.0
"""Nobody is put closer to an edge server's antenna than this."""


def path_loss(radio: Radio) -> PathLoss:
    """The path loss model.

    Raises:
        ValueError: one that cannot be made, or not for this carrier.
    """
    model: PathLoss = radio.pathloss.build(carrier_hz=radio.carrier)
    return model


def fading(radio: Radio, stream: Stream) -> Fading:
    """The fading of all links of one direction.

    Raises:
        ValueError: one that cannot be made.
    """
    model: Fading = radio.fading.build(stream=stream, block_ns=to_ns(radio.coherence_time), carrier_hz=radio.carrier)
    return model


def rate(radio: Radio, direction: Direction) -> Rate:
    """What the links of one direction make of signal quality.

    Raises:
        ValueError: one that cannot be made.
    """
    model: Rate = radio.rate.build(direction=direction)
    return model


def sites_m(radio: Radio, edges: int) -> NDArray[np.float64] | None:
    """Places (edges, 2) of the edge servers in one plane, or None if each is in a plane of its own.

    Raises:
        ValueError: a layout that cannot be made, or not for so many.
    """
    model: Layout = radio.layout.build()
    return model.sites_m(edges)


def mobility(radio: Radio, seed: int, users: int, sites: Sites = ONE_SITE) -> Mobility:
    """Where so many users are, dealt out to these ``sites`` in turn.

    Raises:
        ValueError: a model that cannot be made, or that knows not of all users.
    """
    stream = Stream(seed, "position")
    model: Mobility = radio.mobility.build(
        stream=stream, radius_m=radio.cell_radius, minimum_m=_MAST_CLEARANCE_M, sites_m=sites
    )
    model.places_m(np.arange(users), np.zeros(1, dtype=np.int64))
    return model


def handover_rule(radio: Radio) -> HandoverRule:
    """When users go over to a stronger edge server."""
    said = radio.handover
    return HandoverRule(hysteresis_db=said.hysteresis, time_to_trigger_s=said.time_to_trigger, interval_s=said.interval)


def availability(part: AvailabilityPart, seed: int, purpose: str) -> Availability:
    """When the users, or their links, are there.

    Raises:
        ValueError: one that cannot be made.
    """
    model: Availability = part.build(stream=Stream(seed, purpose))
    return model


def large_scale(radio: Radio, seed: int, sites: NDArray[np.int64], draw: int = 0) -> LargeScale:
    """What places cost, for one link of each user to these ``sites``, an edge server each.

    Several links of one user need a ``draw`` each.

    Raises:
        ValueError: a path loss model that cannot be made, or that has no users indoors or none so high.
    """
    model = path_loss(radio)
    built = LargeScale(
        seed=seed,
        pathloss=model,
        shadowing=_shadowing(radio, Stream(seed, "shadowing"), model, draw),
        sites=sites,
        draw=draw,
        user_height_m=radio.user_height,
        base_height_m=radio.base_height,
        sigma_db=radio.shadowing,
        indoor_share=radio.indoor,
        penetration=Penetration(carrier_hz=radio.carrier, building=radio.building),
    )
    built.loss_db(np.zeros(1, dtype=np.int64), np.array([[radio.cell_radius, 0.0]]))  # a height may be out of range
    return built


def _shadowing(radio: Radio, stream: Stream, model: PathLoss, draw: int) -> Shadowing:
    decorrelation_m = model.environment.decorrelation_m
    if radio.decorrelation is not None:
        decorrelation_m = (radio.decorrelation,) * 3 if radio.decorrelation else None
    if decorrelation_m is None:
        return IndependentShadowing(stream=stream, draw=draw)
    return GudmundsonShadowing(stream=stream, decorrelation_m=decorrelation_m)
