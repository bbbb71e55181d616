"""What requests, answers and their parts have in common."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _read_number(value: object) -> object:
    """Files hold null where a number was not finite."""
    return math.nan if value is None else value


Number = Annotated[float, BeforeValidator(_read_number)]
"""A float that may be NaN or infinite; null is read as NaN."""


class ServiceData(BaseModel):
    """Frozen data. Fields that a version does not know are ignored, so that two versions understand each other."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        ser_json_inf_nan="constants",
        populate_by_name=True,
        defer_build=True,  # most processes use a few of these: each is made ready when it is used first
    )

    def as_data(self, *, exclude_none: bool = False) -> dict[str, Any]:
        """Plain data for files and ``--json``, under the names that stand there, without ``kind``."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=exclude_none, exclude={"kind"})
