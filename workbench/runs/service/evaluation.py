"""How well a model does on a split, and on the user's own files. Aliases are the names that files and ``--json`` have."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from workbench.runs.service.base import Number, ServiceData
from workbench.runs.service.linear_equation import LinearEquation
from workbench.runs.service.samples import SampleDescription


class ClassScores(ServiceData):
    """Precision, recall and F1 (0 to 1) of a class, and its samples."""

    name: str
    precision: Number
    recall: Number
    f1: Number
    samples: int


class TargetResiduals(ServiceData):
    """How prediction minus true value is distributed for one target, in its own unit: figures, and ``counts`` from low to high."""

    target: str
    mean: Number
    std: Number
    rmse: Number
    mae: Number
    low: Number
    high: Number
    counts: tuple[int, ...]


class TargetPairs(ServiceData):
    """True and predicted values of one target, sample by sample."""

    target: str
    true: tuple[Number, ...]
    predicted: tuple[Number, ...] = Field(alias="guess")


class PredictionPairs(ServiceData):
    """Predicted against true values; ``names`` are those of the samples."""

    names: tuple[str, ...] = ()
    targets: tuple[TargetPairs, ...] = ()


class ForecastSeries(ServiceData):
    """The next value of each window of a series: true, predicted, and by the baseline, which repeats the last value."""

    target: str
    first: str
    """Where the first window is from."""
    true: tuple[Number, ...]
    predicted: tuple[Number, ...] = Field(alias="guess")
    baseline: tuple[Number, ...] = Field(alias="naive")
    mae: Number
    baseline_mae: Number = Field(alias="naive_mae")


class EvaluatedSample(SampleDescription):
    """A sample with what is known and what is computed; ``loss`` is None where it was not asked for."""

    label: str = Field(alias="truth")
    prediction: str = Field(alias="guess")
    loss: Number | None = None


class Evaluation(ServiceData):
    """The answer to EvaluateCheckpoint, and what a file in ``evaluation/`` holds. What a task does not have is None."""

    kind: Literal["evaluation"] = "evaluation"
    split: str
    task: str = ""
    metrics: dict[str, Number]
    classes: tuple[str, ...] = ()
    samples: int = 0
    confusion: tuple[tuple[int, ...], ...] | None = None
    """A row for each true class, a column for each predicted one."""
    per_class: tuple[ClassScores, ...] | None = None
    residuals: tuple[TargetResiduals, ...] | None = None
    pairs: PredictionPairs | None = None
    cells: tuple[tuple[int, int, tuple[int, ...]], ...] | None = None
    """True class, predicted class, and samples of that cell of the confusion, the highest loss first."""
    forecast: ForecastSeries | None = None
    equations: tuple[LinearEquation, ...] | None = None
    """What a linear regression has learned."""
    note: str | None = None
    """What a person should know of the evaluation, such as that another split was taken."""
    worst: tuple[EvaluatedSample, ...] = ()
    warnings: tuple[str, ...] = ()
    """Clauses about the samples, such as that their files changed since the training."""
    checkpoint: str = ""
    epoch: int = 0
    step: int = 0
    run: str | None = None
    """The folder of its run, where it has one."""
    file: str | None = None
    """The file that it was written to."""


class LeftOutFile(ServiceData):
    """A file that could not be used, and why."""

    file: str
    why: str


class FilePrediction(ServiceData):
    """What the model computes for a file or a row of it: the best classes with their scores (0 to 1), or values by target."""

    file: str
    row: int | None = None
    """The row of a table, as spreadsheets count: the first below the header is 2."""
    identifiers: dict[str, str] | None = None
    """The cells of that row in the columns that are no inputs of the model."""
    scores: tuple[tuple[str, float], ...] | None = None
    values: dict[str, Number] | None = None
    prediction: str = Field(alias="guess")


class UnknownWords(ServiceData):
    """Words of a column that training never saw: how many cells have one, and the most frequent with their counts."""

    file: str
    column: str
    cells: int
    words: tuple[tuple[str, int], ...]
    distinct: int

    @property
    def text(self) -> str:
        """All of that as a sentence."""
        cells = "1 cell has a word" if self.cells == 1 else f"{self.cells:,} cells have words"
        listed = ", ".join(f"“{word}” ({count:,})" for word, count in self.words)
        more = self.distinct - len(self.words)
        rest = f" and {more:,} more" if more > 0 else ""
        return f"column {self.column}: {cells} that training never saw: {listed}{rest}"


class FilePredictions(ServiceData):
    """The answer to PredictFiles."""

    kind: Literal["predictions"] = "predictions"
    predictions: tuple[FilePrediction, ...]
    left_out: tuple[LeftOutFile, ...]
    target: str = ""
    """The column whose class is predicted, where there is one."""
    unknown: tuple[UnknownWords, ...] = ()
