"""The runs that an earlier version wrote (`tests/data/`), copied to where a test may change them."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from workbench.runs.folder import RunFolder

V0_1 = Path(__file__).parent / "data" / "v0.1"
WRITTEN_IN = "/tmp/workbench-0.1"
"""The folder in which that version ran."""
NAMES = tuple(sorted(path.name for path in (V0_1 / "runs").iterdir()))
STOPPED = "20261125-181956-stopped"


@dataclass(frozen=True)
class Stored:
    """A copy of everything that version 0.1 wrote. Run files point to the copied data; checkpoints are as they were."""

    root: Path

    @property
    def runs(self) -> Path:
        """The folder of all runs."""
        return self.root / "runs"

    def run(self, name: str) -> RunFolder:
        """The only run whose folder's name ends like this."""
        (path,) = (path for path in self.runs.iterdir() if path.name.endswith(name))
        return RunFolder(path)


def copy(target: Path) -> Stored:
    """Copies the stored runs and their data into ``target``."""
    root = target / "v0.1"
    shutil.copytree(V0_1, root)
    for file in (*root.glob("runs/*/run.toml"), *root.glob("runs/*/parent.json")):
        file.write_text(file.read_text(encoding="utf-8").replace(WRITTEN_IN, root.as_posix()), encoding="utf-8")
    for run in (root / "runs").iterdir():
        (run / "commands").mkdir(exist_ok=True)  # Git keeps no empty folders
    return Stored(root)
