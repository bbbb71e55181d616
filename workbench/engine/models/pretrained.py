"""torchvision's classifiers: their weights, their preprocessing, a new last layer, and stages that learn at their own rates."""

from __future__ import annotations

import pickle
import urllib.error
from pathlib import Path
from typing import Any, Self

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

from workbench.config.model import TorchvisionModel
from workbench.engine.failures import RefusedError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What ImageNet's weights were trained with."""
HEADS = ("fc", "classifier", "heads", "head")
"""Where torchvision's classifiers keep their last layers."""


class Pretrained(nn.Module):
    """A classifier with a new last layer. It takes pictures as the program scales them, and brings them into ImageNet's form."""

    factor: Tensor
    offset: Tensor

    def __init__(self, body: nn.Module, config: TorchvisionModel, raw: tuple[Tensor, Tensor]) -> None:
        super().__init__()
        self.body = body
        self._config = config
        self._head = next(name for name in HEADS if hasattr(body, name))
        # From the program's scaling to [0, 1], and on to ImageNet's mean and deviation, as one step.
        back, shift = raw
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
        self.register_buffer("factor", back / std, persistent=False)
        self.register_buffer("offset", (shift - mean) / std, persistent=False)
        self.size = config.image_size
        self.stages = _stages(body, self._head)
        self._freeze()

    def forward(self, inputs: Tensor) -> Tensor:
        """(b, 1 or 3, h, w) to (b, classes)."""
        if inputs.shape[-1] != self.size or inputs.shape[-2] != self.size:
            size = (self.size, self.size)
            inputs = functional.interpolate(inputs, size, mode="bilinear", antialias=False, align_corners=False)
        outputs = self.body(torch.addcmul(self.offset, inputs, self.factor))
        # Inception and GoogLeNet give more than one output while they train.
        result: Tensor = outputs if isinstance(outputs, Tensor) else outputs[0]
        return result

    def train(self, mode: bool = True) -> Self:
        """Parts that are frozen keep their batch norms as they are."""
        super().train(mode)
        for stage in self.frozen:
            stage.eval()
        return self

    def lr_factors(self) -> dict[str, float]:
        """Shares of the learning rate by the prefix of parameters' names: the head has 1, stages before it less and less."""
        config, names = self._config, [name for name, _ in self.stages]
        given = config.stage_factors
        factors = {f"body.{self._head}": 1.0}
        for place, name in enumerate(names):
            if given:
                # More stages than numbers: they are shared out evenly.
                factors[f"body.{name}"] = given[min(place * len(given) // len(names), len(given) - 1)]
            else:
                factors[f"body.{name}"] = config.body_factor * config.stage_decay ** (len(names) - 1 - place)
        return factors

    def _freeze(self) -> None:
        trained = self._config.trainable
        stages = [module for _, module in self.stages]
        count = 0 if trained == "head" else len(stages) if trained == "all" else min(trained, len(stages))
        self.frozen = stages[: len(stages) - count]
        for stage in self.frozen:
            for parameter in stage.parameters():
                parameter.requires_grad_(False)
        if self.frozen and isinstance(getattr(self.body, "class_token", None), nn.Parameter):
            self.body.class_token.requires_grad_(False)


def build(config: TorchvisionModel, shape: tuple[int, ...], outputs: int, raw: tuple[Tensor, Tensor]) -> nn.Module:
    """The classifier for pictures of ``shape``; ``raw`` maps a scaled picture back to [0, 1]. Raises RefusedError."""
    if config.name not in names():
        hint = "for example " + ", ".join(name for name in names() if name[0] == config.name[:1])
        raise RefusedError(f"torchvision has no classifier {config.name!r}", hint, "model.name")
    extra: dict[str, Any] = {"init_weights": True} if config.name in ("inception_v3", "googlenet") else {}
    body = torchvision.models.get_model(config.name, weights=None, **extra)
    _load(body, config)
    _swap_head(body, outputs)
    return Pretrained(body, config, raw)


def names() -> list[str]:
    """Every classifier that torchvision has."""
    return [str(name) for name in torchvision.models.list_models(module=torchvision.models)]


def _load(body: nn.Module, config: TorchvisionModel) -> None:
    if config.weights_path.strip():
        path = Path(config.weights_path).expanduser()
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            body.load_state_dict(state)
        except FileNotFoundError:
            raise RefusedError(f"there is no file {path}", "choose a file of weights", "model.weights_path") from None
        except (RuntimeError, pickle.UnpicklingError, OSError, EOFError, TypeError, AttributeError) as error:
            what = f"{path} holds no weights of {config.name}: {str(error).splitlines()[0]}"
            raise RefusedError(what, "choose a state dict as torchvision publishes it", "model.weights_path") from error
        return
    if config.weights.lower() == "none":
        return
    weights = torchvision.models.get_model_weights(config.name)
    if config.weights not in ("DEFAULT", *(entry.name for entry in weights)):
        known = ", ".join(entry.name for entry in weights) or "none"
        raise RefusedError(f"{config.name} has no weights {config.weights}", f"it has {known}", "model.weights")
    chosen = weights[config.weights]
    where = Path(torch.hub.get_dir()) / "checkpoints" / chosen.url.rsplit("/", 1)[-1]
    try:
        body.load_state_dict(chosen.get_state_dict(progress=False, check_hash=not where.exists()))
    except (urllib.error.URLError, OSError, RuntimeError) as error:
        what = f"the weights {chosen} are not here and cannot be downloaded: {error}"
        hint = f"put {where.name} into {where.parent}, or give its path as model.weights_path, or choose weights none"
        raise RefusedError(what, hint, "model.weights") from error


def _swap_head(body: nn.Module, outputs: int) -> None:
    """Puts a new last layer in the place of the last linear layer or, in SqueezeNet, convolution."""
    head = next(name for name in HEADS if hasattr(body, name))
    last = [
        (name, module)
        for name, module in body.named_modules()
        if (name == head or name.startswith(f"{head}.")) and isinstance(module, (nn.Linear, nn.Conv2d))
    ][-1]
    name, old = last
    parent = body.get_submodule(name.rpartition(".")[0])
    if isinstance(old, nn.Linear):
        new: nn.Module = nn.Linear(old.in_features, outputs)
    else:
        new = nn.Conv2d(old.in_channels, outputs, 1)
        if hasattr(body, "num_classes"):
            setattr(body, "num_classes", outputs)  # noqa: B010 - a plain number, which nn.Module's types do not know
    setattr(parent, name.rpartition(".")[2], new)


def _stages(body: nn.Module, head: str) -> list[tuple[str, nn.Module]]:
    """The parts in front of the head, from the input on; a long row of features or encoder layers is taken apart."""
    found: list[tuple[str, nn.Module]] = []
    for name, child in body.named_children():
        if name == head or not _has_weights(child):
            continue
        layers = getattr(child, "layers", None)
        if name == "encoder" and isinstance(layers, nn.Module):
            found += [(f"{name}.layers.{key}", part) for key, part in layers.named_children()]
            found += [(f"{name}.{key}", part) for key, part in child.named_children() if part is not layers]
        elif name == "features" and len(list(child.children())) > 1:
            found += [(f"{name}.{key}", part) for key, part in child.named_children()]
        else:
            found.append((name, child))
    return [(name, part) for name, part in found if _has_weights(part)]


def _has_weights(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None
