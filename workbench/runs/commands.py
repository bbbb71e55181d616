"""Commands to a run: one small file per command, so that two windows, a terminal and a shared disk cannot tear each
other's lines."""

from __future__ import annotations

import json
import os
import time
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Name = Literal["pause", "unpause", "stop", "save", "set"]


@dataclass(frozen=True)
class Command:
    """One command for one attempt of a run."""

    name: str
    """A :data:`Name`, or that of a command of a later version."""
    attempt: int
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    time: float = field(default_factory=time.time)
    values: dict[str, Any] = field(default_factory=dict)
    """For ``set``: settings by path."""


def send(folder: Path, command: Command) -> str:
    """Writes a command into ``folder`` (a run's ``commands``). Gives its id, which the run's answer has as well."""
    folder.mkdir(exist_ok=True)
    target = folder / f"{time.time_ns():020d}-{command.id}.json"
    unfinished = target.with_suffix(".tmp")
    unfinished.write_text(json.dumps(asdict(command)), encoding="utf-8")
    unfinished.replace(target)
    return command.id


class Inbox:
    """The engine's side: gives each command for its attempt once, in the order they were sent."""

    def __init__(self, folder: Path, attempt: int) -> None:
        self._folder = folder
        self._attempt = attempt
        self._seen: set[str] = set()

    def poll(self) -> list[Command]:
        """New commands since the last call. Those for other attempts or of other owners, and broken files, are ignored."""
        try:
            names = sorted(
                name for name in os.listdir(self._folder) if name.endswith(".json") and name not in self._seen
            )
        except OSError:
            return []
        self._seen.update(names)
        commands = (_read(self._folder / name) for name in names)
        return [command for command in commands if command is not None and command.attempt == self._attempt]


def _read(path: Path) -> Command | None:
    try:
        status = path.lstat()
        if hasattr(os, "getuid") and status.st_uid != os.getuid():
            return None
        if status.st_size > 65536 or not path.is_file() or path.is_symlink():
            return None
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data["name"], str):
            return None
        return Command(
            name=data["name"],
            attempt=int(data["attempt"]),
            id=str(data["id"]),
            time=float(data["time"]),
            values=dict(data.get("values", {})),
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
