"""Checkpoints: written whole, read without running anything, checked against their own checksum."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from workbench.config.files import with_new_settings
from workbench.config.migrations import format_problem, migrate_checkpoint
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.runtime.state_types import CheckpointInfoFields, CheckpointState
from workbench.runs.checkpoints import CheckpointInfo, file_name, list_checkpoints
from workbench.runs.folder import write_whole

FORMAT = 2
"""Of a checkpoint. 1 has the old names of settings (see :mod:`workbench.config.migrations`), and is read as well."""
KEYS = (
    "format", "config", "model", "optimizer", "schedule", "scaler", "random", "position", "metrics", "versions", "classes",
    "preprocessing",
)  # fmt: skip


def save(folder: Path, state: CheckpointState, info: CheckpointInfoFields) -> Path:
    """Writes ``state`` as the checkpoint of its step, and ``info`` as the JSON beside it. Raises OSError, leaving nothing half.

    Temporary file, flushed to disk, renamed; then the folder itself is flushed.
    """
    folder.mkdir(exist_ok=True)
    path = folder / file_name(state["position"]["step"])
    unfinished = path.with_suffix(".pt.tmp")
    try:
        with unfinished.open("wb") as file:
            torch.save({**state, "checksum": checksum(state)}, file)
            file.flush()
            os.fsync(file.fileno())
        size = unfinished.stat().st_size
        beside = {"step": state["position"]["step"], "time": time.time(), "bytes": size, **info}
        # The JSON first: a checkpoint is listed by its own name, so that none is lost when its JSON comes late.
        write_whole(path.with_suffix(".json"), json.dumps(beside), durable=True)
        unfinished.replace(path)
        _flush_folder(folder)
    except BaseException as error:
        unfinished.unlink(missing_ok=True)
        # torch's writer reports a full disk as an error of its own.
        if isinstance(error, RuntimeError) and isinstance(error.__context__, OSError):
            raise error.__context__ from error
        raise
    return path


def load(path: Path) -> CheckpointState:
    """Reads a checkpoint. Raises RefusedError with what the file is when it is no sound checkpoint. Executes nothing."""
    _check_container(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    # A damaged file makes the reader fail in any way it likes.
    except Exception as error:
        if "weights_only" in str(error) or "Unsupported" in str(error):
            what = f"{path} contains pickled objects that could run code, so it is not opened"
            raise RefusedError(what, "save the weights alone (a state dict) and open those") from error
        raise RefusedError(f"{path} is damaged: it cannot be read", "choose an earlier checkpoint") from error
    if not isinstance(state, dict) or "format" not in state or any(key not in state for key in KEYS):
        what = f"{path} is a PyTorch file, but not a Workbench checkpoint"
        raise RefusedError(what, "choose a file from the checkpoints folder of a run")
    problem = format_problem(state["format"], FORMAT, str(path))
    if problem is not None:
        raise RefusedError(problem.what, problem.hint)
    stored = state.pop("checksum", None)
    if stored != checksum(state):
        raise RefusedError(
            f"{path} is damaged: its checksum does not match its content", "choose an earlier checkpoint"
        )
    migrated = migrate_checkpoint(state)
    if isinstance(migrated["config"], Mapping):
        migrated["config"] = with_new_settings(migrated["config"])
    return cast("CheckpointState", migrated)


def load_latest(folder: Path) -> tuple[CheckpointState | None, list[str]]:
    """The newest sound checkpoint of a folder (None when there is none), and what was wrong with newer ones."""
    wrong: list[str] = []
    for info in reversed(list_checkpoints(folder)):
        try:
            return load(info.path), wrong
        except RefusedError as error:
            wrong.append(str(error))
    return None, wrong


def prune(folder: Path, keep: int, step: int) -> None:
    """Removes all but the newest ``keep`` checkpoints and the best, where ``step`` is that of the one just written.

    Later ones do not count and stay: a run that is here again could not read them, or came back from there.
    """
    checkpoints = [info for info in list_checkpoints(folder) if info.step <= step]
    best = next((info for info in reversed(checkpoints) if info.best), None)
    for info in checkpoints[:-keep]:
        if info is not best:
            _remove(info)


def checksum(state: Mapping[Any, object]) -> str:
    """A hash over everything in ``state``: names, types and every number. torch notices most flipped bits not at all."""
    hasher = hashlib.sha256()
    _feed(hasher, {key: value for key, value in state.items() if key != "checksum"})
    return hasher.hexdigest()


def _feed(hasher: hashlib._Hash, value: object) -> None:
    match value:
        case Tensor():
            plain = value.detach().cpu().contiguous()
            hasher.update(f"T{plain.dtype}{tuple(plain.shape)}".encode())
            numbers: Any = plain.reshape(-1).view(torch.uint8).numpy()
            hasher.update(numbers.data)
        case dict():
            hasher.update(b"D%d" % len(value))
            for key, item in value.items():
                _feed(hasher, key)
                _feed(hasher, item)
        case list() | tuple():
            hasher.update(b"L%d" % len(value))
            for item in value:
                _feed(hasher, item)
        case float():
            hasher.update(b"F" + struct.pack("<d", value))
        case _:
            hasher.update(f"{type(value).__name__}:{value!r}".encode())


def _check_container(path: Path) -> None:
    """Raises RefusedError with what a file is that cannot be a checkpoint, before torch reads it."""
    hint = "choose a checkpoint (.pt) from a run's folder"
    if not path.exists():
        raise RefusedError(f"there is no file {path}", hint)
    if not path.is_file():
        raise RefusedError(f"{path} is not a file", hint)
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        raise RefusedError(f"{path} is empty", "choose an earlier checkpoint")
    if start[:1] == b"\x80":
        raise RefusedError(f"{path} is a bare pickle, which could run code: it is not opened", hint)
    if start[:2] != b"PK":
        text = all(byte >= 32 or byte in (9, 10, 13) for byte in start)
        raise RefusedError(f"{path} is {'a text file' if text else 'a file of another kind'}, not a checkpoint", hint)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise RefusedError(f"{path} is truncated or damaged", "choose an earlier checkpoint") from error
    # torch stores without compression: anything that would grow on reading was made by somebody else.
    if any(entry.compress_type != zipfile.ZIP_STORED or entry.file_size > path.stat().st_size for entry in entries):
        raise RefusedError(f"{path} is a compressed archive, not a checkpoint", hint)


def _remove(info: CheckpointInfo) -> None:
    with contextlib.suppress(OSError):
        info.path.unlink(missing_ok=True)
        info.path.with_suffix(".json").unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
