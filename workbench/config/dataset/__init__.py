"""Where the samples come from and how they are split. A new dataset is one class here and one file in ``engine/data/``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from workbench.config.dataset.base import DatasetSection, Named, SampleKind
from workbench.config.dataset.images import Digits, ImageCSV, ImageDataset, ImageFolder, Torchvision
from workbench.config.dataset.sequences import Series, Sine, Text, Windowed
from workbench.config.dataset.tables import Synthetic, Table, TableFileSettings
from workbench.config.dataset.user_dataset import PythonData

__all__ = [
    "Dataset",
    "DatasetSection",
    "Digits",
    "ImageCSV",
    "ImageDataset",
    "ImageFolder",
    "Named",
    "PythonData",
    "SampleKind",
    "Series",
    "Sine",
    "Synthetic",
    "Table",
    "TableFileSettings",
    "Text",
    "Torchvision",
    "Windowed",
]

Dataset = Annotated[
    Digits | ImageFolder | ImageCSV | Torchvision | Table | Synthetic | Sine | Series | Text | PythonData,
    Field(discriminator="kind"),
]
