"""Random changes of training pictures. Every source of pictures has these settings; validation pictures are never changed."""

from __future__ import annotations

from typing import Literal

from workbench.config.fields import Section, setting


class Augmentation(Section):
    """Each picture of a batch gets changes of its own, drawn anew in every epoch."""

    augment_flip: float = setting(
        0.0,
        title="Flip left-right",
        help="Share of training pictures mirrored left to right. Not for digits or text.",
        ge=0.0,
        le=1.0,
        advanced=True,
    )
    augment_flip_vertical: float = setting(
        0.0,
        title="Flip top-bottom",
        help="Share of training pictures mirrored top to bottom.",
        ge=0.0,
        le=1.0,
        advanced=True,
    )
    augment_crop: int = setting(
        0,
        title="Crop padding",
        help="Training pictures get a black border of this width, and are cropped to their size at a random place.",
        unit="px",
        ge=0,
        le=512,
        advanced=True,
    )
    augment_resized_crop: Literal["off"] | float = setting(
        "off",
        title="Resized crop",
        help="Training pictures are cut to a random part of at least this share of their area, and resized.",
        gt=0.0,
        le=1.0,
        advanced=True,
    )
    augment_rotation: float = setting(
        0.0,
        title="Rotation",
        help="Training pictures are turned by up to this angle either way.",
        unit="degrees",
        ge=0.0,
        le=180.0,
        advanced=True,
    )
    augment_brightness: float = setting(
        0.0,
        title="Brightness",
        help="Brightness is multiplied with a factor between 1 minus and 1 plus this.",
        ge=0.0,
        le=1.0,
        advanced=True,
    )
    augment_contrast: float = setting(
        0.0,
        title="Contrast",
        help="Contrast is multiplied with a factor between 1 minus and 1 plus this.",
        ge=0.0,
        le=1.0,
        advanced=True,
    )
    augment_saturation: float = setting(
        0.0,
        title="Saturation",
        help="Saturation is multiplied with a factor between 1 minus and 1 plus this.",
        ge=0.0,
        le=1.0,
        advanced=True,
    )
    augment_hue: float = setting(
        0.0,
        title="Hue",
        help="Hue is turned by up to this share of the colour circle either way.",
        ge=0.0,
        le=0.5,
        advanced=True,
    )
    augment_randaugment: int = setting(
        0,
        title="RandAugment",
        help="Number of random operations applied to each training picture (Cubuk et al., 2019); 0 is none.",
        unit="operations",
        ge=0,
        le=10,
        advanced=True,
    )
    augment_magnitude: int = setting(
        9, title="RandAugment strength", help="How strong its operations are.", ge=0, le=30, advanced=True
    )
    augment_erasing: float = setting(
        0.0,
        title="Erasing",
        help="Share of training pictures in which a random rectangle is blanked (Zhong et al., 2017).",
        ge=0.0,
        le=1.0,
        advanced=True,
    )
    augment_mixup: float = setting(
        0.0,
        title="MixUp",
        help="Blends each training picture and its label with another's; the parameter of the Beta distribution "
        "(Zhang et al., 2017), 0 is off.",
        ge=0.0,
        le=10.0,
        advanced=True,
    )
    augment_cutmix: float = setting(
        0.0,
        title="CutMix",
        help="Pastes a rectangle of another picture, and mixes the labels by area; the parameter of the Beta distribution "
        "(Yun et al., 2019), 0 is off. With MixUp on, each batch gets one of the two.",
        ge=0.0,
        le=10.0,
        advanced=True,
    )

    @property
    def changes_pictures(self) -> bool:
        """Whether training pictures are changed at all."""
        return self.changes_single_pictures or self.mixes

    @property
    def changes_single_pictures(self) -> bool:
        """Whether a picture is changed by itself."""
        shares = (self.augment_flip, self.augment_flip_vertical, self.augment_crop, self.augment_rotation)
        colours = (self.augment_brightness, self.augment_contrast, self.augment_saturation, self.augment_hue)
        rest = (self.augment_resized_crop != "off", self.augment_randaugment, self.augment_erasing)
        return any((*shares, *colours, *rest))

    @property
    def mixes(self) -> bool:
        """Whether pictures of a batch are mixed with one another, and their labels with them."""
        return self.augment_mixup > 0 or self.augment_cutmix > 0
