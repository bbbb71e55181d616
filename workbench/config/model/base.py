"""What architectures share."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import field_validator

from workbench.config.dataset.base import SampleKind
from workbench.config.fields import Section, setting

Init = Literal[
    "default", "xavier-uniform", "xavier-normal", "kaiming-uniform", "kaiming-normal", "normal", "orthogonal", "zeros"
]
Activation = Literal["relu", "leaky-relu", "elu", "gelu", "silu", "tanh", "sigmoid"]


class ModelSection(Section):
    """What every architecture has: how its weights are initialized, and which kinds of samples it accepts."""

    accepts: ClassVar[tuple[SampleKind, ...]] = ("images", "vector", "series")

    init: Init = setting(
        "default",
        title="Weight initialization",
        help="How weights are initialized. Default is PyTorch's default for each layer.",
        advanced=True,
    )
    bias_init: Literal["default"] | float = setting(
        "default",
        title="Bias initialization",
        help="Initial value of every bias. Default is PyTorch's default for each layer.",
        ge=-10.0,
        le=10.0,
        advanced=True,
    )
    freeze: tuple[str, ...] = setting(
        (),
        title="Frozen parameters",
        help="Parameters with these names keep their weights; * and ? stand for any characters, for example body.layer1.* or "
        "*.bias. Batch norms whose parameters are all frozen keep their statistics too.",
        advanced=True,
    )


class HiddenLayers(ModelSection):
    """Settings shared by networks with hidden layers."""

    activation: Activation = setting("relu", title="Activation", help="Activation function after each hidden layer.")
    inplace: bool = setting(
        True,
        title="In-place activations",
        help="Activation functions overwrite their input where possible, which saves memory.",
        advanced=True,
    )
    norm_groups: Literal["auto"] | int = setting(
        "auto",
        title="Norm groups",
        help="Number of groups of group normalization; it has to divide the units or channels of every normalized layer. Auto "
        "uses groups of four or more, at most 32.",
        ge=1,
        le=4096,
        advanced=True,
    )

    @field_validator("dropout", "head_dropout", mode="before", check_fields=False)
    @classmethod
    def _one_for_all(cls, value: Any) -> Any:
        """One number means the same dropout after every layer."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return (value,)
        return tuple(value) if isinstance(value, list) else value
