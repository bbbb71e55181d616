"""The learning rate of a generated script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.engine.data.source import Source
from workbench.engine.export.piece import Piece, filled

_SCHEDULE = """
def factor_at(step: int, epoch_steps: int) -> float:
    \"\"\"What the learning rate is multiplied with at a step, counted from 0.\"\"\"
    $warm
    $body
"""
_WARM = """
steps = EPOCHS * epoch_steps
warm = min(round($warmup * epoch_steps), steps)
if step < warm:  # it rises evenly at first
    return 0.01 + 0.99 * step / warm
step, steps = max(min(step, steps - 1) - warm, 0), max(steps - warm, 1)
"""
_ARCS = """
# Half a cosine up, half a cosine down.
top = max($rise * steps - 1, 1e-9)
start, end = 1 / $start_divisor, 1 / ($start_divisor * $final_divisor)
if step <= top:
    return 1.0 + (start - 1.0) * (1 + math.cos(math.pi * step / top)) / 2
share = min((step - top) / max(steps - 1 - top, 1e-9), 1.0)
return end + (1.0 - end) * (1 + math.cos(math.pi * share)) / 2
"""
_SCHEDULES = {
    "constant": "return 1.0",
    "plateau": "return 1.0",
    "step": "return $gamma ** (step // ($every * epoch_steps))",
    "multi-step": "return $gamma ** sum(milestone <= step // epoch_steps for milestone in $milestones)",
    "exponential": "return $gamma ** (step // epoch_steps)",
    "cosine": """
    $span
    return $final + (1 - $final) * (1 + math.cos(math.pi * step / steps)) / 2
    """,
    "one-cycle": _ARCS,
}


def schedule(config: RunConfig) -> Piece:
    """``factor_at(step, epoch_steps)``. Raises RefusedError."""
    section: Any = config.schedule
    if section.kind not in _SCHEDULES:
        what = f"the schedule {section.kind} has no counterpart in a script yet"
        raise RefusedError(what, "choose another format", "schedule.kind")
    facts = {name: getattr(section, name) for name in type(section).model_fields if name not in ("kind", "warmup")}
    facts["span"] = _span(facts)
    simple = section.kind in ("constant", "plateau") and section.warmup == 0
    warm = "" if simple else filled(_WARM, warmup=section.warmup)
    code = filled(_SCHEDULE, warm=warm, body=filled(_SCHEDULES[section.kind], **facts))
    return Piece(code, ("import math",))


def _span(facts: dict[str, Any]) -> str:
    """Lines that bring ``step`` and ``steps`` to the length of a cosine, and to whole epochs where it moves by them."""
    lines = []
    if facts.get("period", "auto") != "auto":
        lines.append(f"steps = {facts['period']} * epoch_steps")
    if facts.get("per", "step") == "epoch":
        lines.append("step, steps = step // epoch_steps, max(-(-steps // epoch_steps), 1)")
    return "\n".join(lines)
