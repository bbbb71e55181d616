"""What a person should know of a set of images: classes without images, pages, bits, and what a crop cuts away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from workbench.engine.data.image_files import Files
from workbench.engine.data.images import Examined, ImageForm
from workbench.engine.data.pixels import PixelRange, Scale, scales_of
from workbench.engine.data.report import assumed, warning
from workbench.runs.service.data_report import Finding

NAMES_TOLD = 10
MUCH_CUT = 0.3
"""From this share of an image on that a crop cuts away, a person is warned."""


@dataclass
class Survey:
    """What the images of a set are, counted while they are read."""

    images: int = 0
    several_frames: int = 0
    cut: float = 0.0
    """The shares of the images that a crop cuts away, added up."""
    most_cut: float = 0.0
    ranges: list[PixelRange] = field(default_factory=list)
    """Of images with more than 8 bits a pixel."""

    def add(self, image: Examined, form: ImageForm) -> None:
        """Counts an image."""
        self.images += 1
        self.several_frames += image.frames > 1
        proportion = image.width * form.height / (image.height * form.width)
        cut = 1 - min(proportion, 1 / proportion)
        self.cut, self.most_cut = self.cut + cut, max(self.most_cut, cut)
        if image.pixels is not None:
            self.ranges.append(image.pixels)

    def scales(self) -> dict[str, Scale]:
        """What is black and white in the whole set, by type of pixels."""
        return scales_of(self.ranges, mixed=len(self.ranges) < self.images)

    def findings(self, form: ImageForm) -> list[Finding]:
        """What was decided for the person, with figures."""
        findings = []
        if self.several_frames:
            which = f"the {form.frame} one" if isinstance(form.frame, str) else f"number {form.frame}"
            text = f"{_files(self.several_frames)} several pages or frames: {which} of each is used"
            findings.append(assumed(text, "dataset.frame"))
        for kind, (black, white) in form.scales.items():
            count = sum(found.kind == kind for found in self.ranges)
            bits = "floating-point pixels" if kind == "float" else "more than 8 bits a pixel"
            if count:
                findings.append(
                    assumed(f"{_files(count)} {bits}: in all of them {black:g} is black and {white:g} is white")
                )
        if form.fit == "crop" and self.images and self.most_cut >= 0.005:
            findings.append(self._crop_finding(form))
        return findings

    def _crop_finding(self, form: ImageForm) -> Finding:
        share = self.cut / self.images
        text = (
            f"cropping to {form.width} x {form.height} pixels cuts away {share:.0%} of an image on average, "
            f"{self.most_cut:.0%} at most"
        )
        tell = warning if share >= MUCH_CUT else assumed
        return tell(text, "dataset.fit", "letterbox and stretch keep the whole image")


def class_findings(classes: Sequence[str], files: dict[str, Files]) -> list[Finding]:
    """Classes that a split has no image of, with what the others have; and that nothing is validated."""
    counts = {name: _counts(split_files, len(classes)) for name, split_files in files.items()}
    train, val, test = counts["train"], counts["val"], counts.get("test")
    findings = []
    if absent := [index for index, count in enumerate(train) if count == 0]:
        elsewhere = {index: val[index] + (test[index] if test is not None else 0) for index in absent}
        names = _listed(
            [f"{classes[i]} ({elsewhere[i]:,} in other splits)" if elsewhere[i] else classes[i] for i in absent]
        )
        word = "class" if len(absent) == 1 else "classes"
        findings.append(warning(f"no readable image of {word} {names} is in the training split", "dataset.path"))
    if not files["val"]:
        text = "there is no validation split: how well the model does on other images is not measured"
        return [*findings, warning(text, "dataset.validation", "set a validation split above 0")]
    for name, there in (("validation", val), ("test", test)):
        if there is None:
            continue
        if not any(there):
            findings.append(warning(f"the {name} split has no readable image", "dataset.path"))
            continue
        if missing := [index for index, count in enumerate(train) if count and not there[index]]:
            names = _listed([f"{classes[index]} ({train[index]:,} in training)" for index in missing])
            word = "class" if len(missing) == 1 else "classes"
            findings.append(warning(f"no readable image of {word} {names} is in the {name} split", "dataset.path"))
    return findings


def only_elsewhere(split: str, images: dict[str, int]) -> Finding:
    """Classes of a split that training does not have, with their images."""
    names = _listed([f"{name} ({count:,} {'image' if count == 1 else 'images'})" for name, count in images.items()])
    word = "class" if len(images) == 1 else "classes"
    text = f"{word} {names} of the {split} folder {'is' if len(images) == 1 else 'are'} not in the training folder"
    return warning(f"{text}: left out", "dataset.path", "add a training folder of the same name, or correct the name")


def _counts(files: Files, classes: int) -> list[int]:
    counts = [0] * classes
    for _, label in files:
        counts[label] += 1
    return counts


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_TOLD:,} more" if len(names) > NAMES_TOLD else ""
    return ", ".join(names[:NAMES_TOLD]) + more


def _files(count: int) -> str:
    return f"{count:,} {'image has' if count == 1 else 'images have'}"
