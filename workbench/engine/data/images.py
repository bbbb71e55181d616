"""Images from files: decoding every mode to uint8 of one size, and the scaling that training wants."""

from __future__ import annotations

import functools
import importlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import psutil
import torch
from PIL import Image, ImageOps
from torch import Tensor

from workbench.engine.data.dataset import Normalization
from workbench.engine.data.pixels import ImageError as ImageError
from workbench.engine.data.pixels import PixelRange, Scale, eight_bits, range_of

STATISTICS_SAMPLES = 2048
UNREADABLE = -100
"""Label of a sample that does not count: what PyTorch's losses ignore by default."""
LEAST_BYTES, MOST_BYTES = 2**28, 2**30
"""Bounds of the memory in which one image is decoded."""
HEIC_SUFFIXES = (".heic", ".heif", ".hif")
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
NEEDS_HEIC = "HEIC needs the Python package pillow-heif"

# Pillow's own limit is by pixels, whatever a pixel takes; ours is by memory.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class ImageForm:
    """What every image of a set becomes: its size in pixels, its channels, and the scale of pixels with more than 8 bits."""

    width: int
    height: int
    channels: Literal["rgb", "gray"]
    fit: Literal["crop", "letterbox", "stretch"] = "crop"
    frame: Literal["first", "middle", "last"] | int = "first"
    scales: dict[str, Scale] = field(default_factory=dict)
    """By type of pixels; see :mod:`pixels`."""
    max_bytes: int = 0
    """Memory in which an image may be decoded; 0 is no limit."""


@dataclass(frozen=True)
class Examined:
    """What a file holds. ``image`` is None while the scale of its pixels is not known."""

    image: Tensor | None
    width: int
    height: int
    frames: int
    pixels: PixelRange | None


def decode(path: Path, form: ImageForm) -> Tensor:
    """An image as uint8 of shape (3 or 1, height, width).

    Transparency is laid on white, more than 8 bits a channel become 8, a camera's rotation is applied. Raises ImageError.
    """
    try:
        return _as_tensor(_load(path, form)[0], form)
    except ImageError:
        raise
    # Pillow's decoders raise whatever a damaged file leads them into.
    except Exception as error:
        raise ImageError(_reason(error, path)) from error


def examine(path: Path, form: ImageForm) -> Examined:
    """An image as :func:`decode` gives it, with what is known of its file. Raises ImageError."""
    try:
        image, frames = _load(path, form)
        pixels = range_of(image)
        decoded = None if pixels is not None and pixels.kind not in form.scales else _as_tensor(image, form)
        return Examined(decoded, image.width, image.height, frames, pixels)
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(_reason(error, path)) from error


def form_of(facts: dict[str, Any]) -> ImageForm:
    """The form of the images that a model takes, from the preprocessing that its checkpoint keeps."""
    height = int(facts["size"])
    return ImageForm(
        width=int(facts.get("width", height)),
        height=height,
        channels=facts["channels"],
        fit=facts.get("fit", "crop"),
        frame=facts.get("frame", "first"),
        scales={kind: (float(black), float(white)) for kind, (black, white) in facts.get("scales", {}).items()},
        max_bytes=decoding_bytes(1),
    )


def decoding_bytes(threads: int) -> int:
    """The memory in which each of so many threads may decode an image: all of them together take half of what is free."""
    return int(min(max(psutil.virtual_memory().available / 2 / threads, LEAST_BYTES), MOST_BYTES))


@dataclass(frozen=True)
class ImageSplit:
    """A split of image files that are decoded when they are asked for."""

    files: Sequence[Path]
    targets: Tensor
    form: ImageForm

    def __len__(self) -> int:
        return len(self.files)

    def read(self, indices: Sequence[int]) -> Tensor:
        """The images at ``indices``. Raises ImageError where one of them can no longer be read."""
        inputs, reasons = self.read_readable(indices)
        for index, why in reasons.items():
            raise ImageError(f"{self.name(index)}: {why}")
        return inputs

    def read_readable(self, indices: Sequence[int]) -> tuple[Tensor, dict[int, str]]:
        """The images at ``indices`` without those that can no longer be read, and why each of these cannot, by its index."""
        images, reasons = [], {}
        for index in indices:
            try:
                images.append(decode(self.files[index], self.form))
            except ImageError as error:
                reasons[index] = str(error)
        depth = 3 if self.form.channels == "rgb" else 1
        empty = torch.empty(0, depth, self.form.height, self.form.width, dtype=torch.uint8)
        return torch.stack(images) if images else empty, reasons

    def name(self, index: int) -> str:
        """The file's path."""
        return os.fsencode(self.files[index]).decode("utf-8", "replace")


