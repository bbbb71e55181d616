"""What a run saves."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator

from workbench.config.fields import Section, setting


class Output(Section):
    """Checkpoints: how often they are saved and how many are kept; what is written besides."""

    checkpoint_every: str = setting(
        "1",
        title="Save checkpoint every",
        help='Interval between checkpoints: a number of epochs such as "1", or "10 min", or "50 steps". '
        "A checkpoint is always saved when a run ends or is stopped.",
        pattern=r"^\s*[1-9][0-9]{0,8}\s*(epochs?|min|minutes?|steps?)?\s*$",
        advanced=True,
    )
    keep: int = setting(
        3,
        title="Checkpoints kept",
        help="Number of latest checkpoints to keep. The best one is kept as well.",
        ge=1,
        le=100_000,
        advanced=True,
    )

    layer_norms: bool = setting(
        False,
        title="Gradient norms per layer",
        help="Record the gradient norm of every layer, about ten times a second, for the curves of the inspector.",
        advanced=True,
    )
    tensorboard: bool = setting(
        False,
        title="TensorBoard",
        help="Also write the curves in TensorBoard's format into the run folder.",
        advanced=True,
    )

    @field_validator("checkpoint_every", mode="before")
    @classmethod
    def _epochs_without_quotes(cls, value: Any) -> Any:
        """A bare number means epochs, so that it needs no quotes."""
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @property
    def interval(self) -> tuple[int, str]:
        """``checkpoint_every`` taken apart: a number, and ``epochs``, ``minutes`` or ``steps``."""
        text = self.checkpoint_every.strip()
        digits = text[: len(text) - len(text.lstrip("0123456789"))]
        word = text[len(digits) :].strip()
        unit = "minutes" if word.startswith("min") else "steps" if word.startswith("step") else "epochs"
        return int(digits), unit
