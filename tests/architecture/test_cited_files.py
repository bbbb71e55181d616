"""Files that README and docstrings name are there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CITED = re.compile(r"`([\w/]+\.py)`")


def test_that_every_python_file_that_is_cited_is_there() -> None:
    gone = []
    for path in (ROOT / "README.md", *(ROOT / "workbench").rglob("*.py")):
        for name in CITED.findall(path.read_text(encoding="utf-8")):
            places = (ROOT, ROOT / "workbench", ROOT / "workbench" / "engine", path.parent)
            if not any((place / name).is_file() for place in places):
                gone.append(f"{path.relative_to(ROOT)}: {name}")
    assert gone == []
