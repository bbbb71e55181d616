"""Sources of numbers: tables, and samples from a formula."""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.config.dataset.base import DatasetSection, Named
from workbench.config.fields import setting


class Table(DatasetSection, Named):
    """A table with a header (CSV, TSV, Parquet): one row a sample, one column the target, the others the inputs."""

    title: ClassVar[str] = "Table (CSV, TSV, Parquet)"
    kind: Literal["table"] = "table"
    path: str = setting(
        "", title="File", help="CSV or TSV file whose first line names the columns, or Parquet.", path="file"
    )
    target: str = setting("", title="Target column", help="Column to predict. Left empty, the last column is taken.")
    more_targets: tuple[str, ...] = setting(
        (),
        title="Further targets",
        help="More columns of numbers to predict together with the target column: as one regression, or as a second task "
        "beside a target column of classes.",
        advanced=True,
    )
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
    group: str = setting(
        "",
        title="Group column",
        help="Rows with the same value in this column, such as a patient, are never divided between training and validation. "
        "It is no input.",
        advanced=True,
    )
    time: str = setting(
        "",
        title="Time column",
        help="Column of numbers or ISO dates: the latest rows are kept for validation. It is no input.",
        advanced=True,
    )


class Synthetic(DatasetSection):
    """Samples drawn from a formula: a noisy line, interleaved spirals, or clusters of points as rows of a table."""

    title: ClassVar[str] = "Synthetic"
    kind: Literal["synthetic"] = "synthetic"
    shape: Literal["linear", "spirals", "clusters"] = setting(
        "spirals",
        title="Shape",
        help="Linear: y = slope x + intercept + noise, a regression. Spirals: points on interleaved arms, one class an arm. "
        "Clusters: rows of numbers around a middle for each class.",
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
    classes: int = setting(
        3, title="Classes", help="Number of spiral arms, or of clusters.", ge=2, le=1000, advanced=True
    )
    features: int = setting(
        20, title="Columns", help="Numbers in a row (clusters only).", ge=1, le=10_000, advanced=True
    )
    per_class: tuple[int, ...] = setting(
        (),
        title="Rows per class",
        help="Samples of each class (clusters only), for an imbalanced set; empty shares all samples evenly.",
        ge=1,
        le=10_000_000,
        advanced=True,
    )
