"""Random changes of training pictures in a generated script: only the lines that its settings need."""

from __future__ import annotations

from typing import Any

from workbench.config.augmentation import Augmentation
from workbench.config.run import RunConfig
from workbench.engine.data import augment
from workbench.engine.data.augment import color, geometry
from workbench.engine.data.dataset import Source
from workbench.engine.export.script.piece import Piece, filled
from workbench.engine.runtime.failures import RefusedError

_AUGMENT = """
NUMBERS_EACH = $columns  # random numbers drawn for each picture; most of them serve changes that are not made here


def augment(raw: Tensor, numbers: Tensor) -> Tensor:
    \"\"\"Raw pictures changed at random, each by its own numbers from 0 to 1, and scaled.\"\"\"
    pictures = raw.to(torch.float32) / $white
    count, _, height, width = pictures.shape
    $crop_and_flip
    $turn_and_zoom
    $jitter
    pictures = scale(pictures * $white)
    $erase
    return pictures
"""
_CROP_AND_FLIP = """
# Whole pixels are moved, so that nothing is blurred.
across = torch.arange(width, device=raw.device).expand(count, width)
down = torch.arange(height, device=raw.device).expand(count, height)
$flip
$flip_vertical
$crop
each = torch.arange(count, device=raw.device)[:, None, None]
pictures = pictures.permute(0, 2, 3, 1)[each, down[:, :, None], across[:, None, :]].permute(0, 3, 1, 2)
"""
_FLIP = "across = torch.where((numbers[:, 0] < $flip)[:, None], width - 1 - across, across)"
_FLIP_VERTICAL = "down = torch.where((numbers[:, 1] < $flip_vertical)[:, None], height - 1 - down, down)"
_CROP = """
pictures = functional.pad(pictures, ($crop, $crop, $crop, $crop))  # a black border, within which the picture is shifted
across = across + (numbers[:, 2:3] * (2 * $crop + 1)).to(torch.int64)
down = down + (numbers[:, 3:4] * (2 * $crop + 1)).to(torch.int64)
"""
_TURN_AND_ZOOM = """
# $what, as one bilinear resampling.
angle = torch.deg2rad((numbers[:, 4] * 2 - 1) * $rotation)
$part
cos, sin = angle.cos(), angle.sin()
first = torch.stack([wide * cos, -tall * sin * height / width, x], dim=1)
second = torch.stack([wide * sin * width / height, tall * cos, y], dim=1)
grid = functional.affine_grid(torch.stack([first, second], dim=1), list(pictures.shape), align_corners=False)
pictures = functional.grid_sample(pictures, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
"""
_WHOLE = """
wide = tall = torch.ones_like(angle)
x = y = torch.zeros_like(angle)
"""
_PART = """
area = $resized_crop + (1 - $resized_crop) * numbers[:, 5]
low, high = math.log($narrow), math.log($broad)
ratio = torch.exp(low + (high - low) * numbers[:, 6])
wide, tall = (area * ratio).sqrt().clamp(max=1.0), (area / ratio).sqrt().clamp(max=1.0)
x, y = (numbers[:, 7] * 2 - 1) * (1 - wide), (numbers[:, 8] * 2 - 1) * (1 - tall)
"""
_ERASE = """
# A rectangle is set to 0, which is the mean.
low, high = math.log($narrow), math.log($broad)
area = $least + ($most - $least) * numbers[:, 10]
ratio = torch.exp(low + (high - low) * numbers[:, 11])
wide, tall = (area * ratio).sqrt().clamp(max=1.0) * width, (area / ratio).sqrt().clamp(max=1.0) * height
left, top = numbers[:, 12] * (width - wide), numbers[:, 13] * (height - tall)
down = torch.arange(height, device=raw.device) + 0.5
across = torch.arange(width, device=raw.device) + 0.5
inside_x = (across >= left[:, None]) & (across < (left + wide)[:, None])
inside_y = (down >= top[:, None]) & (down < (top + tall)[:, None])
hidden = inside_y[:, :, None] & inside_x[:, None, :]
hidden &= (numbers[:, 9] < $erasing)[:, None, None]
pictures = pictures.masked_fill(hidden[:, None], 0.0)
"""
_JITTER = {
    "brightness": "pictures = (pictures * around_one(numbers[:, 14], $brightness)).clamp(0, 1)",
    "contrast": """
    mean = grey(pictures).mean(dim=(1, 2, 3), keepdim=True)
    pictures = blend(pictures, mean, around_one(numbers[:, 15], $contrast))
    """,
    "saturation": """
    spare = (numbers[:, 14] * 4096).frac()  # the lower digits of a number, as good as another one
    pictures = blend(pictures, grey(pictures), around_one(spare, $saturation))
    """,
    "hue": """
    spare = (numbers[:, 15] * 4096).frac()  # the lower digits of a number, as good as another one
    pictures = turn_hue(pictures, (spare * 2 - 1) * $hue)
    """,
}
_AROUND_ONE = """
def around_one(share: Tensor, reach: float) -> Tensor:
    \"\"\"A factor for each picture, between 1 - reach and 1 + reach.\"\"\"
    return (1 + (share * 2 - 1) * reach).view(-1, 1, 1, 1)
"""
_BLEND = """
def blend(pictures: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    \"\"\"factor * pictures + (1 - factor) * other, within [0, 1].\"\"\"
    return (factor * pictures + (1 - factor) * other).clamp(0, 1)


def grey(pictures: Tensor) -> Tensor:
    \"\"\"Shape (b, 1, height, width).\"\"\"
    $grey
"""
_GREY = {
    True: """
    weights = torch.tensor($weights, device=pictures.device).view(1, 3, 1, 1)
    return (pictures * weights).sum(dim=1, keepdim=True)
    """,
    False: "return pictures.mean(dim=1, keepdim=True)",
}
_HUE = """
def turn_hue(pictures: Tensor, turn: Tensor) -> Tensor:
    \"\"\"Red, green and blue turned on the colour circle by ``turn`` (b,), in whole circles.\"\"\"
    red, green, blue = pictures.unbind(dim=1)
    value, least = pictures.amax(dim=1), pictures.amin(dim=1)
    spread = value - least
    safe = torch.where(spread > 0, spread, 1.0)
    other = torch.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4)
    hue = torch.where(value == red, ((green - blue) / safe).remainder(6.0), other)
    saturation = spread / torch.where(value > 0, value, 1.0)
    hue = (torch.where(spread > 0, hue / 6, 0.0) + turn.view(-1, 1, 1)).remainder(1.0)
    channels = []
    for n in (5.0, 3.0, 1.0):
        k = (n + 6 * hue).remainder(6.0)
        channels.append(value - value * saturation * torch.minimum(k, 4 - k).clamp(0, 1))
    return torch.stack(channels, dim=1)
"""


