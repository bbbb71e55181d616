"""Networks for numbers and images."""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.config.dataset.base import SampleKind
from workbench.config.fields import setting
from workbench.config.model.base import HiddenLayers, ModelSection


class Linear(ModelSection):
    """One linear layer: linear regression, or softmax regression for classes."""

    title: ClassVar[str] = "Linear"
    kind: Literal["linear"] = "linear"


class MLP(HiddenLayers):
    """Multi-layer perceptron: fully connected hidden layers, each with normalization, activation and dropout."""

    title: ClassVar[str] = "MLP"
    kind: Literal["mlp"] = "mlp"
    hidden: tuple[int, ...] = setting(
        (128,),
        title="Hidden layers",
        help="Units of each hidden layer, from input to output.",
        unit="units",
        ge=1,
        le=65536,
    )
    norm: Literal["none", "batch", "layer", "group"] = setting(
        "none", title="Normalization", help="Normalization after each hidden layer, before the activation."
    )
    dropout: tuple[float, ...] = setting(
        (0.0,),
        title="Dropout",
        help="Dropout probability during training: one value for all hidden layers, or one per layer.",
        ge=0.0,
        lt=1.0,
    )


class CNN(HiddenLayers):
    """Convolutional network in VGG style: blocks of 3 x 3 convolutions, each followed by 2 x 2 max pooling, then a head."""

    title: ClassVar[str] = "Small CNN"
    accepts: ClassVar[tuple[SampleKind, ...]] = ("images",)
    kind: Literal["cnn"] = "cnn"
    channels: tuple[int, ...] = setting(
        (32, 64),
        title="Channels",
        help="Channels of each block; height and width are halved after each block.",
        ge=1,
        le=4096,
    )
    convolutions: int = setting(
        2, title="Convolutions per block", help="Number of 3 x 3 convolutions in each block.", ge=1, le=8, advanced=True
    )
    norm: Literal["none", "batch", "layer", "group", "instance"] = setting(
        "batch", title="Normalization", help="Normalization after each convolution, before the activation."
    )
    dropout: tuple[float, ...] = setting(
        (0.0,),
        title="Dropout",
        help="Probability that a channel is dropped after each block during training: one value for all blocks, or one per block.",
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
        help="Dropout probability in the head: one value for all its hidden layers, or one per layer.",
        ge=0.0,
        lt=1.0,
    )


class ResNet(HiddenLayers):
    """Residual network for small images (He et al., 2016): with the default blocks, ResNet-18 with a 3 x 3 stem."""

    title: ClassVar[str] = "Residual CNN"
    accepts: ClassVar[tuple[SampleKind, ...]] = ("images",)
    kind: Literal["resnet"] = "resnet"
    width: int = setting(
        64, title="Width", help="Channels of the first stage; each later stage has twice as many.", ge=1, le=1024
    )
    blocks: tuple[int, ...] = setting(
        (2, 2, 2, 2),
        title="Blocks",
        help="Residual blocks of each stage; each stage but the first halves height and width.",
        ge=1,
        le=64,
    )
    norm: Literal["none", "batch", "layer", "group", "instance"] = setting(
        "batch", title="Normalization", help="Normalization after each convolution."
    )
    dropout: tuple[float, ...] = setting(
        (0.0,), title="Dropout", help="Dropout probability before the output layer.", ge=0.0, lt=1.0
    )


class Heads(HiddenLayers):
    """A shared trunk with one head per task: a class, and numbers besides."""

    title: ClassVar[str] = "Multiple heads"
    kind: Literal["heads"] = "heads"
    trunk: tuple[int, ...] = setting(
        (256,), title="Trunk", help="Units of each hidden layer shared by the heads.", unit="units", ge=1, le=65536
    )
    norm: Literal["none", "batch", "layer", "group"] = setting(
        "none", title="Normalization", help="Normalization after each hidden layer, before the activation."
    )
    dropout: tuple[float, ...] = setting(
        (0.0,),
        title="Dropout",
        help="Dropout probability during training: one value for all hidden layers, or one per layer.",
        ge=0.0,
        lt=1.0,
    )