def scaling_of(images: Tensor, white: int = 255) -> tuple[Normalization, dict[str, Any]]:
    """Mean 0 and standard deviation 1 per channel over ``images`` (uint8, (n, channels, height, width)), and that as plain data."""
    values = images.to(torch.float64) / white
    means = values.mean((0, 2, 3)).tolist()
    stds = [max(std, 1e-3) for std in values.std((0, 2, 3), correction=0).tolist()]
    factor = tuple(1 / (white * std) for std in stds)
    offset = tuple(-mean / std for mean, std in zip(means, stds, strict=True))
    return Normalization(factor, offset), {"kind": "pictures", "white": white, "mean": means, "std": stds}


def _load(path: Path, form: ImageForm) -> tuple[Image.Image, int]:
    """The page or frame of a file that is used, turned upright, and how many the file has. Raises ImageError."""
    _check_regular(path)
    reads_heic()
    with Image.open(path) as opened:
        # A camera's second image is a preview or a depth map of the first.
        frames = 1 if opened.format == "MPO" else int(getattr(opened, "n_frames", 1))
        if frames > 1:
            opened.seek(_frame(form.frame, frames))
        pixels = opened.width * opened.height
        opened.draft("RGB", (form.width * 2, form.height * 2))
        if form.max_bytes and needed_bytes(opened, pixels) > form.max_bytes:
            share = f"{form.max_bytes / 2**20:,.0f} MiB"
            raise ImageError(f"too large: decoding it takes more than {share} of memory; save it in fewer pixels")
        opened.load()
        return ImageOps.exif_transpose(opened), frames


def _check_regular(path: Path) -> None:
    """Opening a pipe or a device would wait, or never come to an end. Raises ImageError."""
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise ImageError("a folder, not a file")
    if not stat.S_ISREG(mode):
        raise ImageError("not a regular file (a pipe, a socket or a device)")


def _frame(wanted: Literal["first", "middle", "last"] | int, frames: int) -> int:
    if isinstance(wanted, int):
        if wanted > frames:
            raise ImageError(f"it has fewer than {wanted} pages or frames")
        return wanted - 1
    return {"first": 0, "middle": (frames - 1) // 2, "last": frames - 1}[wanted]


def needed_bytes(image: Image.Image, pixels: int) -> int:
    """The memory that decoding takes at most: its header says it. ``pixels``: of the file, where a part is decoded of a JPEG."""
    stored = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}.get(image.mode, 4)
    each = 2 * stored
    if image.mode.startswith(("I", "F")):
        each += 10
    elif image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        each += 16
    else:
        each += 4
    each += {"JPEG2000": 16, "WEBP": 8, "AVIF": 8, "HEIF": 8, "GIF": 8}.get(image.format or "", 0)
    progressive = 6 * pixels if "progressive" in image.info else 0
    return image.width * image.height * each + progressive


def _as_tensor(image: Image.Image, form: ImageForm) -> Tensor:
    image = _flattened(image, form.scales)
    wanted = "RGB" if form.channels == "rgb" else "L"
    image = _resized(image if image.mode == wanted else image.convert(wanted), form)
    array = np.array(image, dtype=np.uint8)
    return torch.from_numpy(array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1)))


def _flattened(image: Image.Image, scales: dict[str, Scale]) -> Image.Image:
    """Any mode as one whose channels have 8 bits, transparency laid on white."""
    if image.mode.startswith(("I", "F")):
        return eight_bits(image, scales)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image


def _resized(image: Image.Image, form: ImageForm) -> Image.Image:
    size = (form.width, form.height)
    if form.fit == "stretch":
        return image.resize(size, Image.Resampling.BILINEAR)
    if form.fit == "letterbox":
        share = min(form.width / image.width, form.height / image.height)
        inner = max(1, round(image.width * share)), max(1, round(image.height * share))
        whole = Image.new(image.mode, size)
        whole.paste(
            image.resize(inner, Image.Resampling.BILINEAR), ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2)
        )
        return whole
    return ImageOps.fit(image, size, Image.Resampling.BILINEAR)


@functools.cache
def reads_heic() -> bool:
    """Whether HEIC files can be read: where pillow-heif is installed, Pillow is taught to."""
    try:
        importlib.import_module("pillow_heif").register_heif_opener()
    except ImportError:
        return False
    return True


def _is_heic(path: Path) -> bool:
    """Whether a file is HEIC by its content, whatever it is called."""
    try:
        with path.open("rb") as file:
            start = file.read(12)
    except OSError:
        return False
    return start[4:8] == b"ftyp" and start[8:12] in HEIC_BRANDS


def _reason(error: Exception, path: Path) -> str:
    if isinstance(error, FileNotFoundError):
        return "the file was not found"
    if isinstance(error, PermissionError):
        return "no permission to read the file"
    if isinstance(error, MemoryError):
        return "too large: memory ran out while it was decoded"
    if "cannot identify" in str(error):
        named = path.suffix.lower() in HEIC_SUFFIXES
        if not reads_heic() and (named or _is_heic(path)):
            return NEEDS_HEIC
        return "not an image, or an unknown format"
    if "truncated" in str(error).lower():
        return "the file is truncated"
    return f"damaged: {error}"
