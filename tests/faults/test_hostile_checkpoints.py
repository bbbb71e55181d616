"""A hundred hostile or damaged checkpoints: each is refused in words, and nothing in any of them is executed."""

from __future__ import annotations

import collections
import io
import os
import pickle
import random
import struct
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.checkpoint.test_format import state
from workbench.engine.checkpoint import format
from workbench.engine.runtime.failures import RefusedError

CODE: tuple[Callable[[str], tuple[Any, tuple[Any, ...]]], ...] = (
    lambda mark: (os.system, (f"touch '{mark}'",)),
    lambda mark: (exec, (f"open({mark!r}, 'w')",)),
    lambda mark: (eval, (f"open({mark!r}, 'w')",)),
    lambda mark: (open, (mark, "w")),
    lambda mark: (Path.touch, (Path(mark),)),
    lambda mark: (subprocess.call, (["touch", mark],)),
    lambda mark: (subprocess.Popen, (["touch", mark],)),
    lambda mark: (os.mkdir, (mark,)),
    lambda mark: (os.symlink, ("/", mark)),
    lambda mark: (getattr(__import__("builtins"), "__import__"), (mark,)),  # noqa: B009 - pickled by its own name
)


class Runs:
    """Something whose pickle calls a function when it is read carelessly."""

    def __init__(self, call: tuple[Any, tuple[Any, ...]]) -> None:
        self._call = call

    def __reduce__(self) -> Any:
        return self._call


def bare_pickles(mark: str) -> Iterator[bytes]:
    for make in CODE:
        for protocol in (2, 5):
            yield pickle.dumps(Runs(make(mark)), protocol)


def packed_pickles(mark: str) -> Iterator[bytes]:
    for place, make in enumerate(CODE):
        content = state()
        key = ("config", "model", "optimizer", "random", "position", "metrics")[place % 6]
        content[key] = Runs(make(mark))
        yield saved(content)
        yield saved({**state(), "extra": [Runs(make(mark))]})


def wrong_types() -> Iterator[bytes]:
    for thing in (None, 7, "text", [1, 2], torch.ones(3), {"format": 1}, {"format": "1"}, collections.OrderedDict()):
        yield saved(thing)
    for key in format.KEYS:
        whole = state()
        del whole[key]
        yield saved(whole)
    yield saved({**state(), "format": 2})
    yield saved({**state(), "checksum": "0" * 64})
    yield saved({**state(), "position": "nowhere"})


def archives() -> Iterator[bytes]:
    """Archives that expand to fill the disk, that claim sizes they do not have, that climb out of their folder."""
    for name in ("archive/data.pkl", "archive/data/0", "../../climbs", "/absolute"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, bytes(20_000_000))
        yield buffer.getvalue()
    whole = saved(state())
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        offset = archive.infolist()[1].header_offset
    yield whole[: offset + 18] + struct.pack("<II", 2**31, 2**31) + whole[offset + 26 :]
    yield whole.replace(b"archive", b"../../x")
    yield b"PK\x03\x04" + bytes(100)
    yield b"PK\x05\x06" + bytes(18)


def damaged() -> Iterator[bytes]:
    """Cut at every kind of length, and with bytes of its tensors changed."""
    content = state()
    whole = saved({**content, "checksum": format.checksum(content)})
    chance = random.Random(4)
    for length in (0, 1, 4, 30, 64, *chance.sample(range(100, len(whole)), 25)):
        yield whole[:length]
    weights = content["model"]["weight"].numpy().tobytes()
    start = whole.index(weights)
    for place in range(start, start + len(weights)):
        yield whole[:place] + bytes([whole[place] ^ 0x40]) + whole[place + 1 :]


def saved(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def test_that_a_hundred_hostile_checkpoints_are_refused_in_words(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    files = [*bare_pickles(str(mark)), *packed_pickles(str(mark)), *wrong_types(), *archives(), *damaged()]
    assert len(files) >= 100
    path = tmp_path / "hostile.pt"
    for number, content in enumerate(files):
        path.write_bytes(content)
        with pytest.raises(RefusedError) as caught:
            format.load(path)
        problem = caught.value.problem
        assert str(path) in problem.what, number
        assert problem.hint, number
        assert not mark.exists(), f"file {number} was executed"
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="no such files on Windows")
def test_that_folders_pipes_and_devices_are_refused_without_waiting(tmp_path: Path) -> None:
    pipe, loop = tmp_path / "pipe.pt", tmp_path / "loop.pt"
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    for path in (tmp_path, pipe, loop, Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(RefusedError) as caught:
            format.load(path)
        assert str(path) in caught.value.problem.what
