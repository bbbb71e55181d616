"""Random augmentation of training images. Every image dataset has these settings; validation images are never changed."""

from __future__ import annotations

from typing import Literal

from workbench.config.fields import Section, setting, settings


class Augmentation(Section):
    """Each image of a batch is augmented on its own, drawn again in every epoch."""

    augment_flip: float = setting(
        0.0,
        title="Horizontal flip",
        help="Probability that a training image is mirrored left to right. Not suitable for digits or text.",
        ge=0.0,
        le=1.0,
        advanced=True,
    )
    augment_flip_vertical: float = setting(
        0.0,
        title="Vertical flip",
        help="Probability that a training image is mirrored top to bottom.",
        ge=0.0,
        le=1.0,
        advanced=True,
    )
    augment_crop: int = setting(
        0,
        title="Random crop padding",
        help="Training images are padded with black by this many pixels, then cropped to their size at a random position.",
        unit="px",
        ge=0,
        le=512,
        advanced=True,
    )
    augment_resized_crop: Literal["off"] | float = setting(
        "off",
        title="Random resized crop",
        help="Training images are cropped to a random part with at least this fraction of their area, then resized.",
        gt=0.0,
        le=1.0,
        advanced=True,
    )
    augment_rotation: float = setting(
        0.0,
        title="Rotation",
        help="Training images are rotated by up to this angle in either direction.",
        unit="degrees",
        ge=0.0,
        le=180.0,
        advanced=True,
    )
    augment_brightness: float = setting(
        0.0,
        title="Brightness",
        help="Brightness is multiplied by a random factor between 1 − this and 1 + this.",
        ge=0.0,
        le=1.0,
        advanced=True,
    )
    augment_contrast: float = setting(
        0.0,
        title="Contrast",
        help="Contrast is multiplied by a random factor between 1 − this and 1 + this.",
        ge=0.0,
        le=1.0,
        advanced=True,
    )
    augment_saturation: float = setting(
        0.0,
        title="Saturation",
        help="Saturation is multiplied by a random factor between 1 − this and 1 + this.",
        ge=0.0,
        le=1.0,
        advanced=True,
    )
    augment_hue: float = setting(
        0.0,
        title="Hue",
        help="Hue is shifted by up to this fraction of the color circle in either direction.",
        ge=0.0,
        le=0.5,
        advanced=True,
    )
    augment_randaugment: int = setting(
        0,
        title="RandAugment",
        help="Number of random operations applied to each training image (Cubuk et al., 2019); 0 is off.",
        unit="operations",
        ge=0,
        le=10,
        advanced=True,
    )
    augment_magnitude: int = setting(
        9, title="RandAugment magnitude", help="How strong the RandAugment operations are.", ge=0, le=30, advanced=True
    )
    augment_erasing: float = setting(
        0.0,
        title="Random erasing",
        help="Probability that a random rectangle of a training image is erased (Zhong et al., 2017).",
        ge=0.0,
        le=1.0,
        advanced=True,
    )
    augment_mixup: float = setting(
        0.0,
        title="MixUp",
        help="Blends each training image and its label with another; parameter alpha of the Beta distribution "
        "(Zhang et al., 2017), 0 is off.",
        ge=0.0,
        le=10.0,
        advanced=True,
    )
    augment_cutmix: float = setting(
        0.0,
        title="CutMix",
        help="Pastes a rectangle of another image and mixes the labels by area; parameter alpha of the Beta distribution "
        "(Yun et al., 2019), 0 is off. If MixUp is on as well, each batch gets one of the two.",
        ge=0.0,
        le=10.0,
        advanced=True,
    )

    @property
    def augmentations(self) -> tuple[str, ...]:
        """Those that are on, each with its value."""
        on = []
        for known in settings(type(self)):
            value = getattr(self, known.name)
            if not known.name.startswith("augment_") or value in (0, "off") or known.name == "augment_magnitude":
                continue
            unit = f" {known.unit}" if known.unit else ""
            strength = f", magnitude {self.augment_magnitude}" if known.name == "augment_randaugment" else ""
            on.append(f"{known.title} {value:g}{unit}{strength}")
        return tuple(on)

    @property
    def changes_pictures(self) -> bool:
        """Whether training images are augmented at all."""
        return self.changes_single_pictures or self.mixes

    @property
    def changes_single_pictures(self) -> bool:
        """Whether an image is augmented on its own."""
        geometric = (self.augment_flip, self.augment_flip_vertical, self.augment_crop, self.augment_rotation)
        colors = (self.augment_brightness, self.augment_contrast, self.augment_saturation, self.augment_hue)
        others = (self.augment_resized_crop != "off", self.augment_randaugment, self.augment_erasing)
        return any((*geometric, *colors, *others))

    @property
    def mixes(self) -> bool:
        """Whether images of a batch, and their labels, are mixed with one another."""
        return self.augment_mixup > 0 or self.augment_cutmix > 0
