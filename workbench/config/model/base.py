"""What architectures share."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import field_validator

from workbench.config.dataset.base import Sample
from workbench.config.fields import Section, setting

Init = Literal[
    "default", "xavier-uniform", "xavier-normal", "kaiming-uniform", "kaiming-normal", "normal", "orthogonal", "zeros"
]
Activation = Literal["relu", "leaky-relu", "elu", "gelu", "silu", "tanh", "sigmoid"]


class ModelSection(Section):
    """What every architecture has: how its weights start, and which kinds of samples it takes."""

    takes: ClassVar[tuple[Sample, ...]] = ("pictures", "vector", "series")

    init: Init = setting(
        "default",
        title="Initialisation",
        help="How weights are drawn before training. Default is PyTorch's own for each layer.",
        advanced=True,
    )
    bias_init: Literal["default"] | float = setting(
        "default",
        title="Bias start",
        help="Value every bias starts with; default is PyTorch's own.",
        ge=-10.0,
        le=10.0,
        advanced=True,
    )


class HiddenLayers(ModelSection):
    """Settings shared by networks with hidden layers."""

    activation: Activation = setting("relu", title="Activation", help="Function applied after each hidden layer.")
    inplace: bool = setting(
        True,
        title="In place",
        help="Activations overwrite their input where PyTorch can, which saves memory.",
        advanced=True,
    )

    @field_validator("dropout", "head_dropout", mode="before", check_fields=False)
    @classmethod
    def _one_for_all(cls, value: Any) -> Any:
        """One number means the same share after every layer."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return (value,)
        return tuple(value) if isinstance(value, list) else value
