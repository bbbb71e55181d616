"""torchvision's classifiers, and networks of the user's own."""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.config.dataset.base import Sample
from workbench.config.fields import python_file, setting
from workbench.config.model.base import ModelSection


class TorchvisionModel(ModelSection):
    """One of torchvision's classifiers, with its pretrained weights if wanted; the last layer is made anew for your classes."""

    title: ClassVar[str] = "Pretrained (torchvision)"
    takes: ClassVar[tuple[Sample, ...]] = ("pictures",)
    kind: Literal["torchvision"] = "torchvision"
    name: str = setting(
        "resnet50",
        title="Network",
        help="Name of a torchvision classifier, such as resnet50, vgg16, efficientnet_b0 or vit_b_16.",
        pattern=r"^[a-z][a-z0-9_]{1,60}$",
    )
    weights: str = setting(
        "DEFAULT",
        title="Weights",
        help="DEFAULT takes the best published; none starts from random; or a name such as IMAGENET1K_V1.",
        pattern=r"^[A-Za-z0-9_]{1,60}$",
    )
    weights_path: str = setting(
        "",
        title="Weights file",
        help="A file saved in torchvision's format, used instead of a download.",
        path="file",
        advanced=True,
    )
    trainable: Literal["head", "all"] | int = setting(
        "head",
        title="Trained",
        help="Head: only the new last layer. All: everything. A number: that many of the last stages, and the head.",
        ge=0,
        le=1000,
    )
    stage_decay: float = setting(
        1.0,
        title="Decay between stages",
        help="Each stage learns with this share of the rate of the stage after it; 1 gives all the same.",
        gt=0.0,
        le=1.0,
        slider=True,
    )
    body_factor: float = setting(
        1.0,
        title="Rate of the body",
        help="Learning rate of the last stage as a share of the head's.",
        gt=0.0,
        le=1.0,
        advanced=True,
    )
    stage_factors: tuple[float, ...] = setting(
        (),
        title="Rate of each stage",
        help="Shares of the head's learning rate, one for each stage from the input on; empty follows the decay.",
        gt=0.0,
        le=1.0,
        advanced=True,
    )
    image_size: Literal["auto"] | int = setting(
        "auto",
        title="Input size",
        help="Pictures are brought to this size inside the network; auto is the size of the weights' own preprocessing.",
        unit="px",
        ge=8,
        le=1024,
        advanced=True,
    )


class PythonModel(ModelSection):
    """A network of your own: an nn.Module in a Python file."""

    title: ClassVar[str] = "Own Python file"
    takes: ClassVar[tuple[Sample, ...]] = ("pictures", "vector", "series", "text")
    kind: Literal["python"] = "python"
    path: str = python_file()
    name: str = setting(
        "",
        title="Name",
        help="Class or function in the file that gives the network. It may take shape, outputs and vocabulary. "
        "Left empty, the only nn.Module there is.",
    )
