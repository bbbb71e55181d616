"""torchvision's classifiers: their weights, their preprocessing, a new last layer, and stages that learn at their own rates."""

from __future__ import annotations

import pickle
import re
import urllib.error
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import WeightsEnum
from torchvision.models.vision_transformer import interpolate_embeddings

from workbench.config.model import TorchvisionModel
from workbench.engine.data import downloading
from workbench.engine.data.dataset import Progress, no_progress
from workbench.engine.runtime.failures import RefusedError

HEADS = ("fc", "classifier", "heads", "head")
"""Where torchvision's classifiers keep their last layers."""
_OLD_DENSE = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..*)$")
"""DenseNet's published files name layers as they were called before dots were forbidden."""


@dataclass(frozen=True)
class Form:
    """The form in which a network expects its images: the shorter side resized, the middle cut out, mean and deviation."""

    resize: int
    crop: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bicubic: bool


@dataclass
class Stage:
    """Layers that are trained or frozen together, by their names in the body, and parameters that stand alone beside them."""

    modules: dict[str, nn.Module]
    loose: dict[str, nn.Parameter] = field(default_factory=dict)


class Pretrained(nn.Module):
    """A classifier with a new last layer. It takes images as the program scales them, and brings them into its own form."""

    factor: Tensor
    offset: Tensor

    def __init__(self, body: nn.Module, config: TorchvisionModel, form: Form, raw: tuple[Tensor, Tensor]) -> None:
        super().__init__()
        self.body = body
        # Plain values, which TorchScript can compile.
        self.resize, self.crop, self.bicubic = form.resize, form.crop, form.bicubic
        self._config = config
        self._head = _last(body)[0]
        # From the program's scaling to [0, 1], and on to the weights' mean and deviation, as one step.
        back, shift = raw
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (form.mean, form.std))
        self.register_buffer("factor", back / std, persistent=False)
        self.register_buffer("offset", (shift - mean) / std, persistent=False)
        self.stages = stages(body, self._head)
        count = {"head": 0, "all": len(self.stages)}.get(str(config.trainable), config.trainable)
        self.frozen = self.stages[: max(0, len(self.stages) - int(count))]
        for parameter in self._frozen_parameters():
            parameter.requires_grad_(False)

    def forward(self, inputs: Tensor) -> Tensor:
        """(b, 1 or 3, h, w) to (b, classes)."""
        outputs: Tensor = self.body(torch.addcmul(self.offset, self._resize_and_crop(inputs), self.factor))
        return outputs

    def train(self, mode: bool = True) -> Self:
        """Parts that are frozen keep their batch norms as they are."""
        super().train(mode)
        for stage in self.frozen:
            for module in stage.modules.values():
                module.eval()
        return self

    def lr_factors(self) -> dict[str, float]:
        """Shares of the learning rate by the prefix of parameters' names: the head has 1, stages before it less and less."""
        config: TorchvisionModel = self._config
        last = len(self.stages) - 1
        given = config.stage_lr_scales
        factors = {f"body.{self._head}.": 1.0}
        for index, stage in enumerate(self.stages):
            if given:
                # More stages than numbers: they are shared out evenly.
                factor = given[min(index * len(given) // len(self.stages), len(given) - 1)]
            else:
                factor = config.backbone_lr_scale * config.stage_decay ** (last - index)
            factors |= {f"body.{name}.": factor for name in stage.modules}
            factors |= {f"body.{name}": factor for name in stage.loose}
        return factors

    def load_published(self, progress: Progress = no_progress) -> None:
        """Loads the weights that the configuration names, all but the last layer's. Raises RefusedError."""
        config: TorchvisionModel = self._config
        if config.weights_path.strip():
            path = Path(config.weights_path).expanduser()
            state = _read(path, config.name)
            source, setting = str(path), "model.weights_path"
        else:
            entry = chosen(config)
            if entry is None:
                return
            with downloading.report_downloads(progress, f"the weights of {config.name}"):
                state, source, setting = _published(entry), str(entry), "model.weights"
        try:
            self._load_state(state)
        except (RuntimeError, ValueError, AttributeError, TypeError, KeyError) as error:
            what = f"{source} contains no weights of {config.name}: {str(error).splitlines()[0]}"
            raise RefusedError(what, "choose a state dict as torchvision publishes it", setting) from error

    def _load_state(self, state: dict[str, Tensor]) -> None:
        state = {_OLD_DENSE.sub(r"\1\2", name): value for name, value in state.items()}
        if hasattr(self.body, "image_size"):
            size, patch = self.body.image_size, self.body.patch_size
            assert isinstance(size, int)
            assert isinstance(patch, int)
            state = dict(interpolate_embeddings(size, patch, state))
        own = self.body.state_dict()
        head = {name for name in own if name.startswith(f"{self._head}.")}
        missing = own.keys() - state.keys() - head - {name for name in own if name.endswith("num_batches_tracked")}
        if missing:
            raise ValueError(f"{len(missing)} of its {len(own)} tensors are missing, such as {sorted(missing)[0]}")
        self.body.load_state_dict({name: state[name] for name in own.keys() & state.keys() - head}, strict=False)

    def _resize_and_crop(self, inputs: Tensor) -> Tensor:
        """The shorter side resized and the middle cut out: (b, c, crop, crop)."""
        height, width = inputs.shape[-2], inputs.shape[-1]
        shorter = min(height, width)
        size = [height * self.resize // shorter, width * self.resize // shorter]
        if size != [height, width]:
            mode = "bicubic" if self.bicubic else "bilinear"
            finer = shorter > self.resize
            inputs = functional.interpolate(inputs, size, mode=mode, antialias=finer, align_corners=False)
        top, left = (size[0] - self.crop) // 2, (size[1] - self.crop) // 2
        return inputs[..., top : top + self.crop, left : left + self.crop]

    def _frozen_parameters(self) -> list[nn.Parameter]:
        parts = [part for stage in self.frozen for part in stage.modules.values()]
        loose = [parameter for stage in self.frozen for parameter in stage.loose.values()]
        return [parameter for part in parts for parameter in part.parameters()] + loose


def build(config: TorchvisionModel, shape: tuple[int, ...], outputs: int, raw: tuple[Tensor, Tensor]) -> nn.Module:
    """The classifier for images of ``shape``, its weights not loaded yet; ``raw`` maps a scaled image back to [0, 1].

    Raises RefusedError.
    """
    if config.name not in names():
        hint = "choose for example " + ", ".join(name for name in names() if name[0] == config.name[:1])
        raise RefusedError(f"torchvision has no classifier {config.name!r}", hint, "model.name")
    if shape[0] not in (1, 3):
        what = f"the images have {shape[0]} channels, and torchvision's classifiers take 1 or 3"
        raise RefusedError(what, "choose another architecture", "model.kind")
    entry = chosen(config)
    wanted = form(config, entry)
    extra: dict[str, Any] = {}
    if config.name in ("inception_v3", "googlenet"):
        # Their second outputs, which help to train them from nothing only, are left out.
        extra = {"init_weights": entry is None, "aux_logits": False, "transform_input": entry is not None}
    elif config.name.startswith("vit_"):
        extra = {"image_size": wanted.crop}
    try:
        body = torchvision.models.get_model(config.name, weights=None, **extra)
    except ValueError as error:
        raise RefusedError(f"{config.name}: {error}", "choose another input size", "model.image_size") from error
    _swap_head(body, outputs)
    return Pretrained(body, config, wanted, raw)


def names() -> list[str]:
    """Every classifier that torchvision has."""
    return [str(name) for name in torchvision.models.list_models(module=torchvision.models)]


def chosen(config: TorchvisionModel) -> WeightsEnum | None:
    """The weights that a configuration names; None for none. Raises RefusedError."""
    weights = torchvision.models.get_model_weights(config.name)
    name = config.weights
    if name.lower() == "none":
        # Weights from a file, of which nothing else is known, were most likely trained like the published ones.
        return weights["DEFAULT"] if config.weights_path.strip() else None
    if name != "DEFAULT" and name not in weights.__members__:
        known = ", ".join(entry.name for entry in weights) or "none"
        raise RefusedError(f"{config.name} has no weights {name}", f"choose one of {known}", "model.weights")
    entry: WeightsEnum = weights[name]
    return entry


def form(config: TorchvisionModel, entry: WeightsEnum | None) -> Form:
    """The preprocessing that belongs to the weights, or to the published ones where there are none; in the size that is set."""
    entry = entry or torchvision.models.get_model_weights(config.name)["DEFAULT"]
    preset = entry.transforms()
    resize, crop = preset.resize_size[0], preset.crop_size[0]
    if config.image_size != "auto":
        resize, crop = config.image_size * resize // crop, config.image_size
    bicubic = preset.interpolation == torchvision.transforms.InterpolationMode.BICUBIC
    return Form(resize, crop, tuple(preset.mean), tuple(preset.std), bicubic)


def _read(path: Path, name: str) -> dict[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise RefusedError(f"there is no file {path}", "choose a file of weights", "model.weights_path") from None
    except (RuntimeError, pickle.UnpicklingError, OSError, EOFError, ValueError, KeyError) as error:
        what = f"{path} contains no weights of {name}: {str(error).splitlines()[0]}"
        raise RefusedError(what, "choose a state dict as torchvision publishes it", "model.weights_path") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        hint = "choose a state dict as torchvision publishes it"
        raise RefusedError(f"{path} is not a state dict", hint, "model.weights_path")
    return state


def _published(entry: WeightsEnum) -> dict[str, Tensor]:
    """From torch's own folder, else from the network."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / entry.url.rsplit("/", 1)[-1]
    try:
        return dict(entry.get_state_dict(progress=True, check_hash=not path.exists()))
    except (urllib.error.URLError, OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        if path.exists():
            what = f"{path} cannot be read: {str(error).splitlines()[0]}"
            raise RefusedError(what, "remove it, so that it is downloaded again", "model.weights") from error
        what = f"the weights {entry} are not at {path} and cannot be downloaded: {error}"
        hint = f"download {entry.url} to that path, or set model.weights_path to the file, or set model.weights to none"
        raise RefusedError(what, hint, "model.weights") from error


def _last(body: nn.Module) -> tuple[str, nn.Linear | nn.Conv2d]:
    """The last linear layer or, in SqueezeNet, convolution, and its name."""
    head = next(name for name in HEADS if hasattr(body, name))
    return [
        (name, module)
        for name, module in body.named_modules()
        if (name == head or name.startswith(f"{head}.")) and isinstance(module, (nn.Linear, nn.Conv2d))
    ][-1]


def _swap_head(body: nn.Module, outputs: int) -> None:
    """Puts a new last layer in the old one's place."""
    name, old = _last(body)
    if isinstance(old, nn.Linear):
        new: nn.Module = nn.Linear(old.in_features, outputs)
    else:
        new = nn.Conv2d(old.in_channels, outputs, 1)
    if hasattr(body, "num_classes"):
        setattr(body, "num_classes", outputs)  # noqa: B010 - a plain number, which nn.Module's types do not know
    setattr(body.get_submodule(name.rpartition(".")[0]), name.rpartition(".")[2], new)


def stages(body: nn.Module, head: str) -> list[Stage]:
    """The parts in front of the last layer, from the input on. Long rows (features, encoder layers, blocks, a classifier of
    several layers) are taken apart; a norm by itself belongs to what is before it, what stands alone to the first stage.
    """
    groups: list[Stage] = []
    for name, part in _parts(body, head):
        plain_norm = isinstance(part, (nn.BatchNorm2d, nn.LayerNorm))
        if plain_norm and groups:
            groups[-1].modules[name] = part
        else:
            groups.append(Stage({name: part}))
    inside = [f"{name}." for stage in groups for name in stage.modules] + [f"{head}."]
    for name, parameter in body.named_parameters():
        if not name.startswith(tuple(inside)):
            groups[0].loose[name] = parameter
    return groups


def _parts(body: nn.Module, head: str) -> list[tuple[str, nn.Module]]:
    parts: list[tuple[str, nn.Module]] = []

    def collect(prefix: str, module: nn.Module) -> None:
        for key, child in module.named_children():
            name = f"{prefix}{key}"
            if name == head or next(child.parameters(), None) is None:
                continue
            row = name in ("features", "encoder", "encoder.layers", "blocks", "trunk_output", "layers")
            if row or head.startswith(f"{name}."):
                collect(f"{name}.", child)
            else:
                parts.append((name, child))

    collect("", body)
    return parts
