"""The learning rate of a generated script."""

from __future__ import annotations

from typing import Any

from workbench.config.run import RunConfig
from workbench.engine.data.dataset import Source
from workbench.engine.export.script.piece import Piece, filled
from workbench.engine.runtime.failures import RefusedError

_SCHEDULE = """
def factor_at(step: int, epoch_steps: int) -> float:
    \"\"\"What the learning rate is multiplied with at a step, counted from 0. Beyond the last epoch the last value holds.\"\"\"
    $begin
    $body
"""
_WARM = """
steps = EPOCHS * epoch_steps
warm = min(round($warmup * epoch_steps), steps)
if step < warm:  # it rises evenly at first
    return 0.01 + 0.99 * step / warm
step, steps = max(min(step, steps - 1) - warm, 0), max(steps - warm, 1)
"""
_COLD = """
steps = EPOCHS * epoch_steps
step = min(step, steps - 1)
"""
_CYCLE = """
top = max($rise * steps - 1, 1e-9)
start, end = 1 / $start_divisor, 1 / ($start_divisor * $final_divisor)
if step <= top:
    return between(start, 1.0, step / top)
high, begun = 1.0, top
$third
return between(high, end, min((step - begun) / max(steps - 1 - begun, 1e-9), 1.0))
"""
_THIRD = """
down = 2 * $rise * steps - 2  # as fast as it rose
if step <= down:
    return between(1.0, start, (step - top) / max(down - top, 1e-9))
high, begun = start, max(down, top)
"""
_BETWEEN = {
    "cosine": """
    def between(start: float, end: float, share: float) -> float:
        \"\"\"From start to end along half a cosine.\"\"\"
        return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
    """,
    "linear": """
    def between(start: float, end: float, share: float) -> float:
        \"\"\"From start to end, evenly.\"\"\"
        return start + (end - start) * share
    """,
}
_RESTARTS = """
span = $first * epoch_steps
$by_epoch
$growing
return $final + (1 - $final) * (1 + math.cos(math.pi * (step % span) / span)) / 2
"""
_GROWING = """
while step >= span:  # each length is longer than the one before
    step, span = step - span, span * $growth
"""
_SCHEDULES = {
    "constant": "return 1.0",
    "plateau": "return 1.0",
    "step": "return $gamma ** (step // ($every * epoch_steps))",
    "multi-step": "return $gamma ** sum(milestone <= step // epoch_steps for milestone in $milestones)",
    "exponential": "return $gamma ** (step // epoch_steps)",
    "cosine": """
    span = $span
    $by_epoch
    return $final + (1 - $final) * (1 + math.cos(math.pi * step / span)) / 2
    """,
    "warm-restarts": _RESTARTS,
    "polynomial": """
    span = steps
    $by_epoch
    return max(1 - step / span, 0.0) ** $power
    """,
    "linear": """
    span = steps
    $by_epoch
    return $begin + ($final - $begin) * step / span
    """,
    "one-cycle": _CYCLE,
}
_BY_EPOCH = "step, span = step // epoch_steps, max(-(-span // epoch_steps), 1)"
_PLATEAU = """
better = best + $threshold$scale
if value > (best if best == -math.inf else better):
    best, bad = value, 0
else:
    bad += 1
if cooling:  # so many epochs after a fall are not judged
    cooling, bad = cooling - 1, 0
if bad > $patience:  # no improvement: the learning rate falls
    bad, cooling = 0, $cooldown
    lower = max(plateau * $gamma, $min_lr_factor)
    if plateau - lower > $eps:
        plateau = lower
"""


def schedule(config: RunConfig) -> Piece:
    """``factor_at(step, epoch_steps)``. Raises RefusedError."""
    section: Any = config.schedule
    kind: str = section.kind
    if kind not in _SCHEDULES:
        what = f"a script has no counterpart yet of the schedule {kind}"
        raise RefusedError(what, "choose another format", "schedule.kind")
    facts = {name: getattr(section, name) for name in type(section).model_fields if name not in ("kind", "warmup")}
    facts["by_epoch"] = _BY_EPOCH if facts.get("per") == "epoch" else ""
    facts["span"] = "steps" if facts.get("period", "auto") == "auto" else f"{facts['period']} * epoch_steps"
    facts["growing"] = filled(_GROWING, **facts) if facts.get("growth", 1) > 1 else ""
    facts["third"] = filled(_THIRD, **facts) if facts.get("three_phase") else ""
    begin = filled(_WARM, warmup=section.warmup) if section.warmup else filled(_COLD)
    if kind in ("constant", "plateau") and not section.warmup:
        begin = ""
    code = filled(_SCHEDULE, begin=begin, body=filled(_SCHEDULES[kind], **facts))
    if kind == "one-cycle":
        code += "\n\n\n" + filled(_BETWEEN[facts["anneal"]])
    return Piece(code, ("import math",))


def plateau(config: RunConfig) -> str:
    """Lines after an epoch that let the learning rate fall by its ``value``; nothing where no plateau is looked for."""
    section: Any = config.schedule
    if section.kind != "plateau":
        return ""
    facts = {name: getattr(section, name) for name in ("patience", "gamma", "min_lr_factor", "threshold", "cooldown", "eps")}
    return filled(_PLATEAU, scale=" * abs(best)" if section.threshold_mode == "relative" else "", **facts)


def judged(config: RunConfig, source: Source) -> str:
    """The line that gives an epoch's ``value``, the higher the better. Raises RefusedError."""
    classes = source.task.kind == "classification"
    if classes and config.dataset.balance != "none":
        what = "a script has no counterpart yet of epochs that are judged by the balanced accuracy"
        hint = "choose neither early stopping nor a plateau in a new run, or choose another format"
        raise RefusedError(what, hint, "dataset.balance")
    return "value = val_metric  # the higher, the better" if classes else "value = -val_loss  # the higher, the better"
