"""What a run has changed of itself so that it can continue; all of it is in its checkpoints."""

from __future__ import annotations

from workbench.engine.runtime.state_types import RecoveryState
from workbench.engine.training.lr_control import LRSchedule
from workbench.engine.training.step import TrainStep


class Recovery:
    """Smaller microbatches, a smaller norm, a lower learning rate, and how often the run went back to a checkpoint."""

    def __init__(self, train_step: TrainStep, lr_schedule: LRSchedule) -> None:
        self._train_step = train_step
        self._lr_schedule = lr_schedule
        self.returns = 0
        """Returns to a checkpoint because of numbers that were not finite."""
        self.skipped = 0
        """Steps of the epoch that fp16 left out."""

    def state_dict(self) -> RecoveryState:
        """What a checkpoint keeps."""
        return {
            "returns": self.returns,
            "skipped": self.skipped,
            "limit": self._train_step.microbatch_limit,
            "clip_norm": self._train_step.clip_norm,
            "calm": self._lr_schedule.lr_backoff,
        }

    def load_state_dict(self, state: RecoveryState) -> None:
        """Puts back what :meth:`state_dict` gave; nothing for a checkpoint that knows of none."""
        if state:
            self.returns, self.skipped = state["returns"], state["skipped"]
            self._train_step.microbatch_limit, self._train_step.clip_norm = state["limit"], state["clip_norm"]
            self._lr_schedule.lr_backoff = state["calm"]
