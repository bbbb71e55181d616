"""A run is a folder: the names inside it, how it is created, found and locked, and who is running it."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shutil
import socket
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import platformdirs

from workbench.config import files
from workbench.config.run import RunConfig

RUNS_VARIABLE = "WORKBENCH_RUNS"
HEARTBEAT_SECONDS = 5.0
"""How often a running engine renews ``engine.json``."""
_NAME = re.compile(r"[^\w.-]+")


class RunBusyError(Exception):
    """The run is running already."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run, by its path. Creating this object touches nothing on disk."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's name: date, time and the name that the run was given."""
        return self.path.name

    @property
    def config_file(self) -> Path:
        """The frozen configuration."""
        return self.path / "run.toml"

    @property
    def events_file(self) -> Path:
        """The events of the run."""
        return self.path / "events.jsonl"

    @property
    def commands(self) -> Path:
        """The commands to the run."""
        return self.path / "commands"

    @property
    def engine_file(self) -> Path:
        """Who is running it: pid, host, attempt, heartbeat."""
        return self.path / "engine.json"

    @property
    def lock_file(self) -> Path:
        """Locked while an attempt is running."""
        return self.path / "lock"

    @property
    def summary_file(self) -> Path:
        """The run in a few numbers, rewritten at every epoch and at the end."""
        return self.path / "summary.json"

    @property
    def data_file(self) -> Path:
        """The data report of the last attempt."""
        return self.path / "data.json"

    @property
    def environment_file(self) -> Path:
        """Machine, versions and devices of the last attempt."""
        return self.path / "environment.json"

    @property
    def checkpoints(self) -> Path:
        """The checkpoints, ``.pt`` with a ``.json`` beside each."""
        return self.path / "checkpoints"

    @property
    def parent_file(self) -> Path:
        """Of a branch: the run and the checkpoint that it continues from."""
        return self.path / "parent.json"

    @property
    def evaluation(self) -> Path:
        """Results of ``workbench evaluate``."""
        return self.path / "evaluation"

    def log_file(self, rank: int = 0) -> Path:
        """The output of an engine process; one more file per further rank."""
        return self.path / ("log.txt" if rank == 0 else f"log-{rank}.txt")

    def config(self) -> RunConfig:
        """The frozen configuration. Raises ConfigError."""
        return files.load(self.config_file)

    def renamed_settings(self) -> list[str]:
        """A sentence for each setting that the frozen configuration has under an old name. Raises ConfigError."""
        notes: list[str] = []
        files.load(self.config_file, notes)
        return notes

    def is_run(self) -> bool:
        """Whether this is the folder of a run at all."""
        return self.config_file.is_file()

    def attempts(self) -> int:
        """How many attempts have started, according to ``engine.json`` (0 if none has)."""
        return int(number(read_json(self.engine_file), "attempt"))

    def is_running(self) -> bool:
        """Whether an attempt is running: somebody holds the lock, or on another host the heartbeat is recent."""
        engine = read_json(self.engine_file)
        if engine.get("host", socket.gethostname()) != socket.gethostname():
            heartbeat = number(engine, "heartbeat")
            return not engine.get("left", False) and time.time() - heartbeat < 6 * HEARTBEAT_SECONDS
        return _is_locked(self.lock_file)


def create(
    config: RunConfig, name: str, root: Path | None = None, fill: Callable[[RunFolder], None] | None = None
) -> RunFolder:
    """Creates a new run folder, private to its owner. An existing folder is never used: a counter is added to the name.

    ``fill`` writes what the run starts with, before the folder becomes a run. Raises OSError when the disk refuses.
    """
    root = (root or default_root()).expanduser()
    root.mkdir(parents=True, exist_ok=True)
    base = f"{datetime.now():%Y%m%d-%H%M%S}-{safe_name(name)}"
    for count in range(1, 10_000):
        path = root / (base if count == 1 else f"{base}-{count}")
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            continue
        folder = RunFolder(path)
        try:
            folder.commands.mkdir()
            folder.checkpoints.mkdir()
            if fill is not None:
                fill(folder)
            write_whole(folder.config_file, files.dumps(config))
        except OSError:
            # The disk is full: what was created is no run and would never become one.
            shutil.rmtree(path, ignore_errors=True)
            raise
        return folder
    raise FileExistsError(f"{root} has 10,000 runs of the name {base}")


