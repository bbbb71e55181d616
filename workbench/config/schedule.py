"""How the learning rate changes over a run. Each schedule is a pure function of the step, so that the curve which is drawn
before a run, the run itself and a resumed run cannot differ.

``factor`` gives the number that the optimizer's learning rate is multiplied by. A new schedule is one class here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from workbench.config.fields import Section, setting


@dataclass(frozen=True)
class Plan:
    """What a schedule spans: ``epochs`` of ``steps_per_epoch`` optimizer steps each."""

    epochs: int
    steps_per_epoch: int

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole run."""
        return self.epochs * self.steps_per_epoch


class ScheduleSection(Section):
    """What every schedule has: linear warm-up in front."""

    warmup: float = setting(
        0.0,
        title="Warm-up",
        help="Epochs during which the learning rate rises linearly from 1% to its full value before the schedule starts.",
        unit="epochs",
        ge=0.0,
        le=100_000.0,
    )

    def factor(self, step: int, plan: Plan) -> float:
        """The multiplier at ``step`` (0 is the first). Beyond the plan the last value holds."""
        warm = self.warmup_steps(plan)
        if step < warm:
            return 0.01 + 0.99 * step / warm
        # A warm-up that fills the whole plan leaves the schedule at its first step.
        return self.after_warmup(max(min(step, plan.steps - 1) - warm, 0), max(plan.steps - warm, 1), plan)

    def warmup_steps(self, plan: Plan) -> int:
        """Optimizer steps of the warm-up: never more than the plan has."""
        return min(round(self.warmup * plan.steps_per_epoch), plan.steps)

    def after_warmup(self, step: int, steps: int, plan: Plan) -> float:
        """The multiplier at ``step`` of the ``steps`` that follow the warm-up. Constant unless a schedule says otherwise."""
        return 1.0


def per(default: Literal["step", "epoch"]) -> Any:
    """The setting ``per``: when a schedule moves."""
    return setting(
        default,
        title="Update every",
        help="Whether the learning rate is updated every step or every epoch.",
        advanced=True,
    )


def final(title: str = "Final factor") -> Any:
    """The fraction of the learning rate that a schedule ends with."""
    return setting(
        0.0,
        title=title,
        help="Learning rate at the end, as a fraction of its initial value.",
        ge=0.0,
        le=1.0,
        advanced=True,
    )


def _over(unit: str, step: int, steps: int, plan: Plan) -> tuple[int, int]:
    """Position and span in steps; where a schedule moves per epoch, those of the epoch's first step and of whole epochs."""
    if unit == "step":
        return step, steps
    each = plan.steps_per_epoch
    return step // each, max(-(-steps // each), 1)


class Constant(ScheduleSection):
    """The same learning rate throughout."""

    title: ClassVar[str] = "Constant"
    kind: Literal["constant"] = "constant"


