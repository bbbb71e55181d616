"""Sources of sequences: series in time, and text."""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.config.dataset.base import DatasetSection, Sample
from workbench.config.fields import setting


class Windowed(DatasetSection):
    """What every series has: a window of past values, from which values to come are predicted. It is split by time."""

    sample: ClassVar[Sample] = "series"
    window: int = setting(50, title="Window", help="Past values given to the network.", unit="steps", ge=1, le=100_000)
    horizon: int = setting(
        1, title="Horizon", help="Values to come that are predicted.", unit="steps", ge=1, le=10_000, advanced=True
    )


class Sine(Windowed):
    """A noisy sine wave, cut into windows; the next value is to be predicted."""

    title: ClassVar[str] = "Sine wave"
    kind: Literal["sine"] = "sine"
    points: int = setting(
        1000, title="Points", help="Points of the wave, evenly over its length.", ge=10, le=10_000_000
    )
    length: float = setting(100.0, title="Length", help="The wave runs from t = 0 to this.", gt=0.0, le=1e6)
    frequency: float = setting(0.5, title="Frequency", help="The wave is sin(frequency t).", gt=0.0, le=1e6)
    noise: float = setting(
        0.1, title="Noise", help="Standard deviation of the normal noise that is added.", ge=0.0, le=100.0
    )
    seed: int = setting(42, title="Data seed", help="Number that fixes the noise.", ge=0, le=2**53)


class Series(Windowed):
    """Columns of a CSV file, one row a step in time."""

    title: ClassVar[str] = "Time series (CSV)"
    kind: Literal["series"] = "series"
    path: str = setting("", title="File", help="CSV file with a header, its rows in the order of time.", path="file")
    columns: tuple[str, ...] = setting(
        (),
        title="Columns",
        help="Columns the network is given, beside the past of the target. Left empty, every column of numbers.",
    )
    target: str = setting("", title="Target column", help="Column to predict. Left empty, the last of the columns.")
    time: str = setting(
        "",
        title="Time column",
        help="Rows are put in the order of this column of dates or numbers. Left empty, they stay as they stand. It is no input.",
        advanced=True,
    )


class Text(DatasetSection):
    """A CSV file of texts and their labels. The vocabulary is learned from the training texts."""

    title: ClassVar[str] = "Texts (CSV)"
    sample: ClassVar[Sample] = "text"
    kind: Literal["text"] = "text"
    path: str = setting("", title="File", help="CSV file with a header.", path="file")
    text_column: str = setting("", title="Text column", help="Column with the texts. Left empty, the first is taken.")
    label_column: str = setting("", title="Label column", help="Column with the labels. Left empty, the last is taken.")
    vocabulary: int = setting(
        8000,
        title="Vocabulary",
        help="Most tokens that are learned (byte-pair encoding).",
        unit="tokens",
        ge=64,
        le=1_000_000,
    )
    length: int = setting(
        128, title="Length", help="Texts are cut or filled up to this many tokens.", unit="tokens", ge=1, le=100_000
    )
