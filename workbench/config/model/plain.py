"""Networks for numbers and pictures."""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.config.dataset.base import Sample
from workbench.config.fields import setting
from workbench.config.model.base import HiddenLayers, ModelSection


class Linear(ModelSection):
    """One linear layer: linear regression, or softmax regression for classes."""

    title: ClassVar[str] = "Linear"
    kind: Literal["linear"] = "linear"


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
    norm: Literal["none", "batch", "layer", "group"] = setting(
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
    takes: ClassVar[tuple[Sample, ...]] = ("pictures",)
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


class ResNet(HiddenLayers):
    """Residual network for small pictures (He et al., 2016): ResNet-18 with a 3 x 3 stem as its blocks are set here."""

    title: ClassVar[str] = "Residual CNN"
    takes: ClassVar[tuple[Sample, ...]] = ("pictures",)
    kind: Literal["resnet"] = "resnet"
    width: int = setting(
        64, title="Width", help="Channels of the first stage; each later stage has twice as many.", ge=1, le=1024
    )
    blocks: tuple[int, ...] = setting(
        (2, 2, 2, 2),
        title="Blocks",
        help="Residual blocks of each stage; each stage but the first halves the picture.",
        ge=1,
        le=64,
    )
    norm: Literal["none", "batch", "layer", "group", "instance"] = setting(
        "batch", title="Normalisation", help="Normalisation after each convolution."
    )
    dropout: tuple[float, ...] = setting(
        (0.0,), title="Dropout", help="Share of features switched off before the output while training.", ge=0.0, lt=1.0
    )


class Heads(HiddenLayers):
    """One trunk with a head for each task: a class, and numbers beside it."""

    title: ClassVar[str] = "Several heads"
    kind: Literal["heads"] = "heads"
    trunk: tuple[int, ...] = setting(
        (256,), title="Trunk", help="Units of each hidden layer that the heads share.", unit="units", ge=1, le=65536
    )
    norm: Literal["none", "batch", "layer", "group"] = setting(
        "none", title="Normalisation", help="Normalisation after each hidden layer, before the activation."
    )
    dropout: tuple[float, ...] = setting(
        (0.0,),
        title="Dropout",
        help="Share of units switched off at random while training: one value for all hidden layers, or one for each.",
        ge=0.0,
        lt=1.0,
    )
