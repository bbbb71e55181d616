"""How the learning rate changes over a run. Each schedule is a pure function of the step, so that the curve which is drawn
before a run, the run itself and a resumed run cannot differ.

``factor`` gives the number that the optimiser's learning rate is multiplied with. A new schedule is one class here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from workbench.config.fields import Section, setting


@dataclass(frozen=True)
class Plan:
    """What a schedule spans: ``epochs`` of ``steps_per_epoch`` optimiser steps each."""

    epochs: int
    steps_per_epoch: int

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.epochs * self.steps_per_epoch


class ScheduleSection(Section):
    """What every schedule has: linear warm-up in front."""

    warmup: float = setting(
        0.0,
        title="Warm-up",
        help="Epochs over which the learning rate rises evenly from 1 % to its full value, before the schedule begins.",
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
        """Optimiser steps of the warm-up: never more than the plan has."""
        return min(round(self.warmup * plan.steps_per_epoch), plan.steps)

    def after_warmup(self, step: int, steps: int, plan: Plan) -> float:
        """The multiplier at ``step`` of the ``steps`` that follow the warm-up. Constant unless a schedule says otherwise."""
        return 1.0


class Constant(ScheduleSection):
    """The same learning rate throughout."""

    title: ClassVar[str] = "Constant"
    kind: Literal["constant"] = "constant"


class Step(ScheduleSection):
    """Falls by a factor every few epochs (torch's StepLR)."""

    title: ClassVar[str] = "Step"
    kind: Literal["step"] = "step"
    every: int = setting(10, title="Every", help="Epochs between two falls.", unit="epochs", ge=1, le=100_000)
    gamma: float = setting(
        0.1, title="Factor", help="The learning rate is multiplied with this at each fall.", gt=0.0, le=1.0
    )

    def after_warmup(self, step: int, steps: int, plan: Plan) -> float:
        """gamma ** floor(epoch / every)."""
        return float(self.gamma ** (step // (self.every * plan.steps_per_epoch)))


class Cosine(ScheduleSection):
    """Falls along half a cosine to a final value (torch's CosineAnnealingLR)."""

    title: ClassVar[str] = "Cosine"
    kind: Literal["cosine"] = "cosine"
    final: float = setting(
        0.0,
        title="Final share",
        help="Share of the learning rate that is left at the end.",
        ge=0.0,
        le=1.0,
        advanced=True,
    )

    def after_warmup(self, step: int, steps: int, plan: Plan) -> float:
        """final + (1 - final) (1 + cos(pi t)) / 2, with t from 0 towards 1."""
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * step / steps)) / 2


class OneCycle(ScheduleSection):
    """Rises to the full learning rate and falls far below it (Smith and Topin, 2018; torch's OneCycleLR, cosine)."""

    title: ClassVar[str] = "One cycle"
    kind: Literal["one-cycle"] = "one-cycle"
    rise: float = setting(
        0.3, title="Rise", help="Share of the steps over which the learning rate rises.", gt=0.0, lt=1.0, advanced=True
    )
    start_divisor: float = setting(
        25.0, title="Start divisor", help="The run begins at the learning rate divided by this.", ge=1.0, advanced=True
    )
    final_divisor: float = setting(
        1e4,
        title="Final divisor",
        help="The run ends at its first learning rate divided by this.",
        ge=1.0,
        advanced=True,
    )

    def after_warmup(self, step: int, steps: int, plan: Plan) -> float:
        """Two cosine arcs that meet at ``rise * steps - 1``, as torch places them."""
        top = max(self.rise * steps - 1, 1e-9)
        start, end = 1 / self.start_divisor, 1 / (self.start_divisor * self.final_divisor)
        if step <= top:
            return _arc(start, 1.0, step / top)
        return _arc(1.0, end, min((step - top) / max(steps - 1 - top, 1e-9), 1.0))


class Plateau(ScheduleSection):
    """Falls when the validation result stops improving (torch's ReduceLROnPlateau). Its plan cannot be known beforehand."""

    title: ClassVar[str] = "Plateau"
    kind: Literal["plateau"] = "plateau"
    patience: int = setting(
        5,
        title="Patience",
        help="Epochs without improvement before the learning rate falls.",
        unit="epochs",
        ge=0,
        le=100_000,
    )
    gamma: float = setting(
        0.1, title="Factor", help="The learning rate is multiplied with this at each fall.", gt=0.0, lt=1.0
    )
    least: float = setting(
        0.0, title="Lowest share", help="The learning rate never falls below this share.", ge=0.0, le=1.0, advanced=True
    )


def _arc(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


Schedule = Annotated[Constant | Step | Cosine | OneCycle | Plateau, Field(discriminator="kind")]
