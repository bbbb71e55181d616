"""What a run keeps."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator

from workbench.config.fields import Section, setting


class Output(Section):
    """Checkpoints: how often, and how many are kept; what is written besides."""

    checkpoint_every: str = setting(
        "1",
        title="Checkpoint every",
        help='How often the state is saved: a number of epochs such as "1", or "10 min", or "50 steps". '
        "The end of a run and a stop always save.",
        pattern=r"^\s*[1-9][0-9]{0,8}\s*(epochs?|min|minutes?|steps?)?\s*$",
        advanced=True,
    )
    keep: int = setting(
        3,
        title="Checkpoints kept",
        help="Newest checkpoints that are kept. The best one is kept besides.",
        ge=1,
        le=100_000,
        advanced=True,
    )

    layer_norms: bool = setting(
        False,
        title="Gradient norm of each layer",
        help="Also keeps the gradient norm of every layer, about ten times a second, for the inspector's curves.",
        advanced=True,
    )
    tensorboard: bool = setting(
        False,
        title="TensorBoard",
        help="Also writes the curves into the run's folder for TensorBoard to show.",
        advanced=True,
    )

    @field_validator("checkpoint_every", mode="before")
    @classmethod
    def _epochs_without_quotes(cls, value: Any) -> Any:
        """A bare number means epochs: nobody should have to put it in quotes."""
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @property
    def interval(self) -> tuple[int, str]:
        """``checkpoint_every`` taken apart: a number, and ``epochs``, ``minutes`` or ``steps``."""
        text = self.checkpoint_every.strip()
        digits = text[: len(text) - len(text.lstrip("0123456789"))]
        rest = text[len(digits) :].strip()
        unit = "minutes" if rest.startswith("min") else "steps" if rest.startswith("step") else "epochs"
        return int(digits), unit