def default_root() -> Path:
    """Where runs go: ``$WORKBENCH_RUNS``, else ``Workbench/runs`` in the user's documents."""
    given = os.environ.get(RUNS_VARIABLE)
    return Path(given).expanduser() if given else platformdirs.user_documents_path() / "Workbench" / "runs"


def safe_name(name: str) -> str:
    """``name`` as the name of a folder: letters and digits of any language, dots, dashes and underscores."""
    plain = _NAME.sub("-", unicodedata.normalize("NFC", name)).strip("-.")
    # A file system counts bytes: 60 letters of some languages would leave no room for the date.
    return plain[:60].encode()[:200].decode(errors="ignore").strip("-.") or "run"


def given_name(run: RunFolder) -> str:
    """The name that a run was given: its folder's without date and time."""
    return run.name.split("-", 2)[-1]


def list_runs(root: Path | None = None) -> list[RunFolder]:
    """All runs below ``root``, the newest first."""
    root = root or default_root()
    if not root.is_dir():
        return []
    folders = (RunFolder(path) for path in root.iterdir() if path.is_dir())
    return sorted((run for run in folders if run.is_run()), key=lambda run: run.name, reverse=True)


def find(name_or_path: str, root: Path | None = None) -> RunFolder | None:
    """The run of that path, or of that name below ``root``: whole, or the name it was given (its newest run then)."""
    path = Path(name_or_path).expanduser()
    if path.name == "run.toml":
        path = path.parent
    if RunFolder(path).is_run():
        return RunFolder(path.resolve())
    if path.parent != Path():
        return None
    runs = list_runs(root)
    named = [run for run in runs if run.name == name_or_path]
    return next(iter(named or [run for run in runs if run.name.split("-", 2)[-1] == name_or_path]), None)


@contextlib.contextmanager
def locked(folder: RunFolder, patience: float = 1.0) -> Iterator[None]:
    """Holds the run's lock: the right to write events and to start. Raises RunBusyError when another holds it.

    ``patience`` in seconds covers the moment in which somebody checks whether the lock is free.
    """
    with folder.lock_file.open("a+b") as file:
        until = time.monotonic() + patience
        while not _try_lock(file):
            if time.monotonic() > until:
                raise RunBusyError(f"{folder.name} is running already")
            time.sleep(0.02)  # noqa: TID251 - the system has no wait for a lock with a time limit
        try:
            yield
        finally:
            _unlock(file)


def write_engine(folder: RunFolder, attempt: int, pid: int, left: bool = False) -> None:
    """Rewrites ``engine.json``: who is running the attempt, and that it is alive now."""
    content = {"pid": pid, "host": socket.gethostname(), "attempt": attempt, "heartbeat": time.time(), "left": left}
    write_whole(folder.engine_file, json.dumps(content))


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty when there is none, or when it cannot be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def number(data: Mapping[str, Any], name: str) -> float:
    """A number in what was read from a file; 0 where there is none, or something else."""
    value = data.get(name)
    return value if isinstance(value, (int, float)) and math.isfinite(value) else 0


def unfinished_of(path: Path) -> Path:
    """The name under which a file is written until it is complete."""
    return path.with_name(path.name + ".tmp")


def write_whole(path: Path, text: str, durable: bool = False) -> None:
    """Writes a text file so that a reader sees the old one or the new one, never a part. Raises OSError.

    ``durable`` also waits until the disk has it.
    """
    unfinished = unfinished_of(path)
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


def _is_locked(path: Path) -> bool:
    try:
        # For reading, and shared: whoever may only read a run can check as well, and two checks do not collide.
        with path.open("rb") as file:
            if not _try_lock(file, shared=True):
                return True
            _unlock(file)
    except OSError:
        return False
    return False


if os.name == "nt":
    import msvcrt

    def _try_lock(file: IO[bytes], shared: bool = False) -> bool:
        try:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]

else:
    import fcntl

    def _try_lock(file: IO[bytes], shared: bool = False) -> bool:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
