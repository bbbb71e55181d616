"""A picture of any mode becomes eight bits a channel; a file that is none is refused with the reason."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from workbench.engine.data import images
from workbench.engine.data.images import ImageError, decode


def pixels(path: Path, channels: str = "rgb", size: int = 8) -> list[list[int]]:
    """The colours that are found in the decoded picture."""
    decoded = decode(path, size, "rgb" if channels == "rgb" else "gray")
    assert decoded.shape == (3 if channels == "rgb" else 1, size, size)
    colours: list[list[int]] = np.unique(decoded.numpy().reshape(decoded.shape[0], -1).T, axis=0).tolist()
    return colours


def test_that_a_palette_with_transparency_lies_on_white(tmp_path: Path) -> None:
    picture = Image.new("P", (16, 16), 0)
    picture.putpalette([255, 0, 0, 0, 0, 255])
    ImageDraw.Draw(picture).rectangle((8, 0, 15, 15), 1)
    picture.save(tmp_path / "a.png", transparency=0)
    assert [0, 0, 255] in pixels(tmp_path / "a.png")
    assert [255, 255, 255] in pixels(tmp_path / "a.png")
    assert not any(red > green for red, green, _ in pixels(tmp_path / "a.png"))


@pytest.mark.parametrize("mode, colour", [("LA", (0, 128)), ("RGBA", (0, 0, 0, 128))])
def test_that_half_transparent_black_is_grey(tmp_path: Path, mode: str, colour: tuple[int, ...]) -> None:
    Image.new(mode, (9, 9), colour).save(tmp_path / "a.png")
    assert pixels(tmp_path / "a.png", "gray") == [[127]]


@pytest.mark.parametrize("top, values", [(65535, np.uint16), (255, np.uint8)])
def test_that_sixteen_bits_become_eight(tmp_path: Path, top: int, values: type) -> None:
    Image.fromarray(np.full((10, 10), top, dtype=values)).save(tmp_path / "a.png")
    assert pixels(tmp_path / "a.png") == [[255, 255, 255]]


def test_that_numbers_from_nought_to_one_are_shares_of_white(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 256, dtype=np.float32).repeat(16).reshape(64, 64)
    Image.fromarray(values).save(tmp_path / "a.tif")
    image = decode(tmp_path / "a.tif", 64, "gray")
    assert (int(image.min()), int(image.max())) == (0, 255)


def test_that_the_cameras_rotation_is_applied(tmp_path: Path) -> None:
    picture = Image.new("RGB", (16, 16), "black")
    ImageDraw.Draw(picture).rectangle((0, 0, 15, 7), "white")
    rotation = Image.Exif()
    rotation[0x0112] = 6  # to be turned by 90 degrees clockwise: what is on top belongs to the right
    picture.save(tmp_path / "a.png", exif=rotation)
    image = decode(tmp_path / "a.png", 16, "gray")[0]
    assert image[:, 12:].min() == 255
    assert image[:, :4].max() == 0


def test_that_a_picture_is_cropped_to_its_middle(tmp_path: Path) -> None:
    picture = Image.new("RGB", (30, 10), "red")
    ImageDraw.Draw(picture).rectangle((10, 0, 19, 9), "blue")
    picture.save(tmp_path / "a.png")
    assert pixels(tmp_path / "a.png", size=10) == [[0, 0, 255]]


def noisy(path: Path) -> bytes:
    values = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(values).save(path)
    return path.read_bytes()


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.bmp", "a.webp", "a.tif"])
def test_that_a_file_cut_in_the_middle_is_refused(tmp_path: Path, name: str) -> None:
    whole = noisy(tmp_path / name)
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageError) as caught:
        decode(tmp_path / name, 8, "rgb")
    assert str(caught.value)


@pytest.mark.parametrize(
    "make, reason",
    [
        pytest.param(lambda path: path.write_text("no picture"), "not an image", id="text"),
        pytest.param(lambda path: path.write_bytes(b""), "not an image", id="empty"),
        pytest.param(lambda path: path.mkdir(), "damaged", id="folder"),
        pytest.param(lambda path: None, "was not found", id="missing"),
    ],
)
def test_that_what_is_no_picture_is_refused_with_the_reason(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    make(tmp_path / "a.png")
    with pytest.raises(ImageError, match=reason):
        decode(tmp_path / "a.png", 8, "rgb")


def test_that_a_picture_of_too_many_pixels_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (20, 20)).save(tmp_path / "a.png")
    monkeypatch.setattr(images, "MAX_PIXELS", 399)
    with pytest.raises(ImageError, match="too large: 20 x 20 pixels"):
        decode(tmp_path / "a.png", 8, "rgb")
