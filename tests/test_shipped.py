"""Shipped files are found in a checkout and in an installed wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import workbench
from workbench.shipped import shipped

ROOT = Path(__file__).resolve().parents[1]


def test_that_a_checkout_finds_the_shipped_files() -> None:
    assert shipped("digits", "digits.csv.gz").is_file()
    assert shipped("digits").is_dir()
    assert shipped() == ROOT / "resources"


def test_that_a_missing_file_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"digits.nothing\.gz is missing: .*incomplete"):
        shipped("digits", "nothing.gz")


def test_that_the_wheel_carries_and_finds_them(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert f"-{workbench.__version__}-" in wheel.name

    # What an installer does with a pure wheel, without asking an index for anything.
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    assert {entry.name for entry in site.iterdir() if entry.suffix != ".dist-info"} == {"workbench"}
    script = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "from workbench.shipped import shipped; print(shipped('digits', 'digits.csv.gz'))"
    )
    found = subprocess.run(
        [sys.executable, "-I", "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert Path(found.stdout.strip()) == site / "workbench" / "resources" / "digits" / "digits.csv.gz"
    for file in filter(Path.is_file, shipped().rglob("*")):
        assert (site / "workbench" / "resources" / file.relative_to(shipped())).read_bytes() == file.read_bytes()
