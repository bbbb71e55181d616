"""Image datasets."""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.config.augmentation import Augmentation
from workbench.config.dataset.base import DatasetSection, Named, SampleKind
from workbench.config.dataset.tables import TableFileSettings
from workbench.config.fields import setting


class ImageDataset(Augmentation, DatasetSection):
    """What every image dataset has: the augmentation of its training images."""

    sample: ClassVar[SampleKind] = "images"


class ImageFiles(ImageDataset, Named):
    """What datasets of image files have: how each file becomes an image of one size."""

    size: int = setting(
        32,
        title="Image size",
        help="Height of the images in pixels, and their width unless another width is set.",
        unit="px",
        ge=4,
        le=1024,
    )
    width: Literal["same"] | int = setting(
        "same",
        title="Image width",
        help="Width of the images in pixels where they are not to be square. Same makes it the image size.",
        unit="px",
        ge=4,
        le=1024,
        advanced=True,
    )
    fit: Literal["crop", "letterbox", "stretch"] = setting(
        "crop",
        title="Fit",
        help="How an image of other proportions becomes one of this size. Crop keeps the center and cuts away what is beyond "
        "it; letterbox keeps the whole image and fills the rest with black; stretch keeps the whole image and distorts it.",
    )
    channels: Literal["rgb", "gray"] = setting(
        "rgb",
        title="Channels",
        help="RGB keeps three color channels; grayscale converts every image to one channel.",
        labels={"rgb": "RGB", "gray": "grayscale"},
    )
    frame: Literal["first", "middle", "last"] | int = setting(
        "first",
        title="Page or frame",
        help="Which page or frame of a file with several is used: the first, the middle or the last one, or its number from 1.",
        ge=1,
        le=100_000,
        advanced=True,
    )

    @property
    def image_width(self) -> int:
        """The width of its images in pixels."""
        return self.size if self.width == "same" else self.width


class Digits(ImageDataset):
    """1,797 handwritten digits, 8 x 8 pixels, ten classes; ships with the program (UCI optdigits, CC BY 4.0)."""

    title: ClassVar[str] = "Handwritten digits"
    kind: Literal["digits"] = "digits"
    size: int = setting(
        8, title="Image size", help="Images of 8 x 8 pixels can be enlarged.", unit="px", ge=8, le=256, advanced=True
    )
    target: Literal["digit", "digit-and-ink"] = setting(
        "digit",
        title="Target",
        help="The digit alone; or the digit and, as a second task, the mean brightness of the image (its ink).",
        labels={"digit": "digit", "digit-and-ink": "digit and ink"},
        advanced=True,
    )


class ImageFolder(ImageFiles):
    """Images in folders: the folder's name is the class. Folders ``train`` and ``val`` (and ``test``) are used as they are."""

    title: ClassVar[str] = "Image folder"
    kind: Literal["image-folder"] = "image-folder"
    path: str = setting(
        "",
        title="Folder",
        help="Folder with one subfolder of images per class. If it contains the folders train and val, these are the split.",
        path="folder",
    )
    case: Literal["auto", "same", "different"] = setting(
        "auto",
        title="Upper and lower case",
        help="Whether folders whose names differ only in upper and lower case, such as Cat and cat, are the same class or "
        "different classes. Auto asks where there are such folders.",
        labels={"auto": "ask", "same": "same class", "different": "different classes"},
        advanced=True,
    )


class ImageCSV(ImageFiles, TableFileSettings):
    """Images listed in a CSV file: one column has their paths, another their classes."""

    title: ClassVar[str] = "Images listed in a CSV file"
    kind: Literal["image-csv"] = "image-csv"
    path: str = setting(
        "",
        title="File",
        help="CSV file with a header. Relative paths in it start at its own folder.",
        path="file",
    )
    image_column: str = setting("", title="Path column", help="Column with the paths. If empty, the first column.")
    label_column: str = setting("", title="Class column", help="Column with the classes. If empty, the last column.")
    group: str = setting(
        "",
        title="Group column",
        help="Images with the same value in this column, for example a patient, are never split between training and validation.",
        advanced=True,
    )


SetName = Literal[
    "MNIST", "FashionMNIST", "KMNIST", "QMNIST", "EMNIST", "CIFAR10", "CIFAR100", "SVHN", "STL10", "USPS", "GTSRB", "Flowers102",
    "OxfordIIITPet", "Food101", "Caltech101", "Caltech256", "EuroSAT", "DTD", "FGVCAircraft", "StanfordCars", "PCAM",
    "RenderedSST2", "SUN397", "Country211", "Imagenette", "FER2013",
]  # fmt: skip
OWN_SIZE: dict[str, tuple[int, str]] = {
    **dict.fromkeys(("MNIST", "FashionMNIST", "KMNIST", "QMNIST", "EMNIST"), (28, "gray")),
    **dict.fromkeys(("CIFAR10", "CIFAR100", "SVHN"), (32, "rgb")),
    "USPS": (16, "gray"),
    "STL10": (96, "rgb"),
    "EuroSAT": (64, "rgb"),
    "PCAM": (96, "rgb"),
    "FER2013": (48, "gray"),
}
"""Pixels and channels of the sets whose images all have one size. The others are resized to ``size``."""


class Torchvision(ImageDataset):
    """A dataset that torchvision provides, read from a folder in its own format, or downloaded into it."""

    title: ClassVar[str] = "torchvision dataset"
    kind: Literal["torchvision"] = "torchvision"
    name: SetName = setting("MNIST", title="Dataset", help="Which of torchvision's classification datasets.")
    path: str = setting(
        "data",
        title="Folder",
        help="torchvision's root folder: the dataset is in it, or is downloaded into it.",
        path="folder",
    )
    download: bool = setting(True, title="Download", help="Download the dataset if it is not in the folder.")
    subset: Literal["byclass", "bymerge", "balanced", "letters", "digits", "mnist"] = setting(
        "balanced", title="EMNIST part", help="Which part of EMNIST (EMNIST only).", advanced=True
    )
    validation_from: Literal["training", "test"] = setting(
        "training",
        title="Validation from",
        help="Training set holds out a fraction of the training set. Test set trains on the whole training set and validates on "
        "the dataset's own test set.",
        labels={"training": "training set", "test": "test set"},
    )
    size: int = setting(
        64,
        title="Image size",
        help="Images of datasets with varying image sizes are resized to this; other datasets keep their own size.",
        unit="px",
        ge=4,
        le=1024,
        advanced=True,
    )

    @property
    def form(self) -> tuple[int, str]:
        """Side length in pixels and channels (rgb, gray) of its images."""
        return OWN_SIZE.get(self.name, (self.size, "rgb"))
