"""The root of a configuration: one field per section. Everything that decides what a run computes stands in here."""

from __future__ import annotations

from typing import Any, get_args

from workbench.config.dataset import Dataset, Digits
from workbench.config.fields import Section, setting
from workbench.config.hardware import Hardware
from workbench.config.model import CNN, Model
from workbench.config.optimizer import AdamW, Optimizer
from workbench.config.output import Output
from workbench.config.schedule import Constant, Schedule
from workbench.config.training import Training


class RunConfig(Section):
    """A whole run. Immutable: a change makes a new one (``model_copy`` or ``workbench.config.files.change``)."""

    dataset: Dataset = setting(Digits(), title="Dataset", help="Where the samples come from.")
    model: Model = setting(CNN(), title="Architecture", help="The model that is trained.")
    training: Training = setting(
        Training(), title="Training", help="How long the model is trained, and in what batches."
    )
    optimizer: Optimizer = setting(AdamW(), title="Optimizer", help="How gradients update the weights.")
    schedule: Schedule = setting(Constant(), title="Schedule", help="How the learning rate changes during the run.")
    hardware: Hardware = setting(Hardware(), title="Device and precision", help="Where the run is computed.")
    output: Output = setting(Output(), title="Output", help="What the run saves.")

    def as_data(self) -> dict[str, Any]:
        """The configuration as plain dictionaries, lists, strings and numbers: what files and checkpoints hold."""
        return self.model_dump(mode="json")


def variants(section: str) -> tuple[type[Section], ...]:
    """The classes a section may be: its variants by ``kind``, or the one class of a section that has no variants."""
    annotation = RunConfig.model_fields[section].annotation
    return get_args(annotation) or (annotation,)


def title_at(path: str) -> str:
    """The title of the setting at ``path``, of a ``kind`` that of its section; the path itself where there is no such setting."""
    section, _, name = path.partition(".")
    if section not in sections():
        return path
    if name == "kind":
        return str(RunConfig.model_fields[section].title)
    titles = (variant.model_fields[name].title for variant in variants(section) if name in variant.model_fields)
    return next((title for title in titles if title), path)


def sections() -> tuple[str, ...]:
    """The names of the sections, in their order."""
    return tuple(RunConfig.model_fields)
