"""What every dataset has: how samples are split, and how they reach the device."""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.config.fields import Section, setting

SampleKind = Literal["images", "vector", "series", "text"]
"""What one sample is: an image (channels, height, width), numbers (features,), a time series (window, features), token ids."""


class Named(Section):
    """What every dataset has whose samples have names of their own."""

    leave_out: tuple[str, ...] = setting(
        (),
        title="Excluded samples",
        help="Names of samples that are used neither for training nor for validation: image paths, absolute or relative to the "
        "folder, or table rows such as row 12.",
        advanced=True,
    )


class DatasetSection(Section):
    """What every dataset has: the split into training and validation, and how samples reach the device."""

    sample: ClassVar[SampleKind] = "vector"

    validation: float = setting(
        0.2,
        title="Validation split",
        help="Fraction of the samples held out for validation.",
        ge=0.0,
        lt=1.0,
    )
    split: Literal["per-class", "random"] = setting(
        "per-class",
        title="Split method",
        help="Per class (stratified) keeps the proportions of the classes in training and validation; random ignores classes.",
        labels={"per-class": "per class", "random": "random"},
        advanced=True,
    )
    split_seed: int = setting(
        0,
        title="Split seed",
        help="Seed that determines which samples are used for validation.",
        ge=0,
        le=2**53,
        advanced=True,
    )
    balance: Literal["none", "sampler", "loss"] = setting(
        "none",
        title="Balance classes",
        help="For imbalanced classes. Sampler draws rare classes more often; loss gives their samples more weight.",
        advanced=True,
    )
    loading: Literal["auto", "resident", "streamed"] = setting(
        "auto",
        title="Loading",
        help="In memory keeps all samples on the training device, which is fastest. Streamed reads them batch by batch, for "
        "data larger than memory. Auto keeps the data in memory if they fit.",
        labels={"resident": "in memory", "streamed": "streamed"},
        advanced=True,
    )
    workers: Literal["auto"] | int = setting(
        "auto",
        title="Loader workers",
        help="Number of processes that read streamed samples; 0 reads them in the training process. "
        "Auto uses one less than the number of processors, at most 8.",
        ge=0,
        le=256,
        advanced=True,
    )
    prefetch: int = setting(
        2,
        title="Prefetched batches",
        help="Number of batches that each loader worker prefetches when data are streamed.",
        unit="batches",
        ge=1,
        le=64,
        advanced=True,
    )
