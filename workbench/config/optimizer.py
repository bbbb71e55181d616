"""The optimisers. A new one is one class here and one entry in ``engine/optimizers.py``."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from workbench.config.fields import Section, setting


def learning_rate(default: float) -> Any:
    """The setting ``lr``, with the default that suits an optimiser (PyTorch's own, or the guides' where it has none)."""
    return setting(
        default, title="Learning rate", help="Size of each step against the gradient.", gt=0.0, le=1000.0, live=True
    )


def weight_decay(default: float) -> Any:
    """The setting ``weight_decay`` with an optimiser's default."""
    return setting(
        default,
        title="Weight decay",
        help="Pull of every weight towards zero; keeps a model from leaning on few large weights.",
        ge=0.0,
        le=10.0,
    )


def smoothing(default: float, title: str, text: str) -> Any:
    """A decay rate of a running average, from 0 up to but not including 1."""
    return setting(default, title=title, help=text, ge=0.0, lt=1.0, advanced=True)


def epsilon(default: float) -> Any:
    """The setting ``eps`` with an optimiser's default."""
    return setting(
        default,
        title="Epsilon",
        help="Small number that keeps a division from exploding.",
        gt=0.0,
        le=1.0,
        advanced=True,
    )


class OptimizerSection(Section):
    """What every optimiser has."""

    groups: tuple[str, ...] = setting(
        (),
        title="Parameter groups",
        help="Learning rates of their own, as pattern=factor: head.*=10 gives what begins with head. ten times the rate.",
        advanced=True,
    )
    decay_norms: bool = setting(
        True,
        title="Decay norms and biases",
        help="Whether weight decay also pulls at biases and normalisation layers.",
        advanced=True,
    )
    implementation: Literal["auto", "loop", "foreach", "fused"] = setting(
        "auto",
        title="Implementation",
        help="How PyTorch applies a step: one kernel for all parameters (fused), few (foreach) or one by one (loop). "
        "Auto takes the fastest that the device has.",
        advanced=True,
    )


class SGD(OptimizerSection):
    """Stochastic gradient descent, with momentum if wanted."""

    title: ClassVar[str] = "SGD"
    kind: Literal["sgd"] = "sgd"
    lr: float = learning_rate(0.01)
    momentum: float = setting(
        0.9, title="Momentum", help="Share of the last step that is kept in the next.", ge=0.0, lt=1.0
    )
    nesterov: bool = setting(
        False, title="Nesterov", help="Look ahead along the momentum before taking the gradient.", advanced=True
    )
    weight_decay: float = weight_decay(0.0)


class Adam(OptimizerSection):
    """Adam (Kingma and Ba, 2015): a step size for each weight from running averages of its gradient."""

    title: ClassVar[str] = "Adam"
    kind: Literal["adam"] = "adam"
    lr: float = learning_rate(1e-3)
    weight_decay: float = weight_decay(0.0)
    beta1: float = smoothing(0.9, "Beta 1", "Memory of the gradient's running average.")
    beta2: float = smoothing(0.999, "Beta 2", "Memory of the squared gradient's running average.")
    eps: float = epsilon(1e-8)
    amsgrad: bool = setting(False, title="AMSGrad", help="Never let a step size grow again.", advanced=True)


class AdamW(OptimizerSection):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    title: ClassVar[str] = "AdamW"
    kind: Literal["adamw"] = "adamw"
    lr: float = learning_rate(1e-3)
    weight_decay: float = weight_decay(0.01)
    beta1: float = smoothing(0.9, "Beta 1", "Memory of the gradient's running average.")
    beta2: float = smoothing(0.999, "Beta 2", "Memory of the squared gradient's running average.")
    eps: float = epsilon(1e-8)
    amsgrad: bool = setting(False, title="AMSGrad", help="Never let a step size grow again.", advanced=True)


class Adagrad(OptimizerSection):
    """Adagrad (Duchi et al., 2011): steps shrink with the sum of squared gradients."""

    title: ClassVar[str] = "Adagrad"
    kind: Literal["adagrad"] = "adagrad"
    lr: float = learning_rate(0.01)
    weight_decay: float = weight_decay(0.0)
    lr_decay: float = setting(
        0.0, title="Rate decay", help="How fast the learning rate falls with each step.", ge=0.0, le=10.0, advanced=True
    )
    initial_accumulator: float = setting(
        0.0,
        title="Initial accumulator",
        help="Sum of squared gradients that every weight starts with.",
        ge=0.0,
        le=1000.0,
        advanced=True,
    )
    eps: float = epsilon(1e-10)


class RMSprop(OptimizerSection):
    """RMSprop (Hinton, 2012): steps divided by a running average of the gradient's size."""

    title: ClassVar[str] = "RMSprop"
    kind: Literal["rmsprop"] = "rmsprop"
    lr: float = learning_rate(0.01)
    weight_decay: float = weight_decay(0.0)
    alpha: float = smoothing(0.99, "Alpha", "Memory of the squared gradient's running average.")
    momentum: float = setting(
        0.0, title="Momentum", help="Share of the last step that is kept in the next.", ge=0.0, lt=1.0, advanced=True
    )
    centered: bool = setting(False, title="Centred", help="Divide by the gradient's variance instead.", advanced=True)
    eps: float = epsilon(1e-8)


Optimizer = Annotated[SGD | Adam | AdamW | Adagrad | RMSprop, Field(discriminator="kind")]
