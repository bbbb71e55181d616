"""The optimizers. A new one is one class here and one entry in ``engine/optimizers/``."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from workbench.config.fields import Section, setting


def learning_rate(default: float) -> Any:
    """The setting ``lr``, with the default that suits an optimizer (PyTorch's own, or that of its authors where it has none)."""
    return setting(default, title="Learning rate", help="Step size of each update.", gt=0.0, le=1000.0, live=True)


def weight_decay(default: float) -> Any:
    """The setting ``weight_decay`` with an optimizer's default."""
    return setting(
        default,
        title="Weight decay",
        help="Shrinks weights towards zero at each step; counteracts overfitting.",
        ge=0.0,
        le=10.0,
    )


def smoothing(default: float, title: str, text: str) -> Any:
    """A decay rate of a running average, from 0 up to but not including 1."""
    return setting(default, title=title, help=text, ge=0.0, lt=1.0, advanced=True)


def epsilon(default: float) -> Any:
    """The setting ``eps`` with an optimizer's default."""
    return setting(
        default,
        title="Epsilon",
        help="Small number added to the denominator for numerical stability.",
        gt=0.0,
        le=1.0,
        advanced=True,
    )


def maximize() -> Any:
    """The setting ``maximize`` of the optimizers that have it."""
    return setting(False, title="Maximize", help="Maximize the loss instead of minimizing it.", advanced=True)


class OptimizerSection(Section):
    """What every optimizer has."""

    groups: tuple[str, ...] = setting(
        (),
        title="Parameter groups",
        help="Learning rates of groups of parameters, as pattern=factor: head.*=10 multiplies the learning rate of parameters "
        "whose names start with head by 10.",
        advanced=True,
    )
    decay_norms: bool = setting(
        True,
        title="Decay biases and norms",
        help="Apply weight decay to biases and normalization layers as well.",
        advanced=True,
    )
    implementation: Literal["auto", "loop", "foreach", "fused"] = setting(
        "auto",
        title="Implementation",
        help="How PyTorch applies an update: with one kernel for all parameters (fused), a few (foreach), or one parameter at a "
        "time (loop). Auto uses the fastest that the device supports.",
        advanced=True,
    )


class SGD(OptimizerSection):
    """Stochastic gradient descent, optionally with momentum."""

    title: ClassVar[str] = "SGD"
    kind: Literal["sgd"] = "sgd"
    lr: float = learning_rate(0.01)
    momentum: float = setting(
        0.9, title="Momentum", help="Fraction of the previous update that is added to the next.", ge=0.0, lt=1.0
    )
    nesterov: bool = setting(False, title="Nesterov", help="Use Nesterov momentum.", advanced=True)
    weight_decay: float = weight_decay(0.0)
    dampening: float = setting(0.0, title="Dampening", help="Dampening of the momentum.", ge=0.0, le=1.0, advanced=True)
    maximize: bool = maximize()


class Adam(OptimizerSection):
    """Adam (Kingma and Ba, 2015): a step size for each weight from moving averages of its gradient."""

    title: ClassVar[str] = "Adam"
    kind: Literal["adam"] = "adam"
    lr: float = learning_rate(1e-3)
    weight_decay: float = weight_decay(0.0)
    beta1: float = smoothing(0.9, "Beta 1", "Decay rate of the moving average of the gradient.")
    beta2: float = smoothing(0.999, "Beta 2", "Decay rate of the moving average of the squared gradient.")
    eps: float = epsilon(1e-8)
    amsgrad: bool = setting(False, title="AMSGrad", help="Use the AMSGrad variant.", advanced=True)
    maximize: bool = maximize()


class AdamW(OptimizerSection):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    title: ClassVar[str] = "AdamW"
    kind: Literal["adamw"] = "adamw"
    lr: float = learning_rate(1e-3)
    weight_decay: float = weight_decay(0.01)
    beta1: float = smoothing(0.9, "Beta 1", "Decay rate of the moving average of the gradient.")
    beta2: float = smoothing(0.999, "Beta 2", "Decay rate of the moving average of the squared gradient.")
    eps: float = epsilon(1e-8)
    amsgrad: bool = setting(False, title="AMSGrad", help="Use the AMSGrad variant.", advanced=True)
    maximize: bool = maximize()


class Adagrad(OptimizerSection):
    """Adagrad (Duchi et al., 2011): steps shrink with the sum of squared gradients."""

    title: ClassVar[str] = "Adagrad"
    kind: Literal["adagrad"] = "adagrad"
    lr: float = learning_rate(0.01)
    weight_decay: float = weight_decay(0.0)
    lr_decay: float = setting(
        0.0,
        title="Learning rate decay",
        help="How fast the learning rate decreases with each step.",
        ge=0.0,
        le=10.0,
        advanced=True,
    )
    initial_accumulator: float = setting(
        0.0,
        title="Initial accumulator",
        help="Initial sum of squared gradients of every weight.",
        ge=0.0,
        le=1000.0,
        advanced=True,
    )
    eps: float = epsilon(1e-10)
    maximize: bool = maximize()


class RMSprop(OptimizerSection):
    """RMSprop (Hinton, 2012): steps divided by a moving average of the gradient's magnitude."""

    title: ClassVar[str] = "RMSprop"
    kind: Literal["rmsprop"] = "rmsprop"
    lr: float = learning_rate(0.01)
    weight_decay: float = weight_decay(0.0)
    alpha: float = smoothing(0.99, "Alpha", "Decay rate of the moving average of the squared gradient.")
    momentum: float = setting(
        0.0,
        title="Momentum",
        help="Fraction of the previous update that is added to the next.",
        ge=0.0,
        lt=1.0,
        advanced=True,
    )
    centered: bool = setting(
        False, title="Centered", help="Normalize by an estimate of the gradient's variance.", advanced=True
    )
    eps: float = epsilon(1e-8)
    maximize: bool = maximize()


class NAdam(OptimizerSection):
    """Adam with Nesterov momentum (Dozat, 2016)."""

    title: ClassVar[str] = "NAdam"
    kind: Literal["nadam"] = "nadam"
    lr: float = learning_rate(2e-3)
    weight_decay: float = weight_decay(0.0)
    decoupled: bool = setting(
        False,
        title="Decoupled weight decay",
        help="Apply weight decay to the weights directly, as AdamW does.",
        advanced=True,
    )
    beta1: float = smoothing(0.9, "Beta 1", "Decay rate of the moving average of the gradient.")
    beta2: float = smoothing(0.999, "Beta 2", "Decay rate of the moving average of the squared gradient.")
    momentum_decay: float = setting(
        4e-3, title="Momentum decay", help="Decay of the momentum schedule.", ge=0.0, le=1.0, advanced=True
    )
    eps: float = epsilon(1e-8)
    maximize: bool = maximize()


class RAdam(OptimizerSection):
    """Adam with a rectified variance in its first steps (Liu et al., 2020)."""

    title: ClassVar[str] = "RAdam"
    kind: Literal["radam"] = "radam"
    lr: float = learning_rate(1e-3)
    weight_decay: float = weight_decay(0.0)
    decoupled: bool = setting(
        False,
        title="Decoupled weight decay",
        help="Apply weight decay to the weights directly, as AdamW does.",
        advanced=True,
    )
    beta1: float = smoothing(0.9, "Beta 1", "Decay rate of the moving average of the gradient.")
    beta2: float = smoothing(0.999, "Beta 2", "Decay rate of the moving average of the squared gradient.")
    eps: float = epsilon(1e-8)
    maximize: bool = maximize()


class Adadelta(OptimizerSection):
    """Adadelta (Zeiler, 2012): steps scaled by earlier updates."""

    title: ClassVar[str] = "Adadelta"
    kind: Literal["adadelta"] = "adadelta"
    lr: float = learning_rate(1.0)
    weight_decay: float = weight_decay(0.0)
    rho: float = smoothing(0.9, "Rho", "Decay rate of the moving average of the squared gradient.")
    eps: float = epsilon(1e-6)
    maximize: bool = maximize()


class Adamax(OptimizerSection):
    """Adam with the infinity norm in place of the average (Kingma and Ba, 2015)."""

    title: ClassVar[str] = "Adamax"
    kind: Literal["adamax"] = "adamax"
    lr: float = learning_rate(2e-3)
    weight_decay: float = weight_decay(0.0)
    beta1: float = smoothing(0.9, "Beta 1", "Decay rate of the moving average of the gradient.")
    beta2: float = smoothing(0.999, "Beta 2", "Decay rate of the infinity norm of the gradient.")
    eps: float = epsilon(1e-8)
    maximize: bool = maximize()


class Adafactor(OptimizerSection):
    """Adafactor (Shazeer and Stern, 2018): factored second moments, which save memory."""

    title: ClassVar[str] = "Adafactor"
    kind: Literal["adafactor"] = "adafactor"
    lr: float = learning_rate(0.01)
    weight_decay: float = weight_decay(0.0)
    beta2_decay: float = setting(
        -0.8,
        title="Beta 2 decay",
        help="Exponent of the step number that sets the decay rate.",
        ge=-10.0,
        le=0.0,
        advanced=True,
    )
    eps1: Literal["auto"] | float = setting(
        "auto",
        title="Epsilon 1",
        help="Smallest squared gradient. Auto uses that of the data type.",
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
    momentum: float = smoothing(0.95, "Momentum", "Fraction of the previous update that is added to the next.")
    nesterov: bool = setting(True, title="Nesterov", help="Use Nesterov momentum.", advanced=True)
    iterations: int = setting(
        5, title="Iterations", help="Newton-Schulz iterations per step.", ge=1, le=99, advanced=True
    )
    adjust: Literal["match_rms_adamw", "original"] = setting(
        "match_rms_adamw",
        title="Learning rate adjustment",
        help="Match AdamW scales updates so that one learning rate suits both Muon and AdamW.",
        labels={"match_rms_adamw": "Match AdamW", "original": "Original"},
        advanced=True,
    )
    adamw_lr_scale: float = setting(
        1.0,
        title="AdamW learning rate scale",
        help="Learning rate of the parameters that AdamW updates, as a multiple of the learning rate.",
        gt=0.0,
        le=1e4,
        advanced=True,
    )
    beta1: float = smoothing(0.9, "Beta 1", "AdamW's decay rate of the moving average of the gradient.")
    beta2: float = smoothing(0.999, "Beta 2", "AdamW's decay rate of the moving average of the squared gradient.")
    eps: float = epsilon(1e-8)


class LBFGS(OptimizerSection):
    """L-BFGS (Liu and Nocedal, 1989): several evaluations of a batch per step. Best with all data in one batch."""

    title: ClassVar[str] = "LBFGS"
    kind: Literal["lbfgs"] = "lbfgs"
    lr: float = learning_rate(1.0)
    iterations: int = setting(20, title="Iterations", help="Maximum number of iterations per step.", ge=1, le=10_000)
    evaluations: Literal["auto"] | int = setting(
        "auto",
        title="Function evaluations",
        help="Maximum number of function evaluations per step. Auto uses 1.25 times the iterations.",
        ge=1,
        le=100_000,
        advanced=True,
    )
    history: int = setting(
        100, title="History", help="Number of earlier updates that are kept.", ge=1, le=10_000, advanced=True
    )
    line_search: Literal["none", "strong_wolfe"] = setting(
        "strong_wolfe",
        title="Line search",
        help="How the step length is chosen: the learning rate itself, which can diverge, or by the strong Wolfe conditions.",
        labels={"none": "None", "strong_wolfe": "Strong Wolfe"},
    )
    tolerance_grad: float = setting(
        1e-7,
        title="Gradient tolerance",
        help="A step ends if no gradient element exceeds this value.",
        ge=0.0,
        advanced=True,
    )
    tolerance_change: float = setting(
        1e-9,
        title="Change tolerance",
        help="A step ends if its change is smaller than this value.",
        ge=0.0,
        advanced=True,
    )


Optimizer = Annotated[
    SGD | Adam | AdamW | Adagrad | RMSprop | NAdam | RAdam | Adadelta | Adamax | Adafactor | Muon | LBFGS,
    Field(discriminator="kind"),
]

USUAL_LR: dict[str, tuple[float, float]] = {
    "sgd": (1e-3, 0.5),
    "adam": (1e-5, 1e-2),
    "adamw": (1e-5, 1e-2),
    "adagrad": (1e-3, 0.1),
    "rmsprop": (1e-5, 1e-2),
    "nadam": (1e-5, 1e-2),
    "radam": (1e-5, 1e-2),
    "adadelta": (0.1, 1.0),
    "adamax": (1e-5, 1e-2),
    "adafactor": (1e-4, 0.05),
    "muon": (1e-4, 0.05),
    "lbfgs": (0.1, 1.0),
}
"""The learning rates that are usual with each optimizer, lowest and highest."""
FAR_ABOVE = 5.0
"""Times the highest usual learning rate: what is above is warned about."""
