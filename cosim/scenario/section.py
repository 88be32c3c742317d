"""What all sections of a scenario have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1, le=10**9, strict=True)]
Few = Annotated[int, Field(ge=1, le=10**6, strict=True)]
"""A count of what stands in memory, each by itself."""
Flag = Annotated[bool, Field(strict=True)]
Index = Annotated[int, Field(ge=0, strict=True)]
Alpha = Annotated[float, Field(gt=0, strict=True)]
Fraction = Annotated[float, Field(ge=0, lt=1, strict=True)]


def default(value: Any, description: str = "", **bounds: Any) -> Any:
    """A field that is ``value`` if nothing is said, written as a user would write it; ``...`` must be given."""
    return Field(value, description=description or None, **bounds)


class Section(BaseModel):
    """Frozen; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key of a section and of those below it, dotted."""
    for name, field in model.model_fields.items():
        yield prefix + name
        for part in (field.annotation, *get_args(field.annotation)):  # a section, or a section or null
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from keys_of(part, f"{prefix}{name}.")
