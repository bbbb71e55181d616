"""The best epoch so far, and whether to wait for a better one."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.engine.runtime.state_types import EarlyStoppingState


@dataclass
class EarlyStopping:
    """What makes an epoch the best, the best value so far, and how many epochs have passed since."""

    name: str
    """Split and metric: ``val accuracy``."""
    higher_is_better: bool
    patience: int | None = None
    """Epochs without a better one after which to stop; None never stops."""
    best: float | None = None
    waited: int = 0

    def update(self, value: float) -> bool:
        """Judges an epoch's value. True when it is the best so far; not-a-number never is."""
        if value != value or (
            self.best is not None and not (value > self.best if self.higher_is_better else value < self.best)
        ):
            self.waited += 1
            return False
        self.best, self.waited = value, 0
        return True

    @property
    def should_stop(self) -> bool:
        """Whether the patience has ended."""
        return self.patience is not None and self.waited >= self.patience

    def value_in(self, results: dict[str, dict[str, float]]) -> float:
        """The value that is judged, from an epoch's metrics by split; not a number where it is missing."""
        split, _, metric = self.name.partition(" ")
        return results[split].get(metric, float("nan"))

    def state_dict(self) -> EarlyStoppingState:
        """What a checkpoint keeps."""
        return {"name": self.name, "best": self.best, "waited": self.waited}

    def load_state_dict(self, state: EarlyStoppingState) -> None:
        """Puts back what :meth:`state_dict` gave, where the same value was judged."""
        if state["name"] == self.name:
            self.best, self.waited = state["best"], state["waited"]
