"""What every source of samples has: how they are split, and how they reach the device."""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.config.fields import Section, setting

Sample = Literal["pictures", "vector", "series", "text"]
"""What one sample is: a picture (channels, height, width), numbers (features,), steps in time (window, features), token ids."""


class Named(Section):
    """What every source has whose samples bear names of their own."""

    leave_out: tuple[str, ...] = setting(
        (),
        title="Samples left out",
        help="Names of samples that are not used, neither for training nor for validation: paths of pictures, whole or from "
        "the folder on, or rows as row 12.",
        advanced=True,
    )


class DatasetSection(Section):
    """What every source has: the split into training and validation, and how samples reach the device."""

    sample: ClassVar[Sample] = "vector"

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
    balance: Literal["none", "sampler", "loss"] = setting(
        "none",
        title="Balance classes",
        help="For classes of unequal size. Sampler draws rare classes more often; loss gives their samples more weight.",
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
