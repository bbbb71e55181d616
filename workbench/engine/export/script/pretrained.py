"""torchvision's classifiers in a generated script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torchvision
from torch import nn

from workbench.config.model import TorchvisionModel
from workbench.engine.data.dataset import Source
from workbench.engine.export.script.layers import layer
from workbench.engine.export.script.piece import Piece, filled
from workbench.engine.models.pretrained import Form, Pretrained, chosen, form

_TORCHVISION = """
HEAD = $head  # the last layer, which is made anew
FROZEN = $frozen  # parts of the network that are not trained$frozen_alone


class Network(nn.Module):
    \"\"\"torchvision's $name with a new last layer. It takes scaled pictures and brings them into the form of its weights.\"\"\"

    def __init__(self) -> None:
        super().__init__()
        self.body = torchvision.models.$name(weights=None$extra)
        $swap
        # From this script's scaling to [0, 1], and on to the weights' mean and deviation.
        self.register_buffer("factor", torch.tensor($factor).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("offset", torch.tensor($offset).view(1, -1, 1, 1), persistent=False)
        for part in FROZEN:
            self.body.get_submodule(part).requires_grad_(False)
        $alone

    def forward(self, inputs: Tensor) -> Tensor:
        $form
        return self.body(torch.addcmul(self.offset, inputs, self.factor))

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
_FORM = """
height, width = inputs.shape[-2:]
if min(height, width) != $resize:  # the shorter side is resized
    size = (height * $resize // min(height, width), width * $resize // min(height, width))
    finer = min(height, width) > $resize
    inputs = functional.interpolate(inputs, size, mode="$mode", antialias=finer, align_corners=False)
$cut
"""
_CUT = """
top, left = (inputs.shape[-2] - $crop) // 2, (inputs.shape[-1] - $crop) // 2
inputs = inputs[..., top : top + $crop, left : left + $crop]  # the middle is cut out
"""
_LOAD = """
def load_weights(model: nn.Module) -> None:
    \"\"\"Puts in what was learned before, all but the last layer.\"\"\"
    state = $state
    $old_names
    $positions
    kept = {name: value for name, value in state.items() if name in model.body.state_dict()}
    kept = {name: value for name, value in kept.items() if not name.startswith(HEAD + ".")}
    missing = model.body.load_state_dict(kept, strict=False).missing_keys
    missing = [name for name in missing if not name.startswith(HEAD + ".") and not name.endswith("num_batches_tracked")]
    if missing:
        raise SystemExit(f"the weights lack {', '.join(missing)}")
"""
_OLD_NAMES = r"""
# Published files name layers as they were called before dots were forbidden.
old = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..*)$$")
state = {old.sub(r"\1\2", name): value for name, value in state.items()}
"""
_POSITIONS = """
# Positions are brought to the number of patches of this picture size.
state = interpolate_embeddings(model.body.image_size, model.body.patch_size, state)
"""


def network(config: TorchvisionModel, source: Source, model: nn.Module) -> Piece:
    """``build_model()``, and ``load_weights(model)`` where there are any."""
    assert isinstance(model, Pretrained)
    body = model.body
    head, last = _last(model)
    swap = f"self.body.{_attribute(head)} = {layer(last)}"
    if hasattr(body, "num_classes"):
        swap += f"\nself.body.num_classes = {source.task.outputs}"
    frozen = tuple(name for stage in model.frozen for name in stage.modules)
    alone = tuple(name for stage in model.frozen for name in stage.loose)
    code = filled(
        _TORCHVISION,
        name=config.name,
        head=repr(head),
        extra=_extra(config, model),
        swap=swap,
        factor=repr(model.factor.flatten().tolist()),
        offset=repr(model.offset.flatten().tolist()),
        frozen=repr(frozen),
        frozen_alone=f"\nFROZEN_ALONE = {alone!r}" if alone else "",
        alone="for name in FROZEN_ALONE:\n    self.body.get_parameter(name).requires_grad_(False)" if alone else "",
        form=_form(form(config, chosen(config)), source.shape[1] == source.shape[2]),
        outputs=source.task.outputs,
    )
    imports = ["import torchvision"]
    if loads(config):
        vision, dense = config.name.startswith("vit_"), config.name.startswith("densenet")
        old, positions = (filled(text) if on else "" for text, on in ((_OLD_NAMES, dense), (_POSITIONS, vision)))
        code += "\n\n\n" + filled(_LOAD, state=_state(config), old_names=old, positions=positions)
        imports += ["import re"] if dense else []
        imports += ["from torchvision.models.vision_transformer import interpolate_embeddings"] if vision else []
    return Piece(code, tuple(imports))


def loads(config: Any) -> bool:
    """Whether a network of the configuration begins with weights learned before."""
    return config.kind == "torchvision" and (bool(config.weights_path.strip()) or config.weights.lower() != "none")


def _extra(config: TorchvisionModel, model: Pretrained) -> str:
    if config.name in ("inception_v3", "googlenet"):
        known = chosen(config) is not None
        return f", init_weights={not known}, aux_logits=False, transform_input={known}"
    return f", image_size={model.crop}" if config.name.startswith("vit_") else ""


def _form(wanted: Form, square: bool) -> str:
    cut = "" if wanted.crop == wanted.resize and square else filled(_CUT, crop=wanted.crop)
    mode = "bicubic" if wanted.bicubic else "bilinear"
    return filled(_FORM, resize=wanted.resize, mode=mode, cut=cut)


def _state(config: TorchvisionModel) -> str:
    if config.weights_path.strip():
        path = str(Path(config.weights_path).expanduser().resolve())
        return f'torch.load({path!r}, map_location="cpu", weights_only=True)'
    entry = torchvision.models.get_model_weights(config.name)[config.weights]
    return f'torchvision.models.get_model_weights("{config.name}")["{entry.name}"].get_state_dict(progress=False)'


def _last(model: Pretrained) -> tuple[str, nn.Module]:
    """The last layer's name in the body, and itself."""
    prefix = next(iter(model.lr_factors()))
    name = prefix.removeprefix("body.").removesuffix(".")
    return name, model.body.get_submodule(name)


def _attribute(name: str) -> str:
    """``classifier.6`` as ``classifier[6]``."""
    first, *rest = name.split(".")
    return first + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in rest)
