"""Tabular datasets: tables, and synthetic samples."""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.config.dataset.base import DatasetSection, Named
from workbench.config.fields import Section, setting


class TableFileSettings(Section):
    """How a table in a file is read, where it does not show that itself."""

    encoding: str = setting(
        "auto",
        title="Encoding",
        help="Encoding of a text file, for example utf-8, cp949, gb18030 or cp1252. Auto finds it out and says which it took.",
        advanced=True,
    )
    header: Literal["auto", "first line", "none"] = setting(
        "auto",
        title="Header",
        help="First line: it names the columns. None: the file has no header, and its columns are numbered. Auto also skips "
        "titles and comments before the header.",
        advanced=True,
    )
    sheet: str = setting(
        "", title="Sheet", help="Sheet of an Excel file. If empty, the first with rows.", advanced=True
    )
    decimal: Literal["auto", ".", ","] = setting(
        "auto",
        title="Decimal mark",
        help="Auto finds it out for each column from all of its cells, and asks where they leave it open.",
        labels={".": "point (1.5)", ",": "comma (1,5)"},
        advanced=True,
    )
    thousands: Literal["auto", "none", "comma", "dot", "space", "apostrophe"] = setting(
        "auto",
        title="Thousands mark",
        help="What groups the digits of large numbers, as in 1,234. Auto finds it out for each column, and asks where its "
        "cells leave it open.",
        advanced=True,
    )
    date_order: Literal["auto", "day first", "month first"] = setting(
        "auto",
        title="Date order",
        help="Order of day and month in dates such as 03/04/2024. Auto finds it out from all dates of the column, and asks "
        "where they leave it open. Dates that begin with the year need no answer.",
        advanced=True,
    )


class Table(DatasetSection, TableFileSettings, Named):
    """A table (CSV, TSV, Excel, Parquet): one row per sample, one column the target, the others the inputs."""

    title: ClassVar[str] = "Table (CSV, TSV, Excel, Parquet)"
    kind: Literal["table"] = "table"
    path: str = setting("", title="File", help="CSV or TSV file with a header, Excel file, or Parquet.", path="file")
    target: str = setting("", title="Target column", help="Column to predict. If empty, the last column.")
    more_targets: tuple[str, ...] = setting(
        (),
        title="Additional targets",
        help="Numeric columns to predict together with the target column: as one regression, or as a second task beside a "
        "target column of classes.",
        advanced=True,
    )
    ignore: tuple[str, ...] = setting(
        (), title="Excluded columns", help="Columns that are not used as inputs, for example a row number or a name."
    )
    inputs: tuple[str, ...] = setting(
        (),
        title="Forced inputs",
        help="Columns that are used as inputs although they would be left out, for example as an identifier.",
        advanced=True,
    )
    categories: tuple[str, ...] = setting(
        (),
        title="Categories",
        help="Columns of numbers that are read as categories, for example codes. Every value becomes an input of its own.",
        advanced=True,
    )
    dates: Literal["left out", "calendar"] = setting(
        "left out",
        title="Dates",
        help="Calendar makes inputs of every column of dates: year, month, day, weekday and hour.",
        advanced=True,
    )
    missing_labels: Literal["ask", "class", "leave out"] = setting(
        "ask",
        title="Words for no label",
        help="Whether None, NA and the like in the target column are a class, or mean that there is no label. Ask refuses to "
        "train until it is chosen.",
        advanced=True,
    )
    task: Literal["auto", "classification", "regression"] = setting(
        "auto",
        title="Task",
        help="Classification predicts a class, regression a number. Auto uses regression if the target has numbers with "
        "fractions or more than 20 distinct numbers.",
    )
    missing: Literal["mean", "drop"] = setting(
        "mean",
        title="Missing values",
        help="Mean replaces a missing number by its column's mean over the training rows, and a missing text by a category of "
        "its own. Drop excludes every row with a missing value.",
        labels={"mean": "replace by the mean", "drop": "drop the row"},
    )
    standardize: bool = setting(
        True,
        title="Standardize",
        help="Scale each numeric column, and the target of a regression, to mean 0 and standard deviation 1 over the training "
        "rows. Metrics are still given in the unit of the target.",
        advanced=True,
    )
    group: str = setting(
        "",
        title="Group column",
        help="Rows with the same value in this column, for example a patient, are never split between training and validation. "
        "The column is not used as an input.",
        advanced=True,
    )
    time: str = setting(
        "",
        title="Time column",
        help="Column of numbers or dates: the latest rows are used for validation. The column is not used as an input.",
        advanced=True,
    )


class Synthetic(DatasetSection):
    """Generated samples: a noisy line, interleaved spirals, or clusters of points as rows of a table."""

    title: ClassVar[str] = "Synthetic"
    kind: Literal["synthetic"] = "synthetic"
    shape: Literal["linear", "spirals", "clusters"] = setting(
        "spirals",
        title="Shape",
        help="Linear: y = slope × x + intercept + noise, a regression. Spirals: points on interleaved arms, one class per arm. "
        "Clusters: rows of numbers around a center for each class.",
    )
    samples: int = setting(1000, title="Samples", help="Number of samples.", ge=2, le=10_000_000)
    noise: float = setting(
        0.1, title="Noise", help="Standard deviation of the Gaussian noise that is added.", ge=0.0, le=100.0
    )
    seed: int = setting(42, title="Data seed", help="Seed of the samples.", ge=0, le=2**53)
    slope: float = setting(3.0, title="Slope", help="Slope of the line (linear only).", advanced=True)
    intercept: float = setting(2.0, title="Intercept", help="Value of the line at x = 0 (linear only).", advanced=True)
    x_max: float = setting(
        5.0,
        title="Range of x",
        help="Values of x lie between minus and plus this (linear only).",
        gt=0.0,
        advanced=True,
    )
    spacing: Literal["random", "even"] = setting(
        "random",
        title="Spacing of x",
        help="Random draws values of x uniformly; even spaces them evenly from end to end (linear only).",
        advanced=True,
    )
    classes: int = setting(3, title="Classes", help="Number of spiral arms or clusters.", ge=2, le=1000, advanced=True)
    features: int = setting(
        20, title="Features", help="Number of features (clusters only).", ge=1, le=10_000, advanced=True
    )
    per_class: tuple[int, ...] = setting(
        (),
        title="Samples per class",
        help="Number of samples of each class (clusters only), for imbalanced data. If empty, all classes have the same number.",
        ge=1,
        le=10_000_000,
        advanced=True,
    )
