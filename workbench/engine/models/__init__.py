"""The architectures behind ``config/model``: one file a family, one entry in ``BUILDERS``."""

from __future__ import annotations

import inspect
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


def _build_pretrained(
    config: TorchvisionModel, shape: tuple[int, ...], outputs: int, raw: tuple[torch.Tensor, torch.Tensor]
) -> nn.Module:
    # torchvision takes seconds to import, and few runs need it.
    from workbench.engine.models import pretrained

    return pretrained.build(config, shape, outputs, raw)


def unscaled(source: Source) -> tuple[torch.Tensor, torch.Tensor]:
    """What a scaled image is multiplied with, and what is added, to lie in [0, 1]."""
    white = float(source.preprocessing.get("white", 255))
    factor, offset = (
        torch.tensor(values).view(1, -1, 1, 1) for values in (source.scaling.factor, source.scaling.offset)
    )
    return 1 / (factor * white), -offset / (factor * white)


BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "linear": linear.build,
    "mlp": mlp.build,
    "cnn": cnn.build,
    "resnet": resnet.build,
    "lstm": recurrent.build,
    "gru": recurrent.build,
    "transformer": transformer.build,
    "heads": heads.build,
    "torchvision": _build_pretrained,
    "python": user_model.build,
}
"""Each takes the configuration and what else it names of :func:`arguments`."""


def arguments(kind: str, source: Source) -> dict[str, Any]:
    """What the builder of an architecture takes of a source, in its order."""
    known = {
        "shape": source.shape,
        "outputs": source.task.outputs,
        "vocabulary": source.vocabulary,
        "task": source.task,
        "raw": unscaled(source),
    }
    return {name: known[name] for name in inspect.signature(BUILDERS[kind]).parameters if name != "config"}


def build(config: Model, source: Source, restored: bool = False, progress: Progress = no_progress) -> nn.Module:
    """The network of a configuration for the samples of a source, its weights drawn, or loaded where they are published ones.

    ``restored``: a checkpoint's weights are put into it afterwards, so none are loaded here. Raises RefusedError, ValueError.
    """
    model = BUILDERS[config.kind](config, **arguments(config.kind, source))
    init_weights(model, config.init, config.bias_init)
    if isinstance(model, _Published) and not restored:
        model.load_published(progress)
    freezing.freeze(model, config.freeze)
    return model
