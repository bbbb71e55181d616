"""A picture of any mode becomes eight bits a channel; a file that is none is refused with the reason."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image, ImageDraw

from workbench.engine.data import images
from workbench.engine.data.images import ImageError, ImageForm, decode

SMALL = ImageForm(8, 8, "rgb")


def pixels(path: Path, channels: str = "rgb", size: int = 8) -> list[list[int]]:
    """The colours that are found in the decoded picture."""
    decoded = decode(path, ImageForm(size, size, "rgb" if channels == "rgb" else "gray"))
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
    image = decode(tmp_path / "a.tif", ImageForm(64, 64, "gray"))
    assert (int(image.min()), int(image.max())) == (0, 255)


def test_that_the_cameras_rotation_is_applied(tmp_path: Path) -> None:
    picture = Image.new("RGB", (16, 16), "black")
    ImageDraw.Draw(picture).rectangle((0, 0, 15, 7), "white")
    rotation = Image.Exif()
    rotation[0x0112] = 6  # to be turned by 90 degrees clockwise: what is on top belongs to the right
    picture.save(tmp_path / "a.png", exif=rotation)
    image = decode(tmp_path / "a.png", ImageForm(16, 16, "gray"))[0]
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
        decode(tmp_path / name, SMALL)
    assert str(caught.value)


@pytest.mark.parametrize(
    "make, reason",
    [
        pytest.param(lambda path: path.write_text("no picture"), "not an image", id="text"),
        pytest.param(lambda path: path.write_bytes(b""), "not an image", id="empty"),
        pytest.param(lambda path: path.mkdir(), "a folder, not a file", id="folder"),
        pytest.param(lambda path: None, "was not found", id="missing"),
    ],
)
def test_that_what_is_no_picture_is_refused_with_the_reason(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    make(tmp_path / "a.png")
    with pytest.raises(ImageError, match=reason):
        decode(tmp_path / "a.png", SMALL)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "I;16", "F"])
def test_that_what_takes_more_memory_than_a_thread_has_is_refused_by_its_header(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.tif" if mode == "F" else "a.png")
    Image.new(mode, (500, 400)).save(path)
    assert decode(path, replace(SMALL, max_bytes=100 * 500 * 400)).shape == (3, 8, 8)
    with pytest.raises(ImageError, match="too large: decoding it takes more than 0 MiB") as caught:
        decode(path, replace(SMALL, max_bytes=500 * 400))
    assert "500" not in str(caught.value), "images that are left out for one reason are counted as one group"


def test_that_a_jpeg_is_decoded_in_the_size_that_it_is_needed_in(tmp_path: Path) -> None:
    Image.new("RGB", (1600, 1600), "red").save(tmp_path / "a.jpg")
    assert decode(tmp_path / "a.jpg", replace(SMALL, max_bytes=12 * 400 * 400)).shape == (3, 8, 8)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "I;16"])
def test_that_decoding_takes_no_more_memory_than_was_reckoned(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    side = 4000
    Image.new(mode, (side, side)).save(path)
    with Image.open(path) as opened:
        reckoned = images.needed_bytes(opened, side * side)
    code = (
        "import resource, sys; from pathlib import Path; from workbench.engine.data.images import ImageForm, decode\n"
        "small, large = map(Path, sys.argv[1:]); form = ImageForm(8, 8, 'rgb'); decode(small, form)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; decode(large, form)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)"
    )
    small = tmp_path / f"small{path.suffix}"
    Image.new(mode, (9, 9)).save(small)
    done = subprocess.run([sys.executable, "-c", code, small, path], capture_output=True, text=True, check=True)
    assert int(done.stdout) < reckoned + 2**24


@pytest.mark.parametrize("channels", ["rgb", "gray"])
@pytest.mark.parametrize("side", [(300, 1), (1, 300), (30, 10), (10, 30), (7, 7)])
def test_that_letterbox_and_stretch_keep_the_whole_image(
    tmp_path: Path, side: tuple[int, int], channels: Literal["rgb", "gray"]
) -> None:
    Image.new("RGB", side, "white").save(tmp_path / "a.png")
    form = ImageForm(24, 16, channels)
    depth = 3 if channels == "rgb" else 1
    stretched = decode(tmp_path / "a.png", replace(form, fit="stretch"))
    assert stretched.shape == (depth, 16, 24)
    assert stretched.min() == 255
    boxed = decode(tmp_path / "a.png", replace(form, fit="letterbox"))
    assert boxed.shape == (depth, 16, 24)
    rows, columns = (boxed[0] == 255).any(1), (boxed[0] == 255).any(0)
    share = min(24 / side[0], 16 / side[1])
    assert (int(columns.sum()), int(rows.sum())) == tuple(max(1, round(length * share)) for length in side)


@pytest.mark.parametrize("kind", ["gif", "tif", "png", "webp"])
def test_that_the_page_or_frame_that_was_chosen_is_used(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    frames = [Image.new("L", (9, 9), value) for value in (0, 60, 120, 180)]
    extra: dict[str, Any] = {"lossless": True} if kind == "webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], **extra)
    chosen: list[Literal["first", "middle", "last"] | int] = ["first", "middle", "last", 3]
    values = [int(decode(path, replace(SMALL, frame=frame)).max()) for frame in chosen]
    assert values == [0, 60, 180, 120]
    with pytest.raises(ImageError, match="fewer than 5 pages or frames"):
        decode(path, replace(SMALL, frame=5))
    Image.new("L", (9, 9), 7).save(tmp_path / "single.png")
    assert int(decode(tmp_path / "single.png", replace(SMALL, frame=5)).max()) == 7


def test_that_numbers_without_a_scale_are_refused_and_not_guessed(tmp_path: Path) -> None:
    Image.fromarray(np.full((9, 9), 40.0, dtype=np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ImageError, match="floating-point pixels beyond 0 to 1"):
        decode(tmp_path / "a.tif", SMALL)
    assert decode(tmp_path / "a.tif", replace(SMALL, scales={"float": (0.0, 80.0)})).max() == 127


@pytest.mark.skipif(os.name != "posix", reason="named pipes in folders")
def test_that_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ImageError, match="not a regular file"):
        decode(tmp_path / "a.png", SMALL)
