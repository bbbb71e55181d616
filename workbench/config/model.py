"""The architectures. A new one is one class here and one file in ``engine/models/``."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from workbench.config.fields import Section, setting

Init = Literal[
    "default", "xavier-uniform", "xavier-normal", "kaiming-uniform", "kaiming-normal", "normal", "orthogonal", "zeros"
]
Activation = Literal["relu", "leaky-relu", "elu", "gelu", "silu", "tanh", "sigmoid"]


class ModelSection(Section):
    """What every architecture has: how its weights start."""

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


class Linear(ModelSection):
    """One linear layer: linear regression, or softmax regression for classes."""

    title: ClassVar[str] = "Linear"
    kind: Literal["linear"] = "linear"


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


class MLP(HiddenLayers):
    """Multi-layer perceptron: fully connected hidden layers, each with norm, activation and dropout."""

    title: ClassVar[str] = "MLP"
    kind: Literal["mlp"] = "mlp"
    hidden: tuple[int, ...] = setting(
        (128,),
        title="Hidden layers",
        help="Units of each hidden layer, from the input on.",
        unit="units",
        ge=1,
        le=65536,
    )
    norm: Literal["none", "batch", "layer"] = setting(
        "none", title="Normalisation", help="Normalisation after each hidden layer, before the activation."
    )
    dropout: tuple[float, ...] = setting(
        (0.0,),
        title="Dropout",
        help="Share of units switched off at random while training: one value for all hidden layers, or one for each.",
        ge=0.0,
        lt=1.0,
    )


class CNN(HiddenLayers):
    """Convolutional network in VGG style: blocks of 3 x 3 convolutions, each ended by 2 x 2 max pooling, then a head."""

    title: ClassVar[str] = "Small CNN"
    kind: Literal["cnn"] = "cnn"
    channels: tuple[int, ...] = setting(
        (32, 64), title="Channels", help="Channels of each block; the picture is halved after each.", ge=1, le=4096
    )
    convolutions: int = setting(
        2, title="Convolutions per block", help="3 x 3 convolutions in each block.", ge=1, le=8, advanced=True
    )
    norm: Literal["none", "batch", "layer", "group", "instance"] = setting(
        "batch", title="Normalisation", help="Normalisation after each convolution, before the activation."
    )
    dropout: tuple[float, ...] = setting(
        (0.0,),
        title="Dropout",
        help="Share of channels switched off at random after each block: one value for all blocks, or one for each.",
        ge=0.0,
        lt=1.0,
    )
    head: tuple[int, ...] = setting(
        (128,),
        title="Head",
        help="Units of each hidden layer between the last block and the output.",
        unit="units",
        ge=1,
        le=65536,
    )
    head_dropout: tuple[float, ...] = setting(
        (0.0,),
        title="Head dropout",
        help="Share of units switched off in the head: one value for all its hidden layers, or one for each.",
        ge=0.0,
        lt=1.0,
    )


Model = Annotated[Linear | MLP | CNN, Field(discriminator="kind")]
