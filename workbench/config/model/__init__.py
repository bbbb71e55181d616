"""The architectures. A new one is one class here and one file in ``engine/models/``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from workbench.config.model.base import Activation, HiddenLayers, Init, ModelSection
from workbench.config.model.plain import CNN, MLP, Heads, Linear, ResNet
from workbench.config.model.pretrained import PythonModel, TorchvisionModel
from workbench.config.model.sequences import GRU, LSTM, Recurrent, Transformer

__all__ = [
    "CNN",
    "GRU",
    "LSTM",
    "MLP",
    "Activation",
    "Heads",
    "HiddenLayers",
    "Init",
    "Linear",
    "Model",
    "ModelSection",
    "PythonModel",
    "Recurrent",
    "ResNet",
    "TorchvisionModel",
    "Transformer",
]

Model = Annotated[
    Linear | MLP | CNN | ResNet | LSTM | GRU | Transformer | Heads | TorchvisionModel | PythonModel,
    Field(discriminator="kind"),
]
