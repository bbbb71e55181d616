"""Sequence datasets: time series and text."""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.config.dataset.base import DatasetSection, SampleKind
from workbench.config.dataset.tables import TableFileSettings
from workbench.config.fields import setting


class Windowed(DatasetSection):
    """What every time series has: a window of past values, from which future values are predicted. It is split by time."""

    sample: ClassVar[SampleKind] = "series"
    window: int = setting(
        50, title="Window", help="Number of past values given to the model.", unit="steps", ge=1, le=100_000
    )
    horizon: int = setting(
        1,
        title="Horizon",
        help="Number of future values that are predicted.",
        unit="steps",
        ge=1,
        le=10_000,
        advanced=True,
    )


class Sine(Windowed):
    """A noisy sine wave, cut into windows; the next value is predicted."""

    title: ClassVar[str] = "Sine wave"
    kind: Literal["sine"] = "sine"
    points: int = setting(
        1000, title="Points", help="Number of points, evenly spaced over the length.", ge=10, le=10_000_000
    )
    length: float = setting(100.0, title="Length", help="The wave runs from t = 0 to this value.", gt=0.0, le=1e6)
    frequency: float = setting(0.5, title="Frequency", help="The wave is sin(frequency × t).", gt=0.0, le=1e6)
    noise: float = setting(
        0.1, title="Noise", help="Standard deviation of the Gaussian noise that is added.", ge=0.0, le=100.0
    )
    seed: int = setting(42, title="Data seed", help="Seed of the noise.", ge=0, le=2**53)


class Series(Windowed, TableFileSettings):
    """Columns of a table in a file, one row per time step."""

    title: ClassVar[str] = "Time series (CSV)"
    kind: Literal["series"] = "series"
    path: str = setting("", title="File", help="CSV file with a header and rows in chronological order.", path="file")
    columns: tuple[str, ...] = setting(
        (),
        title="Columns",
        help="Input columns besides the past of the target. If empty, all numeric columns.",
    )
    target: str = setting("", title="Target column", help="Column to predict. If empty, the last column.")
    time: str = setting(
        "",
        title="Time column",
        help="Rows are sorted by this column of dates or numbers. If empty, their order is kept. It is not used as an input.",
        advanced=True,
    )
    series_column: str = setting(
        "",
        title="Series column",
        help="Column that tells several series in one table apart, for example a store. No window goes from one into another, "
        "and each is split by its own time.",
        advanced=True,
    )


class Text(DatasetSection, TableFileSettings):
    """A CSV file of texts and their labels. The vocabulary is learned from the training texts."""

    title: ClassVar[str] = "Texts (CSV)"
    sample: ClassVar[SampleKind] = "text"
    kind: Literal["text"] = "text"
    path: str = setting("", title="File", help="CSV file with a header.", path="file")
    text_column: str = setting("", title="Text column", help="Column with the texts. If empty, the first column.")
    label_column: str = setting("", title="Label column", help="Column with the labels. If empty, the last column.")
    vocabulary: int = setting(
        8000,
        title="Vocabulary size",
        help="Maximum number of tokens that are learned (byte-pair encoding).",
        unit="tokens",
        ge=64,
        le=1_000_000,
    )
    length: int = setting(
        128,
        title="Sequence length",
        help="Texts are truncated or padded to this many tokens.",
        unit="tokens",
        ge=1,
        le=100_000,
    )
