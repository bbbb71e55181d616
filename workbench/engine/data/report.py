"""The data report: what a source found, counted, and the findings that it makes while it reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import torch

from workbench.config.dataset import Dataset
from workbench.config.problems import ConfigError, Problem
from workbench.engine.data.dataset import LeftOut, Source, Split
from workbench.runs.service.data_report import ClassSamples, DataReport, Finding, LeftOutGroup, SplitName, SplitReport

NAMES_KEPT = 100
"""Names of a group that are listed."""


def assumed(text: str, setting: str = "", hint: str = "") -> Finding:
    """What was decided for the person."""
    return Finding(severity="assumed", text=text, hint=hint, setting=setting)


def warning(text: str, setting: str = "", hint: str = "") -> Finding:
    """What is trained on, though it may not be meant."""
    return Finding(severity="warning", text=text, hint=hint, setting=setting)


def question(text: str, setting: str, hint: str) -> Finding:
    """What only the person knows, and what changes numbers: it is answered by a setting."""
    return Finding(severity="question", text=text, hint=hint, setting=setting)


def with_report(source: Source, config: Dataset) -> Source:
    """The source with its report. Raises ValidationError where not everything found is used or left out."""
    counted = _splits(source)
    used = source.used if source.used is not None else sum(split.samples for split in counted)
    report = DataReport(
        source=config.kind,
        path=str(getattr(config, "path", "")),
        unit=source.unit,
        found=used + len(source.left_out) if source.found is None else source.found,
        used=used,
        left_out=_groups(source.left_out),
        task=source.task.kind,
        reading=source.reading,
        columns=source.columns,
        splits=counted,
        findings=source.findings,
        stamp=source.stamp,
    )
    return replace(source, report=report)


def require_answers(report: DataReport) -> None:
    """Raises ConfigError with every question that is open: what is trained on is what the person means."""
    questions = report.of_severity("question")
    if questions:
        raise ConfigError(Problem(finding.setting, finding.text, finding.hint) for finding in questions)


def stamp_of(files: Iterable[Path]) -> str:
    """A digest of the names, sizes and times of change of files, 16 hex digits; missing ones count as such."""
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        try:
            status = file.stat()
            facts = f"{status.st_size} {status.st_mtime_ns}"
        except OSError:
            facts = "missing"
        digest.update(f"{file.name}\0{facts}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _groups(left_out: Iterable[LeftOut]) -> tuple[LeftOutGroup, ...]:
    """By reason, in the order in which the reasons were met."""
    names: dict[tuple[str, bool], list[str]] = {}
    for sample in left_out:
        names.setdefault((sample.why, sample.chosen), []).append(sample.what)
    return tuple(
        LeftOutGroup(why=why, count=len(group), names=tuple(group[:NAMES_KEPT]), chosen=chosen)
        for (why, chosen), group in names.items()
    )


def _splits(source: Source) -> tuple[SplitReport, ...]:
    classes = source.task.classes
    names: tuple[SplitName, ...] = ("train", "val", "test")
    splits = [(name, split) for name in names if (split := source.split(name)) is not None]
    counts = {name: _class_counts(source, split) for name, split in splits}
    present = [any(count[index] for count in counts.values()) for index in range(len(classes))]
    return tuple(
        SplitReport(
            name=name,
            samples=len(split),
            classes=tuple(ClassSamples(name=c, samples=n) for c, n in zip(classes, counts[name], strict=True)),
            missing=tuple(c for c, n, some in zip(classes, counts[name], present, strict=True) if some and not n)
            if len(split)
            else (),
        )
        for name, split in splits
    )


def _class_counts(source: Source, split: Split) -> list[int]:
    """Samples of each class; empty without classes."""
    indices = source.task.class_indices(split.targets)
    if indices is None or len(split) == 0:
        return [0] * len(source.task.classes)
    known = indices[indices >= 0]
    return list(torch.bincount(known, minlength=len(source.task.classes)).tolist())
