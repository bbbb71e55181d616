"""torchvision's classifiers, and the user's own models."""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.config.dataset.base import SampleKind
from workbench.config.fields import python_file, setting
from workbench.config.model.base import ModelSection


class TorchvisionModel(ModelSection):
    """One of torchvision's classifiers, optionally with pretrained weights; the last layer is replaced to match your classes."""

    title: ClassVar[str] = "Pretrained (torchvision)"
    accepts: ClassVar[tuple[SampleKind, ...]] = ("images",)
    kind: Literal["torchvision"] = "torchvision"
    name: str = setting(
        "resnet50",
        title="Network",
        help="Name of a torchvision classifier, for example resnet50, vgg16, efficientnet_b0 or vit_b_16.",
        pattern=r"^[a-z][a-z0-9_]{1,60}$",
    )
    weights: str = setting(
        "DEFAULT",
        title="Weights",
        help="DEFAULT is the best available; none initializes randomly; or a name such as IMAGENET1K_V1.",
        pattern=r"^[A-Za-z0-9_]{1,60}$",
    )
    weights_path: str = setting(
        "",
        title="Weights file",
        help="Weights in torchvision's format, used instead of a download.",
        path="file",
        advanced=True,
    )
    trainable: Literal["head", "all"] | int = setting(
        "head",
        title="Trainable layers",
        help="Head: only the new last layer. All: the whole model. A number: that many of the last stages, and the head.",
        ge=0,
        le=1000,
    )
    stage_decay: float = setting(
        1.0,
        title="Learning rate decay per stage",
        help="Learning rate of each stage as a fraction of that of the next stage; 1 uses the same for all.",
        gt=0.0,
        le=1.0,
        slider=True,
    )
    backbone_lr_scale: float = setting(
        1.0,
        title="Backbone learning rate scale",
        help="Learning rate of the last stage as a fraction of that of the head.",
        gt=0.0,
        le=1.0,
        advanced=True,
    )
    stage_lr_scales: tuple[float, ...] = setting(
        (),
        title="Stage learning rate scales",
        help="Learning rate of each stage, from input to output, as a fraction of that of the head. If empty, set by the decay.",
        gt=0.0,
        le=1.0,
        advanced=True,
    )
    image_size: Literal["auto"] | int = setting(
        "auto",
        title="Input size",
        help="Images are resized to this inside the model. Auto uses the size that the weights were trained with.",
        unit="px",
        ge=8,
        le=1024,
        advanced=True,
    )


class PythonModel(ModelSection):
    """Your own model: an nn.Module in a Python file."""

    title: ClassVar[str] = "Python file"
    accepts: ClassVar[tuple[SampleKind, ...]] = ("images", "vector", "series", "text")
    kind: Literal["python"] = "python"
    path: str = python_file()
    name: str = setting(
        "",
        title="Name",
        help="Class or function in the file that returns the model. It may have the parameters shape, outputs and vocabulary. "
        "If empty, the only nn.Module in the file.",
    )
