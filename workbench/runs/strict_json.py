"""JSON that every reader takes: numbers that are not finite become null."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping


def dumps(data: object, indent: int | None = None) -> str:
    """``data`` as strict JSON; what JSON has no form for becomes text."""
    return json.dumps(_finite(data), ensure_ascii=False, allow_nan=False, default=str, indent=indent)


def _finite(data: object) -> object:
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, Mapping):
        return {str(key): _finite(value) for key, value in data.items()}
    return [_finite(value) for value in data] if isinstance(data, (list, tuple)) else data
