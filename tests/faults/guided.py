"""``python -m tests.faults.guided run-file|events SEEDS [libFuzzer's options]``: bytes led by the code that they reach.

What is not a refusal in words is a crash, and so is anything that takes longer than libFuzzer allows.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["workbench", "tomllib"]):
    from workbench.config import files
    from workbench.config.problems import ConfigError
    from workbench.runs.events import EventReader
    from workbench.runs.progress import Progress

SCRATCH = Path(tempfile.mkdtemp(prefix="guided-"))


def run_file(data: bytes) -> None:
    """A run file is read, and then means the same when it is read again; or it is refused."""
    path = SCRATCH / "run.toml"
    path.write_bytes(data)
    try:
        config = files.load(path)
    except ConfigError as error:
        if not str(error).strip():
            raise
    else:
        assert files.parse(config.as_data()) == config


def events(data: bytes) -> None:
    """Whatever stands in an events file, a run's progress can be told and written down."""
    path = SCRATCH / "events.jsonl"
    path.write_bytes(data)
    progress = Progress()
    progress.apply_all(EventReader(path).read(limit=-1))
    progress.settle(is_running=False)
    json.dumps(progress.summary())


if __name__ == "__main__":
    target = {"run-file": run_file, "events": events}[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
