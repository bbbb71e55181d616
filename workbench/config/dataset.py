"""Where the samples come from and how they are split. A new source is one class here and one file in ``engine/data/``."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from workbench.config.augmentation import Augmentation
from workbench.config.fields import Section, setting


class DatasetSection(Section):
    """What every source has: the split into training and validation, and how samples reach the device."""

    validation: float = setting(
        0.2,
        title="Validation share",
        help="Share of the samples kept out of training to measure how well the model does on new ones.",
        ge=0.0,
        lt=1.0,
    )
    split: Literal["per-class", "random"] = setting(
        "per-class",
        title="Split",
        help="Per class keeps every class's share equal in training and validation; random ignores classes.",
        labels={"per-class": "per class", "random": "random"},
        advanced=True,
    )
    split_seed: int = setting(
        0,
        title="Split seed",
        help="Number that fixes which samples go to validation. Another number gives another split.",
        ge=0,
        le=2**53,
        advanced=True,
    )
    loading: Literal["auto", "resident", "streamed"] = setting(
        "auto",
        title="Loading",
        help="Resident keeps all samples on the training device, which is fastest. Streamed reads them batch by batch, "
        "for data larger than memory. Auto chooses resident when the data fits.",
        advanced=True,
    )
    workers: Literal["auto"] | int = setting(
        "auto",
        title="Loader workers",
        help="Processes that read samples when data is streamed; 0 reads in the training process itself. "
        "Auto takes the processors but one, at most 8.",
        ge=0,
        le=256,
        advanced=True,
    )
    prefetch: int = setting(
        2,
        title="Batches ahead",
        help="Batches that each loader worker keeps ready when data is streamed.",
        unit="batches",
        ge=1,
        le=64,
        advanced=True,
    )


class Digits(Augmentation, DatasetSection):
    """1,797 handwritten digits, 8 x 8 pixels, ten classes; ships with the program (UCI optdigits, CC BY 4.0)."""

    title: ClassVar[str] = "Handwritten digits"
    kind: Literal["digits"] = "digits"


class ImageFolder(Augmentation, DatasetSection):
    """Pictures in folders: the folder's name is the class. Folders ``train`` and ``val`` (and ``test``) are used as they are."""

    title: ClassVar[str] = "Folder of pictures"
    kind: Literal["image-folder"] = "image-folder"
    path: str = setting(
        "",
        title="Folder",
        help="Folder with one folder of pictures per class. Where it holds the folders train and val, they are the split.",
        path="folder",
    )
    size: int = setting(
        32,
        title="Picture size",
        help="Every picture is resized to this many pixels on its short side and cropped to a square.",
        unit="px",
        ge=4,
        le=1024,
    )
    channels: Literal["rgb", "grey"] = setting(
        "rgb", title="Colours", help="RGB keeps three colour channels; grey turns every picture into one channel."
    )


class Table(DatasetSection):
    """A CSV file with a header: one row a sample, one column the target, the others the inputs."""

    title: ClassVar[str] = "Table (CSV)"
    kind: Literal["table"] = "table"
    path: str = setting("", title="File", help="CSV file whose first line names the columns.", path="file")
    target: str = setting("", title="Target column", help="Column to predict. Left empty, the last column is taken.")
    ignore: tuple[str, ...] = setting(
        (), title="Columns left out", help="Columns that are not used as inputs, such as a row number or a name."
    )
    task: Literal["auto", "classification", "regression"] = setting(
        "auto",
        title="Task",
        help="Classification predicts a class, regression a number. Auto takes regression when the target holds "
        "numbers with fractions or more than 20 different ones.",
    )
    missing: Literal["mean", "drop"] = setting(
        "mean",
        title="Missing values",
        help="Mean fills a missing number with its column's mean over the training rows, and a missing word with a category "
        "of its own. Drop leaves out every row with a missing value.",
        labels={"mean": "fill with the mean", "drop": "leave the row out"},
    )
    standardize: bool = setting(
        True,
        title="Standardise",
        help="Scale each number column, and the target of a regression, to mean 0 and standard deviation 1 over the training "
        "rows. Metrics are still given in the target's own unit.",
        advanced=True,
    )


class Synthetic(DatasetSection):
    """Samples drawn from a formula: a noisy straight line, or interleaved spirals."""

    title: ClassVar[str] = "Synthetic"
    kind: Literal["synthetic"] = "synthetic"
    shape: Literal["linear", "spirals"] = setting(
        "spirals",
        title="Shape",
        help="Linear: y = slope x + intercept + noise, a regression. Spirals: points on interleaved arms, one class an arm.",
    )
    samples: int = setting(1000, title="Samples", help="Number of samples drawn.", ge=2, le=10_000_000)
    noise: float = setting(
        0.1, title="Noise", help="Standard deviation of the normal noise that is added.", ge=0.0, le=100.0
    )
    seed: int = setting(42, title="Data seed", help="Number that fixes the samples drawn.", ge=0, le=2**53)
    slope: float = setting(3.0, title="Slope", help="Slope of the line (linear only).", advanced=True)
    intercept: float = setting(2.0, title="Intercept", help="Value of the line at x = 0 (linear only).", advanced=True)
    reach: float = setting(
        5.0, title="Reach", help="x is drawn evenly between minus and plus this (linear only).", gt=0.0, advanced=True
    )
    classes: int = setting(3, title="Classes", help="Number of spiral arms (spirals only).", ge=2, le=10, advanced=True)


Dataset = Annotated[Digits | ImageFolder | Table | Synthetic, Field(discriminator="kind")]
