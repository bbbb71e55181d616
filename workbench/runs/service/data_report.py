"""What was read of a run's data: every file or row accounted for, how it was read, and what a person should know of it."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from workbench.runs.service.base import ServiceData

FORMAT = 1
Role = Literal["input", "target", "group", "time", "series", "left out"]
SplitName = Literal["train", "val", "test"]
Severity = Literal["error", "question", "warning", "assumed"]
"""*error*: it cannot be trained on. *question*: ambiguous, and the answer changes numbers: it must be answered before training.
*warning*: it is trained on, and told. *assumed*: decided for the person, and told."""


class Finding(ServiceData):
    """Something that a person should know: what was seen, and for a question or an error what to do about it."""

    severity: Severity
    text: str
    """A clause that begins in lower case and has no period at its end."""
    hint: str = ""
    setting: str = ""
    """The dotted path of the setting that decides it, or empty."""


class LeftOutGroup(ServiceData):
    """Files or rows that are not used for one reason; of many only the first names are listed."""

    why: str
    count: int
    names: tuple[str, ...] = ()
    chosen: bool = False
    """Whether the settings say so."""


class FileReading(ServiceData):
    """How a table was read. ``separator`` is empty where cells are not separated by a character (Parquet, Excel)."""

    format: Literal["csv", "parquet", "excel"] = "csv"
    encoding: str = ""
    separator: str = ""
    quote: str = ""
    header_line: int = 1
    """The line that names the columns, counted from 1."""
    skipped_lines: int = 0
    """Lines before the header and comments."""
    sheet: str = ""

    def text(self) -> str:
        """How the file was read, in one clause."""
        if self.format == "parquet":
            return "read as a Parquet file"
        if self.format == "excel":
            parts = [f"an Excel file, sheet {self.sheet}"]
        else:
            separator = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}.get(
                self.separator, self.separator
            )
            parts = [f"text in {self.encoding}", f"cells separated by {separator}"]
        parts.append(f"header in line {self.header_line}" if self.header_line else "no header")
        return "read as " + ", ".join(parts)


class ColumnReport(ServiceData):
    """A column of a table: what it holds and what it is used for."""

    name: str
    kind: Literal["number", "category", "date", "text", "identifier", "constant", "empty", "other"]
    role: Role
    why: str = ""
    """Why it is left out."""
    decimal: str = ""
    thousands: str = ""
    unit: str = ""
    order: str = ""
    """Order of day, month and year in dates."""
    missing: int = 0
    misfits: int = 0
    """Filled cells that are not of its kind; they count as missing."""
    misfit_examples: tuple[str, ...] = ()
    distinct: int = 0
    examples: tuple[str, ...] = ()


class ClassSamples(ServiceData):
    """The samples of a class in a split."""

    name: str
    samples: int


class SplitReport(ServiceData):
    """A split: its samples, by class where there are classes."""

    name: SplitName
    samples: int
    classes: tuple[ClassSamples, ...] = ()
    missing: tuple[str, ...] = ()
    """Classes of other splits that have no sample in this one."""


class DataReport(ServiceData):
    """Everything that was found, as used or left out. Raises ValidationError where that is not everything."""

    kind: Literal["data"] = "data"
    format: int = FORMAT
    source: str
    """The kind of dataset."""
    path: str = ""
    unit: str = "sample"
    """What is counted: file, row, window, sample."""
    found: int
    used: int
    left_out: tuple[LeftOutGroup, ...] = ()
    task: str = ""
    reading: FileReading | None = None
    columns: tuple[ColumnReport, ...] = ()
    splits: tuple[SplitReport, ...] = ()
    findings: tuple[Finding, ...] = ()
    stamp: str = Field(default="")
    """Changes when the files do: a digest of their sizes and times of change; empty where there are no files."""

    @model_validator(mode="after")
    def _count_all(self) -> Self:
        left_out = sum(group.count for group in self.left_out)
        if self.found != self.used + left_out:
            raise ValueError(f"{self.found} {self.unit}s were found, but {self.used} are used and {left_out} left out")
        return self

    def of_severity(self, *severities: Severity) -> tuple[Finding, ...]:
        """The findings of these severities, in their order."""
        return tuple(finding for finding in self.findings if finding.severity in severities)

    @property
    def was_left_out(self) -> bool:
        """Whether anything is not used that the settings do not exclude."""
        return any(not group.chosen for group in self.left_out)

    def counts_text(self) -> str:
        """Found, used and left out in one clause."""
        text = f"{self.found:,} {_plural(self.found, self.unit)} found, {self.used:,} used"
        if not self.left_out:
            return text
        reasons = "; ".join(_reason(group) for group in self.left_out[:REASONS_TOLD])
        more = f"; and {len(self.left_out) - REASONS_TOLD} more reasons" if len(self.left_out) > REASONS_TOLD else ""
        return f"{text}, {self.found - self.used:,} left out ({reasons}{more})"


REASONS_TOLD = 5
NAMES_TOLD = 3


def _reason(group: LeftOutGroup) -> str:
    """A group's first names and why they are left out."""
    more = f" and {group.count - NAMES_TOLD:,} more" if group.count > NAMES_TOLD else ""
    names = ", ".join(group.names[:NAMES_TOLD])
    return f"{names}{more}: {group.why}" if names else f"{group.count:,}: {group.why}"


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"
