"""torchvision's classifiers in a generated script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.engine.data.source import Source
from workbench.engine.export.piece import Piece, filled

_TORCHVISION = """
FROZEN = $frozen  # parts of the network that are not trained


class Network(nn.Module):
    \"\"\"torchvision's $name with a new last layer. It takes scaled pictures and brings them into ImageNet's form.\"\"\"

    def __init__(self) -> None:
        super().__init__()
        self.body = torchvision.models.$name(weights=None$extra)
        $weights
        $swap
        self.register_buffer("factor", torch.tensor($factor).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("offset", torch.tensor($offset).view(1, -1, 1, 1), persistent=False)
        for part in FROZEN:
            self.body.get_submodule(part).requires_grad_(False)
        $token

    def forward(self, inputs: Tensor) -> Tensor:
        if inputs.shape[-2:] != ($size, $size):
            inputs = functional.interpolate(inputs, ($size, $size), mode="bilinear", align_corners=False)
        outputs = self.body(torch.addcmul(self.offset, inputs, self.factor))
        return outputs if isinstance(outputs, Tensor) else outputs[0]

    def train(self, mode: bool = True) -> "Network":
        \"\"\"Parts that are frozen keep their batch norms as they are.\"\"\"
        super().train(mode)
        for part in FROZEN:
            self.body.get_submodule(part).eval()
        return self


def build_model() -> nn.Module:
    \"\"\"The network: from a batch of scaled pictures to (b, $outputs).\"\"\"
    return Network()
"""
_LAST = (nn.Linear, nn.Conv2d)
"""What the last layer of a classifier can be."""


def _torchvision(config: Any, source: Source, model: nn.Module) -> Piece:
    assert isinstance(model, Pretrained)
    body = model.body
    head = next(iter(model.lr_factors())).removeprefix("body.")
    last = [pair for pair in body.named_modules() if pair[0].startswith(head) and isinstance(pair[1], _LAST)][-1]
    swap = f"self.body.{_attribute(last[0])} = {layer(last[1])}"
    if hasattr(body, "num_classes") and isinstance(last[1], nn.Conv2d):
        swap += f"\nself.body.num_classes = {source.task.outputs}"
    frozen = tuple(name for name, module in body.named_modules() if any(module is part for part in model.frozen))
    token = getattr(body, "class_token", None)
    code = filled(
        _TORCHVISION,
        name=config.name,
        extra=", init_weights=True" if config.name in ("inception_v3", "googlenet") else "",
        weights=_weights(config),
        swap=swap,
        factor=repr(model.factor.flatten().tolist()),
        offset=repr(model.offset.flatten().tolist()),
        frozen=repr(frozen),
        token="self.body.class_token.requires_grad_(False)" if token is not None and not token.requires_grad else "",
        size=model.size,
        outputs=source.task.outputs,
    )
    return Piece(code, ("import torchvision",))


def _weights(config: Any) -> str:
    if config.weights_path.strip():
        path = str(Path(config.weights_path).expanduser())
        return f"self.body.load_state_dict(torch.load({path!r}, map_location='cpu', weights_only=True))"
    if config.weights.lower() == "none":
        return ""
    known = f"torchvision.models.get_model_weights({config.name!r})[{config.weights!r}]"
    if config.weights == "DEFAULT":
        known = f"torchvision.models.get_model_weights({config.name!r}).DEFAULT"
    return f"self.body.load_state_dict({known}.get_state_dict())"


def _attribute(name: str) -> str:
    """``classifier.6`` as ``classifier[6]``."""
    first, *rest = name.split(".")
    return first + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in rest)