def changes(config: RunConfig) -> bool:
    """Whether training pictures are changed at random."""
    return bool(getattr(config.dataset, "changes_pictures", False))


def piece(config: RunConfig, source: Source) -> Piece:
    """``augment(raw, numbers)``, or nothing where pictures stay as they are. Raises RefusedError."""
    if not changes(config):
        return Piece("")
    dataset: Any = config.dataset
    _refuse(dataset)
    facts = {name.removeprefix("augment_"): getattr(dataset, name) for name in Augmentation.model_fields}
    colours = source.shape[0] == 3
    jitters = [name for name in _JITTER if facts[name] and (colours or name in ("brightness", "contrast"))]
    code = filled(
        _AUGMENT,
        columns=augment.COLUMNS,
        white=float(source.preprocessing.get("white", 255)),
        crop_and_flip=_crop_and_flip(facts),
        turn_and_zoom=_turn_and_zoom(facts),
        jitter="\n".join(filled(_JITTER[name], **facts) for name in jitters),
        erase=_erase(facts),
    )
    needed = [_AROUND_ONE] if {"brightness", "contrast", "saturation"} & set(jitters) else []
    needed += [_BLEND] if {"contrast", "saturation"} & set(jitters) else []
    needed += [_HUE] if "hue" in jitters else []
    grey = filled(_GREY[colours], weights=color.GREY)
    return Piece("\n\n\n".join([code, *(filled(text, grey=grey) for text in needed)]))


def _refuse(dataset: Any) -> None:
    has_not = {"randaugment": "RandAugment", "mixup": "MixUp", "cutmix": "CutMix"}
    for name, words in has_not.items():
        if getattr(dataset, f"augment_{name}"):
            hint = "turn it off in a new run, or choose another format"
            raise RefusedError(f"a script has no counterpart yet of {words}", hint, f"dataset.augment_{name}")


def _crop_and_flip(facts: dict[str, Any]) -> str:
    parts = {"flip": _FLIP, "flip_vertical": _FLIP_VERTICAL, "crop": _CROP}
    if not any(facts[name] for name in parts):
        return ""
    return filled(
        _CROP_AND_FLIP, **{name: filled(text, **facts) if facts[name] else "" for name, text in parts.items()}
    )


def _turn_and_zoom(facts: dict[str, Any]) -> str:
    cut = facts["resized_crop"] != "off"
    if not facts["rotation"] and not cut:
        return ""
    what = " and ".join(
        [*(["A rotation"] if facts["rotation"] else []), *(["a part made as large as the whole"] if cut else [])]
    )
    narrow, broad = geometry.RATIO
    part = filled(_PART, narrow=narrow, broad=broad, **facts) if cut else filled(_WHOLE)
    return filled(_TURN_AND_ZOOM, what=what[0].upper() + what[1:], part=part, **facts)


def _erase(facts: dict[str, Any]) -> str:
    if not facts["erasing"]:
        return ""
    (least, most), (narrow, broad) = geometry.ERASED_AREA, geometry.ERASED_RATIO
    return filled(_ERASE, least=least, most=most, narrow=narrow, broad=broad, **facts)
