"""Sources of pictures."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from workbench.config.augmentation import Augmentation
from workbench.config.dataset.base import DatasetSection, Named, Sample
from workbench.config.fields import setting


class PictureSource(Augmentation, DatasetSection):
    """What every source of pictures has: the random changes of its training pictures."""

    sample: ClassVar[Sample] = "pictures"


def picture_size() -> Any:
    """The side to which pictures from files are brought."""
    return setting(
        32,
        title="Picture size",
        help="Every picture is resized to this many pixels on its short side and cropped to a square.",
        unit="px",
        ge=4,
        le=1024,
    )


def colours() -> Any:
    """Whether pictures from files keep their colours."""
    return setting(
        "rgb", title="Colours", help="RGB keeps three colour channels; grey turns every picture into one channel."
    )


class Digits(PictureSource):
    """1,797 handwritten digits, 8 x 8 pixels, ten classes; ships with the program (UCI optdigits, CC BY 4.0)."""

    title: ClassVar[str] = "Handwritten digits"
    kind: Literal["digits"] = "digits"
    size: int = setting(
        8, title="Picture size", help="The 8 x 8 pictures can be enlarged.", unit="px", ge=8, le=256, advanced=True
    )
    target: Literal["digit", "digit-and-ink"] = setting(
        "digit",
        title="Target",
        help="The digit alone; or the digit and, as a second task, the mean brightness of the picture (its ink).",
        labels={"digit": "digit", "digit-and-ink": "digit and ink"},
        advanced=True,
    )


class ImageFolder(PictureSource, Named):
    """Pictures in folders: the folder's name is the class. Folders ``train`` and ``val`` (and ``test``) are used as they are."""

    title: ClassVar[str] = "Folder of pictures"
    kind: Literal["image-folder"] = "image-folder"
    path: str = setting(
        "",
        title="Folder",
        help="Folder with one folder of pictures per class. Where it holds the folders train and val, they are the split.",
        path="folder",
    )
    size: int = picture_size()
    channels: Literal["rgb", "grey"] = colours()


class ImageCSV(PictureSource, Named):
    """Pictures named in a CSV file: one column holds their paths, another their classes."""

    title: ClassVar[str] = "Pictures in a CSV"
    kind: Literal["image-csv"] = "image-csv"
    path: str = setting(
        "",
        title="File",
        help="CSV file with a header. Paths in it are taken from its own folder unless they are whole.",
        path="file",
    )
    image_column: str = setting("", title="Path column", help="Column with the paths. Left empty, the first is taken.")
    label_column: str = setting(
        "", title="Class column", help="Column with the classes. Left empty, the last is taken."
    )
    group: str = setting(
        "",
        title="Group column",
        help="Pictures with the same value in this column, such as a patient, are never divided between training and validation.",
        advanced=True,
    )
    size: int = picture_size()
    channels: Literal["rgb", "grey"] = colours()


SetName = Literal[
    "MNIST", "FashionMNIST", "KMNIST", "QMNIST", "EMNIST", "CIFAR10", "CIFAR100", "SVHN", "STL10", "USPS", "GTSRB", "Flowers102",
    "OxfordIIITPet", "Food101", "Caltech101", "Caltech256", "EuroSAT", "DTD", "FGVCAircraft", "StanfordCars", "PCAM",
    "RenderedSST2", "SUN397", "Country211", "Imagenette", "FER2013",
]  # fmt: skip
OWN_SIZE: dict[str, tuple[int, str]] = {
    **dict.fromkeys(("MNIST", "FashionMNIST", "KMNIST", "QMNIST", "EMNIST"), (28, "grey")),
    **dict.fromkeys(("CIFAR10", "CIFAR100", "SVHN"), (32, "rgb")),
    "USPS": (16, "grey"),
    "STL10": (96, "rgb"),
    "EuroSAT": (64, "rgb"),
    "PCAM": (96, "rgb"),
    "FER2013": (48, "grey"),
}
"""Pixels and colours of the sets whose pictures all have one size. The others are resized to ``size``."""


class Torchvision(PictureSource):
    """A set that torchvision knows, read from a folder in its own format, or downloaded into it."""

    title: ClassVar[str] = "Known data set"
    kind: Literal["torchvision"] = "torchvision"
    name: SetName = setting("MNIST", title="Data set", help="Which of torchvision's classification sets.")
    path: str = setting(
        "data",
        title="Folder",
        help="torchvision's root folder: the set lies in it, or is downloaded into it.",
        path="folder",
    )
    download: bool = setting(
        True, title="Download", help="Fetch the set when it is not in the folder and there is a network."
    )
    subset: Literal["byclass", "bymerge", "balanced", "letters", "digits", "mnist"] = setting(
        "balanced", title="EMNIST part", help="Which part of EMNIST; the other sets have none.", advanced=True
    )
    size: int = setting(
        64,
        title="Picture size",
        help="Sets whose pictures differ in size are resized to this; the others keep their own.",
        unit="px",
        ge=4,
        le=1024,
        advanced=True,
    )

    @property
    def form(self) -> tuple[int, str]:
        """Pixels of a side and colours (rgb, grey) of its pictures."""
        return OWN_SIZE.get(self.name, (self.size, "rgb"))
