"""Every file of an image folder and every row of an image table is used, or left out with the reason."""

import os
import socket
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from tests.engine.data.test_folder_layout import fill
from tests.engine.data.test_image_csv import load as load_csv
from tests.engine.data.test_image_folder import load, save
from workbench.config.problems import ConfigError
from workbench.engine import data
from workbench.engine.data import fitted, images
from workbench.engine.data.dataset import Source
from workbench.engine.data.report import require_answers
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.data_report import DataReport


def report(source: Source) -> DataReport:
    assert source.report is not None
    return source.report


def reasons(source: Source) -> dict[str, str]:
    return {Path(sample.what).name: sample.why for sample in source.left_out}


def texts(source: Source, severity: str) -> list[str]:
    return [finding.text for finding in report(source).findings if finding.severity == severity]


def test_that_files_of_every_other_kind_are_counted_and_named(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    for name in ("README", "a/notes.txt", "a/deep/labels.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    save(tmp_path, "loose.png")
    for hidden in ("a/.hidden.png", "a/Thumbs.db", "b/desktop.ini"):
        (tmp_path / hidden).write_text("x")
    fill(tmp_path, "__MACOSX")
    source = load(tmp_path)
    assert reasons(source) == {
        "README": "not an image file",
        "notes.txt": "not an image file (.txt)",
        "labels.xml": "not an image file (.xml)",
        "loose.png": "not in the folder of a class",
    }
    assert (report(source).found, report(source).used) == (14, 10)
    assert source.task.classes == ("a", "b")


def test_that_jpeg_is_read_under_all_its_names(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    for suffix in ("jfif", "JPE", "jif", "jfi"):
        Image.new("RGB", (9, 9)).save(tmp_path / "a" / f"x.{suffix}", "JPEG")
    assert report(load(tmp_path)).used == 14


@pytest.mark.skipif(images.reads_heic(), reason="pillow-heif is installed")
def test_that_heic_is_counted_with_what_it_needs_whatever_it_is_called(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    for name in ("1.HEIC", "2.heif", "3.jpg"):
        (tmp_path / "b" / name).write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    (group,) = report(load(tmp_path)).left_out
    assert (group.count, group.why) == (3, images.NEEDS_HEIC)
    assert {Path(name).name for name in group.names} == {"1.HEIC", "2.heif", "3.jpg"}


@pytest.mark.skipif(os.name != "posix", reason="pipes, sockets and links in folders")
def test_that_what_is_no_regular_file_is_never_opened(tmp_path: Path) -> None:
    root = fill(tmp_path / "s", "a", "b")
    os.mkfifo(root / "a" / "pipe.png")
    os.mkfifo(root / "pipe.png")
    os.mkfifo(root / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "a" / "socket.png"))
        (root / "a" / "gone.png").symlink_to(root / "nowhere.png")
        (root / "b" / "zero.png").symlink_to("/dev/zero")
        (root / "b" / "loop").symlink_to(root / "b")
        source = load(root)
    special = "not a regular file (a pipe, a socket or a device)"
    assert reasons(source) == {
        **dict.fromkeys(("pipe.png", "pipe.txt", "socket.png", "zero.png"), special),
        "gone.png": "a link to a file that is not there",
        "loop": "a link to a folder that is read already",
    }
    assert (report(source).found, report(source).used) == (17, 10)


@pytest.mark.skipif(os.name != "posix", reason="links in folders")
def test_that_folders_behind_links_are_read_once(tmp_path: Path) -> None:
    fill(tmp_path / "elsewhere", "c")
    root = fill(tmp_path / "s", "a", "b/z")
    (root / "a" / "link").symlink_to(tmp_path / "elsewhere" / "c")
    (root / "b" / "again").symlink_to(root / "b" / "z")
    source = load(root)
    assert report(source).used == 15
    assert all("again" not in source.train.name(index) for index in range(len(source.train)))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a folder that may not be opened")
def test_that_a_folder_that_may_not_be_opened_is_named(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b", "b/closed")
    (tmp_path / "b" / "closed").chmod(0)
    source = load(tmp_path)
    (tmp_path / "b" / "closed").chmod(0o700)
    assert reasons(source) == {"closed": "the folder cannot be opened (Permission denied)"}


def test_that_composed_and_decomposed_names_are_one_class(tmp_path: Path) -> None:
    names = ("고양이", "Käse")
    fill(tmp_path / "train", *(unicodedata.normalize("NFC", name) for name in names))
    fill(tmp_path / "val", *(unicodedata.normalize("NFD", name) for name in names))
    if sys.platform == "linux":
        save(tmp_path / "train" / unicodedata.normalize("NFD", "고양이"), "more.png")
    source = load(tmp_path)
    assert source.task.classes == ("Käse", "고양이")
    assert len(source.val) == 10
    assert source.left_out == ()


def test_that_a_model_keeps_the_order_of_its_classes_when_their_letters_are_written_otherwise(tmp_path: Path) -> None:
    names = [unicodedata.normalize("NFD", "é"), "f"]
    root = fill(tmp_path / "s", *names)
    before = load(root)
    learned = before.__class__(**{**vars(before), "task": before.task.__class__("classification", tuple(names))})
    (root / names[0]).rename(root / "é")
    assert load(root).task.classes == ("f", "é")
    now = data.load(_config(root), learned=learned)
    assert now.task.classes == ("é", "f")
    fitted.check_classes(now.task, {"classes": names})  # type: ignore[typeddict-item]


def _config(root: Path):  # type: ignore[no-untyped-def]
    from tests.engine.data.test_image_folder import config

    return config(root).dataset


def case_sensitive(folder: Path) -> bool:
    (folder / "probe").mkdir()
    different = not (folder / "PROBE").exists()
    (folder / "probe").rmdir()
    return different


def test_that_names_that_differ_in_case_only_are_asked_about(tmp_path: Path) -> None:
    fill(tmp_path / "train", "Cat", "dog")
    fill(tmp_path / "val", "cat", "dog")
    with pytest.raises(ConfigError, match="Cat and cat differ only in upper and lower case") as caught:
        require_answers(report(load(tmp_path)))
    assert next(iter(caught.value.problems)).path == "dataset.case"
    same = load(tmp_path, case="same")
    require_answers(report(same))
    assert (same.task.classes, len(same.val), same.left_out) == (("Cat", "dog"), 10, ())
    different = load(tmp_path, case="different")
    require_answers(report(different))
    assert (different.task.classes, len(different.val), len(different.left_out)) == (("Cat", "dog"), 5, 5)


def test_that_classes_of_one_split_that_differ_in_case_only_are_asked_about(tmp_path: Path) -> None:
    if not case_sensitive(tmp_path):
        pytest.skip("upper and lower case are the same here")
    fill(tmp_path, "Cat", "cat")
    source = load(tmp_path)
    assert texts(source, "question")
    assert source.task.classes == ("Cat", "cat")
    assert load(tmp_path, case="different").task.classes == ("Cat", "cat")
    with pytest.raises(RefusedError, match="of one class"):
        load(tmp_path, case="same")


def test_that_classes_that_a_split_lacks_are_named_with_their_counts(tmp_path: Path) -> None:
    fill(tmp_path / "train", "a", "b", "c", count=8)
    fill(tmp_path / "val", "a", "c", "d", count=4)
    (tmp_path / "train" / "e").mkdir()
    source = load(tmp_path)
    told = texts(source, "warning")
    assert "no readable image of class b (8 in training) is in the validation split" in told
    assert "no readable image of class e is in the training split" in told
    assert "class d (4 images) of the validation folder is not in the training folder: left out" in told
    assert {sample.why for sample in source.left_out} == {"of class d, which is not in the training folder"}
    assert (report(source).found, report(source).used) == (36, 32)


def test_that_what_is_beside_the_folders_of_the_splits_is_accounted_for(tmp_path: Path) -> None:
    fill(tmp_path / "train", "a", "b")
    fill(tmp_path / "val", "a", "b", count=2)
    fill(tmp_path / "extra", "a", count=3)
    save(tmp_path / "train", "loose.png")
    (tmp_path / "labels.csv").write_text("x")
    source = load(tmp_path)
    counted = {group.why: group.count for group in report(source).left_out}
    assert counted == {
        "not in the folder of a split": 3,
        "not in the folder of a class": 1,
        "not an image file (.csv)": 1,
    }


def test_that_a_set_without_validation_is_told_before_the_start(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    assert any("there is no validation split" in text for text in texts(load(tmp_path, validation=0.0), "warning"))
    assert not any("there is no validation split" in text for text in texts(load(tmp_path), "warning"))


def test_that_it_is_told_what_a_crop_cuts_away(tmp_path: Path) -> None:
    for label in ("a", "b"):
        for number in range(4):
            (tmp_path / label).mkdir(exist_ok=True)
            Image.new("L", (96, 32)).save(tmp_path / label / f"{number}.png")
    (text,) = [text for text in texts(load(tmp_path), "warning") if "crop" in text]
    assert text == "cropping to 8 x 8 pixels cuts away 67% of an image on average, 67% at most"
    assert load(tmp_path, fit="letterbox", width=24).shape == (3, 8, 24)
    for changes in ({"fit": "letterbox"}, {"fit": "stretch"}, {"width": 24}):
        assert not any("crop" in note for note in load(tmp_path, **changes).notes)


def test_that_a_run_is_told_of_files_with_several_frames(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    frames = [Image.new("L", (9, 9), value) for value in (0, 90, 180)]
    frames[0].save(tmp_path / "a" / "x.gif", save_all=True, append_images=frames[1:])
    assert "1 image has several pages or frames: the first one of each is used" in load(tmp_path).notes
    assert "1 image has several pages or frames: number 2 of each is used" in load(tmp_path, frame=2).notes


def sixteen_bits(folder: Path, value: int, count: int = 6) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.fromarray(np.full((9, 9), value + number, dtype=np.uint16)).save(folder / f"{number}.png")


def brightness(source: Source) -> dict[str, float]:
    """The mean of the pixels of each class."""
    values: dict[str, list[float]] = {}
    for split in (source.train, source.val):
        for index in range(len(split)):
            name = source.task.classes[int(split.targets[index])]
            values.setdefault(name, []).append(float(split.read([index]).float().mean()))
    return {name: sum(found) / len(found) for name, found in values.items()}


@pytest.mark.parametrize("loading", ["resident", "streamed"])
@pytest.mark.parametrize("dark, bright", [(200, 280), (10, 250), (3000, 3900), (1000, 60000), (0, 300), (31000, 33000)])
def test_that_sixteen_bits_keep_their_order_of_brightness(tmp_path: Path, dark: int, bright: int, loading: str) -> None:
    sixteen_bits(tmp_path / "dark", dark)
    sixteen_bits(tmp_path / "bright", bright)
    source = load(tmp_path, loading=loading)
    mean = brightness(source)
    assert mean["bright"] > mean["dark"] + 50
    assert source.preprocessing["scales"].keys() == {"integer"}
    assert any("12 images have more than 8 bits a pixel" in note for note in source.notes)


def test_that_a_model_keeps_the_scale_of_its_training(tmp_path: Path) -> None:
    sixteen_bits(tmp_path / "s" / "dark", 100)
    sixteen_bits(tmp_path / "s" / "bright", 300)
    learned = load(tmp_path / "s")
    sixteen_bits(tmp_path / "other" / "dark", 200)
    sixteen_bits(tmp_path / "other" / "bright", 60000)
    now = data.load(_config(tmp_path / "other"), learned=learned)
    assert now.preprocessing == learned.preprocessing
    assert 115 < brightness(now)["dark"] < 145
    assert brightness(now)["bright"] == 255


def test_that_numbers_below_nought_and_shares_keep_their_order(tmp_path: Path) -> None:
    for label, value in (("low", -5.0), ("middle", 0.4), ("high", 7.0)):
        (tmp_path / label).mkdir()
        for number in range(4):
            Image.fromarray(np.full((9, 9), value, dtype=np.float32)).save(tmp_path / label / f"{number}.tif")
    mean = brightness(load(tmp_path))
    assert (mean["low"], mean["high"]) == (0, 255)
    assert 100 < mean["middle"] < 130


def test_that_images_that_are_too_large_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "a", "b")
    for number in range(2):
        Image.new("L", (2000, 2000 + number)).save(tmp_path / "a" / f"large{number}.png")
    monkeypatch.setattr(images, "LEAST_BYTES", 2**20)
    monkeypatch.setattr(images, "MOST_BYTES", 2**20)
    (group,) = report(load(tmp_path)).left_out
    assert group.count == 2
    assert group.why.startswith("too large: decoding it takes more than 1 MiB of memory")


# --- tables of images ---


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for number in range(8):
        save(tmp_path / "img", f"{number}.png", value=20 * number)
    return tmp_path / "t.csv"


def write(table: Path, *more: str, form: str = "img/{}.png,{}") -> Path:
    rows = [form.format(number, "ab"[number % 2]) for number in range(8)]
    table.write_text("\n".join(["file,class", *rows, *more]), encoding="utf-8")
    return table


def test_that_paths_with_backslashes_are_found(table: Path) -> None:
    source = load_csv(write(table, form="img\\{}.png,{}"))
    assert (report(source).found, report(source).used, report(source).unit) == (8, 8, "row")
    assert any("8 paths are written as on Windows" in note for note in source.notes) or os.name == "nt"


@pytest.mark.skipif(os.name == "nt", reason="drives are there")
def test_that_paths_with_a_drive_are_refused_as_windows_paths(table: Path) -> None:
    with pytest.raises(RefusedError, match="Windows path with a drive"):
        load_csv(write(table, form="C:\\data\\{}.png,{}"))
    source = load_csv(write(table, "D:\\x.png,a"))
    assert reasons(source)["row 10 (D:\\x.png)"].startswith("a Windows path with a drive")


def test_that_rows_are_counted_by_what_is_wrong_with_them(table: Path) -> None:
    more = ("img/0.png,a", "gone.png,a", ",b", "img/1.png,", "  ,b", "img/2.png,b", "img,a", f"{'x' * 300}.png,a")
    source = load_csv(write(table, *more))
    counted = {group.why: group.count for group in report(source).left_out}
    assert counted.pop("no path") == 2
    assert counted.pop("no class") == 1
    assert counted.pop("the same image and class as an earlier row") == 1
    assert counted.pop("the file was not found") == 1
    assert counted.pop("a folder, not a file") == 1
    assert list(counted.values()) == [1], "the name that is too long"
    assert (report(source).found, report(source).used) == (16, 9)
    assert "1 image has several rows with different classes" in source.notes


def test_that_labels_stay_what_they_are_in_the_file(table: Path) -> None:
    rows = [f"img/{number}.png,{label}" for number, label in enumerate(("01", "1", "007", "7", "01", "1", "007", "7"))]
    table.write_text("\n".join(["file,class", *rows]), encoding="utf-8")
    assert load_csv(table).task.classes == ("007", "01", "1", "7")


@pytest.mark.parametrize("form, other", [("NFC", "NFD"), ("NFD", "NFC")])
def test_that_names_are_found_however_their_letters_are_composed(
    tmp_path: Path, form: Literal["NFC", "NFD"], other: Literal["NFC", "NFD"]
) -> None:
    rows = ["file,class"]
    for number in range(4):
        save(tmp_path, unicodedata.normalize(form, f"사진 é {number}.png"))
        rows.append(unicodedata.normalize(other, f"사진 é {number}.png") + "," + "ab"[number % 2])
    (tmp_path / "t.csv").write_text("\n".join(rows), encoding="utf-8")
    assert report(load_csv(tmp_path / "t.csv")).used == 4


def test_that_the_stamp_follows_the_files(table: Path) -> None:
    write(table)
    before = load_csv(table).stamp
    assert load_csv(table).stamp == before
    save(table.parent / "img", "0.png", mode="L")
    assert load_csv(table).stamp != before


def test_that_a_large_set_is_not_needed_to_see_a_device(tmp_path: Path) -> None:
    if os.name != "posix":
        pytest.skip("devices")
    (tmp_path / "t.csv").write_text("file,class\n/dev/zero,a\n/dev/urandom,b\n")
    code = (
        "import sys; from workbench.config import files; from workbench.config.run import RunConfig\n"
        "from workbench.engine import data\n"
        "from workbench.engine.runtime.failures import RefusedError\n"
        "changes = {'dataset.kind': 'image-csv', 'dataset.path': sys.argv[1]}\n"
        "try: data.load(files.change(RunConfig(), changes).dataset)\n"
        "except RefusedError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "t.csv"], capture_output=True, text=True, check=True, timeout=120
    )
    assert "2 × not a regular file" in done.stdout
