"""The optimisers. A new one is one class here and one entry in ``engine/optimizers/``."""

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


def maximize() -> Any:
    """The setting ``maximize`` of the optimisers that have it."""
    return setting(False, title="Maximise", help="Climb the loss instead of descending it.", advanced=True)


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
    dampening: float = setting(
        0.0, title="Dampening", help="Share of the gradient kept out of the momentum.", ge=0.0, le=1.0, advanced=True
    )
    maximize: bool = maximize()


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
    maximize: bool = maximize()


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
    maximize: bool = maximize()


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
    maximize: bool = maximize()


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
    maximize: bool = maximize()


class NAdam(OptimizerSection):
    """Adam with Nesterov momentum (Dozat, 2016)."""

    title: ClassVar[str] = "NAdam"
    kind: Literal["nadam"] = "nadam"
    lr: float = learning_rate(2e-3)
    weight_decay: float = weight_decay(0.0)
    decoupled: bool = setting(
        False, title="Decoupled decay", help="Pull at the weights themselves, as AdamW does.", advanced=True
    )
    beta1: float = smoothing(0.9, "Beta 1", "Memory of the gradient's running average.")
    beta2: float = smoothing(0.999, "Beta 2", "Memory of the squared gradient's running average.")
    momentum_decay: float = setting(
        4e-3, title="Momentum decay", help="How fast the momentum settles.", ge=0.0, le=1.0, advanced=True
    )
    eps: float = epsilon(1e-8)
    maximize: bool = maximize()


class RAdam(OptimizerSection):
    """Adam whose first steps are made safe (Liu et al., 2020)."""

    title: ClassVar[str] = "RAdam"
    kind: Literal["radam"] = "radam"
    lr: float = learning_rate(1e-3)
    weight_decay: float = weight_decay(0.0)
    decoupled: bool = setting(
        False, title="Decoupled decay", help="Pull at the weights themselves, as AdamW does.", advanced=True
    )
    beta1: float = smoothing(0.9, "Beta 1", "Memory of the gradient's running average.")
    beta2: float = smoothing(0.999, "Beta 2", "Memory of the squared gradient's running average.")
    eps: float = epsilon(1e-8)
    maximize: bool = maximize()


class Adadelta(OptimizerSection):
    """Adadelta (Zeiler, 2012): steps scaled by those taken before."""

    title: ClassVar[str] = "Adadelta"
    kind: Literal["adadelta"] = "adadelta"
    lr: float = learning_rate(1.0)
    weight_decay: float = weight_decay(0.0)
    rho: float = smoothing(0.9, "Rho", "Memory of the squared gradient's running average.")
    eps: float = epsilon(1e-6)
    maximize: bool = maximize()


class Adamax(OptimizerSection):
    """Adam with the largest gradient in place of the average (Kingma and Ba, 2015)."""

    title: ClassVar[str] = "Adamax"
    kind: Literal["adamax"] = "adamax"
    lr: float = learning_rate(2e-3)
    weight_decay: float = weight_decay(0.0)
    beta1: float = smoothing(0.9, "Beta 1", "Memory of the gradient's running average.")
    beta2: float = smoothing(0.999, "Beta 2", "Memory of the largest gradient.")
    eps: float = epsilon(1e-8)
    maximize: bool = maximize()


class Adafactor(OptimizerSection):
    """Adafactor (Shazeer and Stern, 2018): rows and columns of averages in place of whole matrices, to save memory."""

    title: ClassVar[str] = "Adafactor"
    kind: Literal["adafactor"] = "adafactor"
    lr: float = learning_rate(0.01)
    weight_decay: float = weight_decay(0.0)
    beta2_decay: float = setting(
        -0.8, title="Beta 2 decay", help="Power of the step that the memory follows.", ge=-10.0, le=0.0, advanced=True
    )
    eps1: Literal["auto"] | float = setting(
        "auto",
        title="Epsilon 1",
        help="Least squared gradient. Auto takes the number type's own.",
        gt=0.0,
        advanced=True,
    )
    eps2: float = epsilon(1e-3)
    clip: float = setting(
        1.0, title="Update limit", help="Largest root mean square of an update.", ge=1.0, le=1000.0, advanced=True
    )
    maximize: bool = maximize()


class Muon(OptimizerSection):
    """Muon (Jordan et al., 2024) for matrices, with AdamW for everything else: embeddings, kernels, norms and biases."""

    title: ClassVar[str] = "Muon"
    kind: Literal["muon"] = "muon"
    lr: float = learning_rate(1e-3)
    weight_decay: float = weight_decay(0.1)
    momentum: float = smoothing(0.95, "Momentum", "Share of the last step that is kept in the next.")
    nesterov: bool = setting(
        True, title="Nesterov", help="Look ahead along the momentum before taking the gradient.", advanced=True
    )
    iterations: int = setting(
        5, title="Iterations", help="Newton-Schulz iterations of each step.", ge=1, le=99, advanced=True
    )
    adjust: Literal["match_rms_adamw", "original"] = setting(
        "match_rms_adamw",
        title="Rate adjustment",
        help="Match AdamW lets one learning rate serve both parts.",
        labels={"match_rms_adamw": "Match AdamW", "original": "Original"},
        advanced=True,
    )
    rest: float = setting(
        1.0, title="AdamW's share", help="Share of the learning rate that AdamW gets.", gt=0.0, le=1e4, advanced=True
    )
    beta1: float = smoothing(0.9, "Beta 1", "AdamW's memory of the gradient's running average.")
    beta2: float = smoothing(0.999, "Beta 2", "AdamW's memory of the squared gradient's running average.")
    eps: float = epsilon(1e-8)


class LBFGS(OptimizerSection):
    """L-BFGS (Liu and Nocedal, 1989): several looks at a batch for each step. Best with the whole data as one batch."""

    title: ClassVar[str] = "LBFGS"
    kind: Literal["lbfgs"] = "lbfgs"
    lr: float = learning_rate(1.0)
    iterations: int = setting(20, title="Iterations", help="Most iterations of one step.", ge=1, le=10_000)
    evaluations: Literal["auto"] | int = setting(
        "auto",
        title="Evaluations",
        help="Most looks at the batch in one step. Auto takes 1.25 times the iterations.",
        ge=1,
        le=100_000,
        advanced=True,
    )
    history: int = setting(
        100, title="History", help="Earlier steps that are remembered.", ge=1, le=10_000, advanced=True
    )
    line_search: Literal["none", "strong_wolfe"] = setting(
        "strong_wolfe",
        title="Line search",
        help="How far to go along a direction: the learning rate, which can diverge, or what the strong Wolfe conditions allow.",
        labels={"none": "None", "strong_wolfe": "Strong Wolfe"},
    )
    tolerance_grad: float = setting(
        1e-7, title="Gradient tolerance", help="A step ends where no gradient exceeds this.", ge=0.0, advanced=True
    )
    tolerance_change: float = setting(
        1e-9, title="Change tolerance", help="A step ends where it changes less than this.", ge=0.0, advanced=True
    )


Optimizer = Annotated[
    SGD | Adam | AdamW | Adagrad | RMSprop | NAdam | RAdam | Adadelta | Adamax | Adafactor | Muon | LBFGS,
    Field(discriminator="kind"),
]