class Step(ScheduleSection):
    """Reduced by a factor every few epochs (torch's StepLR)."""

    title: ClassVar[str] = "Step"
    kind: Literal["step"] = "step"
    every: int = setting(10, title="Step size", help="Epochs between two reductions.", unit="epochs", ge=1, le=100_000)
    gamma: float = setting(
        0.1, title="Factor", help="The learning rate is multiplied by this at each reduction.", gt=0.0, le=1.0
    )

    def after_warmup(self, step: int, steps: int, plan: Plan) -> float:
        """gamma ** floor(epoch / every)."""
        return float(self.gamma ** (step // (self.every * plan.steps_per_epoch)))


class MultiStep(ScheduleSection):
    """Reduced by a factor at given epochs (torch's MultiStepLR)."""

    title: ClassVar[str] = "Multi-step"
    kind: Literal["multi-step"] = "multi-step"
    milestones: tuple[int, ...] = setting(
        (10, 15), title="Milestones", help="Epochs after which the learning rate is reduced.", unit="epochs"
    )
    gamma: float = setting(
        0.1, title="Factor", help="The learning rate is multiplied by this at each reduction.", gt=0.0, le=1.0
    )

    def after_warmup(self, step: int, steps: int, plan: Plan) -> float:
        """gamma ** (milestones that have passed)."""
        epoch = step // plan.steps_per_epoch
        return float(self.gamma ** sum(milestone <= epoch for milestone in self.milestones))


class Exponential(ScheduleSection):
    """Reduced by the same factor every epoch (torch's ExponentialLR)."""

    title: ClassVar[str] = "Exponential"
    kind: Literal["exponential"] = "exponential"
    gamma: float = setting(
        0.95, title="Factor", help="The learning rate is multiplied by this after each epoch.", gt=0.0, le=1.0
    )

    def after_warmup(self, step: int, steps: int, plan: Plan) -> float:
        """gamma ** epoch."""
        return float(self.gamma ** (step // plan.steps_per_epoch))


class Cosine(ScheduleSection):
    """Decreases along half a cosine to a final value (torch's CosineAnnealingLR)."""

    title: ClassVar[str] = "Cosine"
    kind: Literal["cosine"] = "cosine"
    final: float = final()
    period: Literal["auto"] | int = setting(
        "auto",
        title="Length",
        help="Epochs until the minimum; then the learning rate rises again. Auto uses the remaining epochs of the run.",
        unit="epochs",
        ge=1,
        le=1_000_000,
        advanced=True,
    )
    per: Literal["step", "epoch"] = per("step")

    def after_warmup(self, step: int, steps: int, plan: Plan) -> float:
        """final + (1 - final) (1 + cos(pi t)) / 2, with t from 0 towards 1."""
        span = steps if self.period == "auto" else self.period * plan.steps_per_epoch
        position, span = _over(self.per, step, span, plan)
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * position / span)) / 2


class WarmRestarts(ScheduleSection):
    """A cosine that restarts, optionally with growing cycles (SGDR, 2017; torch's CosineAnnealingWarmRestarts)."""

    title: ClassVar[str] = "Cosine with warm restarts"
    kind: Literal["warm-restarts"] = "warm-restarts"
    first: int = setting(
        10, title="First cycle length", help="Epochs until the first restart.", unit="epochs", ge=1, le=1_000_000
    )
    growth: int = setting(
        1, title="Cycle growth", help="Each cycle is this many times as long as the one before.", ge=1, le=100
    )
    final: float = final("Minimum factor")
    per: Literal["step", "epoch"] = per("step")

    def after_warmup(self, step: int, steps: int, plan: Plan) -> float:
        """final + (1 - final) (1 + cos(pi t)) / 2, with t the share of the current length."""
        position, span = _over(self.per, step, self.first * plan.steps_per_epoch, plan)
        while self.growth > 1 and position >= span:
            position, span = position - span, span * self.growth
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * (position % span) / span)) / 2


class Polynomial(ScheduleSection):
    """Decreases to zero polynomially (torch's PolynomialLR)."""

    title: ClassVar[str] = "Polynomial"
    kind: Literal["polynomial"] = "polynomial"
    power: float = setting(
        1.0, title="Power", help="1 decreases linearly; larger values decrease earlier.", gt=0.0, le=100.0
    )
    per: Literal["step", "epoch"] = per("step")

    def after_warmup(self, step: int, steps: int, plan: Plan) -> float:
        """(1 - t) ** power, with t from 0 towards 1."""
        position, span = _over(self.per, step, steps, plan)
        return float(max(1 - position / span, 0.0) ** self.power)


class LinearDecay(ScheduleSection):
    """Changes linearly from one factor of the learning rate to another (torch's LinearLR)."""

    title: ClassVar[str] = "Linear"
    kind: Literal["linear"] = "linear"
    begin: float = setting(
        1.0, title="Start factor", help="Learning rate at the start, as a fraction of its value.", gt=0.0, le=1.0
    )
    final: float = final()
    per: Literal["step", "epoch"] = per("step")

    def after_warmup(self, step: int, steps: int, plan: Plan) -> float:
        """begin + (final - begin) t, with t from 0 towards 1."""
        position, span = _over(self.per, step, steps, plan)
        return self.begin + (self.final - self.begin) * position / span


