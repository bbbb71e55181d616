"""Which of the user's own Python files may be run: trust is given to a file's content, so a changed file needs it again."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import platformdirs

from workbench.runs.folder import write_whole

FOLDER_VARIABLE = "WORKBENCH_PREFERENCES"
ONCE_VARIABLE = "WORKBENCH_TRUST"
"""Hashes, separated by colons, that are trusted by one command and what it starts."""


def content_hash(path: Path) -> str:
    """The SHA-256 of a file's content. Raises OSError."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def trusted(digest: str) -> bool:
    """Whether a content is trusted, permanently or for this command."""
    return digest in os.environ.get(ONCE_VARIABLE, "").split(":") or digest in _known()


def trust(path: Path) -> str:
    """Trusts a file as it is now, permanently. Gives its hash. Raises OSError."""
    digest = content_hash(path)
    keep(path, digest)
    return digest


def keep(path: Path, digest: str) -> None:
    """Trusts a content that was read from a file, permanently. Raises OSError."""
    known = _known() | {digest: str(path)}
    file = _file()
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(known, indent=1))


def was_trusted(path: Path) -> bool:
    """Whether an earlier content of the file was trusted permanently."""
    return str(path) in _known().values()


def trust_once(path: Path) -> None:
    """Trusts a file as it is now, in this process and those that it starts. Raises OSError."""
    before = os.environ.get(ONCE_VARIABLE, "")
    os.environ[ONCE_VARIABLE] = ":".join(filter(None, (before, content_hash(path))))


def _known() -> dict[str, str]:
    try:
        known = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in known.items()} if isinstance(known, dict) else {}


def _file() -> Path:
    given = os.environ.get(FOLDER_VARIABLE)
    folder = Path(given) if given else platformdirs.user_config_path("workbench", appauthor=False)
    return folder / "trusted.json"
