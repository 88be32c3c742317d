"""What FedsLLM and SflLLM choose before they learn: the cut of the model, and the rank of its adapters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from cosim.scenario.section import Alpha, Count
from cosim.schemes.splitting import AUTO, read_cuts


def _cuts_or_auto(given: Any) -> tuple[int, ...] | str:
    try:
        return AUTO if given == AUTO else read_cuts(given)
    except ValueError as error:
        raise ValueError(f"{error}, or auto") from error


def _rounds_by_rank(given: Any) -> dict[int, float]:
    found = {_rank(key): value for key, value in given.items()} if isinstance(given, dict) else {}
    if not found or not all(
        type(rank) is int and rank > 0 and type(rounds) in {int, float} and rounds > 0.0
        for rank, rounds in found.items()
    ):
        raise ValueError("expected the rounds that adapters of each rank take, such as {1: 60, 4: 45}")
    return {rank: float(rounds) for rank, rounds in found.items()}


def _rank(key: Any) -> Any:
    return int(key) if isinstance(key, str) and key.isdecimal() else key  # JSON has no other keys than strings


CutsOrAuto = Annotated[
    tuple[int, ...] | Literal["auto"],
    BeforeValidator(_cuts_or_auto, json_schema_input_type=Count | tuple[Count, Count] | Literal["auto"]),
]
"""Cut layers, or the word for the one that gives the least delay."""

RoundsByRank = Annotated[dict[int, float], BeforeValidator(_rounds_by_rank, json_schema_input_type=dict[str, Alpha])]
"""E(r) of SflLLM (arXiv 2504.14667): the rounds until the target, as measured, for each rank r there may be."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Cut layers, the rank of all adapters (None: as the scenario has it), and what theory expects of them.

    Each of the ``rounds``, whole or not, is to the local accuracy ``eta``; all of them take ``delay_s``.
    """

    cuts: tuple[int, ...]
    rank: int | None
    eta: float
    rounds: float
    delay_s: float
