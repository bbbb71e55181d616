"""The architectures behind ``config/model``: one file a family, one entry in ``BUILDERS``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn

from workbench.config.model import Model
from workbench.config.model.pretrained import TorchvisionModel
from workbench.engine.data.dataset import Progress, Source, no_progress
from workbench.engine.models import cnn, freezing, heads, linear, mlp, recurrent, resnet, transformer, user_model
from workbench.engine.models.layers import init_weights


@runtime_checkable
class _Published(Protocol):
    """A network with published weights."""

    def load_published(self, progress: Progress) -> None:
        """Loads them."""
        ...


def _build_pretrained(config: TorchvisionModel, source: Source) -> nn.Module:
    # torchvision takes seconds to import, and few runs need it.
    from workbench.engine.models import pretrained

    return pretrained.build(config, source.shape, source.task.outputs, unscaled(source))


def unscaled(source: Source) -> tuple[torch.Tensor, torch.Tensor]:
    """What a scaled image is multiplied with, and what is added, to lie in [0, 1]."""
    white = float(source.preprocessing.get("white", 255))
    factor, offset = (
        torch.tensor(values).view(1, -1, 1, 1) for values in (source.scaling.factor, source.scaling.offset)
    )
    return 1 / (factor * white), -offset / (factor * white)


BUILDERS: dict[str, Callable[[Any, Source], nn.Module]] = {
    "linear": lambda config, source: linear.build(config, source.shape, source.task.outputs),
    "mlp": lambda config, source: mlp.build(config, source.shape, source.task.outputs),
    "cnn": lambda config, source: cnn.build(config, source.shape, source.task.outputs),
    "resnet": lambda config, source: resnet.build(config, source.shape, source.task.outputs),
    "lstm": lambda config, source: recurrent.build(config, source.shape, source.task.outputs, source.vocabulary),
    "gru": lambda config, source: recurrent.build(config, source.shape, source.task.outputs, source.vocabulary),
    "transformer": lambda config, source: transformer.build(
        config, source.shape, source.task.outputs, source.vocabulary
    ),
    "heads": lambda config, source: heads.build(config, source.shape, source.task),
    "torchvision": _build_pretrained,
    "python": lambda config, source: user_model.build(config, source.shape, source.task.outputs, source.vocabulary),
}


def build(config: Model, source: Source, restored: bool = False, progress: Progress = no_progress) -> nn.Module:
    """The network of a configuration for the samples of a source, its weights drawn, or loaded where they are published ones.

    ``restored``: a checkpoint's weights are put into it afterwards, so none are loaded here. Raises RefusedError, ValueError.
    """
    model = BUILDERS[config.kind](config, source)
    init_weights(model, config.init, config.bias_init)
    if isinstance(model, _Published) and not restored:
        model.load_published(progress)
    freezing.freeze(model, config.freeze)
    return model
