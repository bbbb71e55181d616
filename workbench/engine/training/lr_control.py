"""The learning rate of every step: the schedule's plan, what a plateau or the run itself made of it, and what was set by hand."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from workbench.config.run import RunConfig
from workbench.config.schedule import Plan, Plateau
from workbench.engine.runtime.state_types import ScheduleState
from workbench.engine.training import monitor


class LRSchedule:
    """The plan is that of the configuration, even when a resumed run continues beyond it."""

    def __init__(self, config: RunConfig, steps_per_epoch: int) -> None:
        self._schedule = config.schedule
        self._plan = Plan(config.training.epochs, steps_per_epoch)
        self.base_lr = config.optimizer.lr
        """The full learning rate."""
        self.lr_backoff = 1.0
        """What the run itself has multiplied it by, because numbers were not finite."""
        self.follows = monitor.followed_by_plateau(config)
        """Split and metric that a plateau schedule follows, ``val loss``; empty: what an epoch is judged by."""
        self._plateau = PlateauState()

    def lr_at(self, step: int) -> float:
        """The learning rate of optimizer step ``step``, counted from 0."""
        return self.base_lr * self._schedule.factor(step, self._plan) * self._plateau.factor * self.lr_backoff

    def apply(self, optimizer: torch.optim.Optimizer, step: int) -> float:
        """Sets the learning rate of ``step`` in every group, by the group's own factor. Gives it."""
        lr = self.lr_at(step)
        set_lr(optimizer, lr)
        return lr

    def set_base_lr(self, lr: float) -> None:
        """Another full learning rate from now on, at its word: what the run has multiplied the last one by is gone."""
        self.base_lr, self.lr_backoff = lr, 1.0

    def end_epoch(self, value: float, higher_is_better: bool) -> bool:
        """Shows a plateau schedule the value that it follows. True when the learning rate falls."""
        if not isinstance(self._schedule, Plateau):
            return False
        return self._plateau.update(value if higher_is_better else -value, self._schedule)

    def state_dict(self) -> ScheduleState:
        """What a checkpoint keeps."""
        plateau = self._plateau
        best, bad = plateau.best, plateau.bad
        follows: ScheduleState = {"follows": self.follows} if self.follows else {}  # type: ignore[typeddict-item]
        return {
            "base": self.base_lr,
            "factor": plateau.factor,
            "best": best,
            "bad": bad,
            "cooling": plateau.cooling,
            **follows,
        }

    def load_state_dict(self, state: ScheduleState) -> None:
        """Puts back what :meth:`state_dict` gave. In version 0.1 a plateau followed what an epoch is judged by: it still does."""
        self.follows = state.get("follows", "")
        self.base_lr = state["base"]
        self._plateau = PlateauState(state["factor"], state["best"], state["bad"], state.get("cooling", 0))


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Sets the learning rate of every group, by the group's own factor."""
    for group in optimizer.param_groups:
        # A group whose factor a checkpoint does not know gets the whole learning rate.
        group["lr"] = lr * group.get("factor", 1.0)


@dataclass
class PlateauState:
    """What the plateau schedule remembers. ``best`` is the highest value so far, whatever its sign means."""

    factor: float = 1.0
    best: float = -float("inf")
    bad: int = 0
    cooling: int = 0
    """Epochs that are still not judged."""

    def update(self, value: float, schedule: Plateau) -> bool:
        """Judges an epoch's value, higher being better. True when the factor falls. As torch's ReduceLROnPlateau."""
        scale = abs(self.best) if schedule.threshold_mode == "relative" else 1.0
        first = self.best == -float("inf")
        if value > (self.best if first else self.best + schedule.threshold * scale):
            self.best, self.bad = value, 0
        else:
            self.bad += 1
        if self.cooling:
            self.cooling, self.bad = self.cooling - 1, 0
        if self.bad <= schedule.patience:
            return False
        self.bad, self.cooling = 0, schedule.cooldown
        lower = max(self.factor * schedule.gamma, schedule.min_lr_factor)
        if self.factor - lower <= schedule.eps:
            return False
        self.factor = lower
        return True