class OneCycle(ScheduleSection):
    """Rises to the full learning rate and decreases far below it (Smith and Topin, 2018; torch's OneCycleLR).
    Momentum is not cycled."""

    title: ClassVar[str] = "One cycle"
    kind: Literal["one-cycle"] = "one-cycle"
    rise: float = setting(
        0.3,
        title="Increasing fraction",
        help="Fraction of the steps during which the learning rate rises.",
        gt=0.0,
        lt=1.0,
        advanced=True,
    )
    start_divisor: float = setting(
        25.0,
        title="Start divisor",
        help="The initial learning rate is the learning rate divided by this.",
        ge=1.0,
        advanced=True,
    )
    final_divisor: float = setting(
        1e4,
        title="Final divisor",
        help="The final learning rate is the initial one divided by this.",
        ge=1.0,
        advanced=True,
    )

    anneal: Literal["cosine", "linear"] = setting(
        "cosine", title="Shape", help="Whether the learning rate changes along a cosine or linearly.", advanced=True
    )
    three_phase: bool = setting(
        False,
        title="Three phases",
        help="Decrease symmetrically to the initial learning rate, then to the final one; otherwise to the final one directly.",
        advanced=True,
    )

    def after_warmup(self, step: int, steps: int, plan: Plan) -> float:
        """Two or three pieces that meet where torch puts them: at ``rise * steps - 1``, and at twice that step."""
        between = _arc if self.anneal == "cosine" else _line
        top = max(self.rise * steps - 1, 1e-9)
        start, end = 1 / self.start_divisor, 1 / (self.start_divisor * self.final_divisor)
        if step <= top:
            return between(start, 1.0, step / top)
        high, begun = 1.0, top
        if self.three_phase:
            down = 2 * self.rise * steps - 2
            if step <= down:
                return between(1.0, start, (step - top) / max(down - top, 1e-9))
            high, begun = start, max(down, top)
        return between(high, end, min((step - begun) / max(steps - 1 - begun, 1e-9), 1.0))


class Plateau(ScheduleSection):
    """Reduced when the validation loss, or the monitored metric, stops improving (torch's ReduceLROnPlateau)."""

    title: ClassVar[str] = "Plateau"
    kind: Literal["plateau"] = "plateau"
    patience: int = setting(
        5,
        title="Patience",
        help="Epochs without improvement before the learning rate is reduced.",
        unit="epochs",
        ge=0,
        le=100_000,
    )
    gamma: float = setting(
        0.1, title="Factor", help="The learning rate is multiplied by this at each reduction.", gt=0.0, lt=1.0
    )
    min_lr_factor: float = setting(
        0.0,
        title="Minimum factor",
        help="The learning rate is never reduced below this fraction of its initial value.",
        ge=0.0,
        le=1.0,
        advanced=True,
    )
    threshold: float = setting(
        1e-4, title="Threshold", help="Smallest change that counts as an improvement.", ge=0.0, le=1e6, advanced=True
    )
    threshold_mode: Literal["relative", "absolute"] = setting(
        "relative",
        title="Threshold mode",
        help="Whether the threshold is relative to the best value or absolute.",
        advanced=True,
    )
    cooldown: int = setting(
        0,
        title="Cooldown",
        help="Epochs after a reduction in which the result is not checked.",
        unit="epochs",
        ge=0,
        le=100_000,
        advanced=True,
    )
    eps: float = setting(
        1e-8,
        title="Smallest reduction",
        help="A smaller reduction of the learning rate is ignored.",
        ge=0.0,
        le=1.0,
        advanced=True,
    )


def _arc(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def _line(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


Schedule = Annotated[
    Constant | Step | MultiStep | Exponential | Cosine | WarmRestarts | Polynomial | LinearDecay | OneCycle | Plateau,
    Field(discriminator="kind"),
]
