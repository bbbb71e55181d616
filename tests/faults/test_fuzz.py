"""Run files and event lines of any bytes: refused or read, never a traceback, never a hang. Long with ``-m campaign``."""

from __future__ import annotations

import json
import os
import random
import string
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.attempts.test_resume import create_run
from workbench.config import files
from workbench.config.problems import ConfigError
from workbench.config.recipes import recipes
from workbench.engine.attempts.attempt import run_attempt
from workbench.runs import history
from workbench.runs.commands import Inbox
from workbench.runs.events import EventReader
from workbench.runs.folder import RunFolder
from workbench.runs.progress import Progress

ROOT = Path(__file__).parents[2]
SHORT, LONG = 600, 100_000
TOKENS = ("[", "]", "=", '"', "'", "nan", "inf", "-1", "1e999", "true", "\n", "\0", "\ud7ff", "{", "}", "..", "0x", "[[dataset]]",
          "kind", "[model]", '"auto"', "9" * 400, "[" * 200, "1979-05-27", "\\u0000", '"""', "#")  # fmt: skip


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, cut, doubled or replaced by what a parser may stumble over."""
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0:
                data = data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
            case 1:
                data = data[:place]
            case 2:
                end = min(len(data), place + chance.randrange(40))
                data = data[:end] + data[place:end] + data[end:]
            case 3:
                data = data[:place] + chance.choice(TOKENS).encode("utf-8", "surrogatepass") + data[place:]
            case 4:
                data = data[:place] + data[min(len(data), place + chance.randrange(30)) :]
            case _:
                token = "".join(chance.choices(string.printable, k=chance.randrange(12))).encode()
                data = data[:place] + token + data[place + len(token) :]
    return data


def fuzz_run_files(count: int, folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    seeds = [recipe.path.read_bytes() for recipe in recipes()]
    path = folder / "run.toml"
    for number in range(count):
        path.write_bytes(mutated(chance.choice(seeds), chance))
        try:
            config = files.load(path)
        except ConfigError as error:
            said = str(error).strip()
        else:
            said = "read" if files.parse(config.as_data()) == config else ""
        assert said, number


def fuzz_events(count: int, folder: RunFolder, scratch: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = folder.events_file.read_bytes().splitlines(keepends=True)
    other = RunFolder(scratch)
    for _ in range(max(1, count // len(lines))):
        (scratch / "events.jsonl").write_bytes(b"".join(mutated(line, chance) for line in lines))
        progress = Progress()
        progress.apply_all(EventReader(other.events_file).read(limit=-1))
        progress.settle(is_running=False)
        json.dumps(progress.summary())
        history.load(other)


def fuzz_commands(count: int, scratch: Path, seed: int) -> None:
    chance = random.Random(seed)
    good = json.dumps({"id": "1-a", "name": "set", "attempt": 1, "values": {"optimizer.lr": 0.1}}).encode()
    inbox = Inbox(scratch / "commands", 1)
    for number in range(count):
        (scratch / "commands").mkdir(exist_ok=True)
        (scratch / "commands" / f"{number:08d}.json").write_bytes(mutated(good, chance))
        for command in inbox.poll():
            assert command.name in ("stop", "pause", "unpause", "save", "set")


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(SHORT, id="short"),
        pytest.param(LONG, id="long", marks=pytest.mark.campaign),
    ],
)
def test_that_any_bytes_are_read_or_refused(count: int, tmp_path: Path) -> None:
    fuzz_run_files(count, tmp_path, seed=count)
    folder = create_run("digits-mlp", {"training.epochs": 1})
    assert run_attempt(folder, alone=True) == 0
    (tmp_path / "events").mkdir()
    fuzz_events(count, folder, tmp_path / "events", seed=count)
    fuzz_commands(count // 10, tmp_path, seed=count)


@pytest.mark.campaign
@pytest.mark.parametrize("what", ["run-file", "events"])
def test_that_bytes_led_by_the_code_they_reach_are_read_or_refused(what: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="pip install 'workbench[fuzz]'")
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    if what == "run-file":
        for recipe in recipes():
            (seeds / recipe.path.name).write_bytes(recipe.path.read_bytes())
    else:
        folder = create_run("digits-mlp", {"training.epochs": 1})
        assert run_attempt(folder, alone=True) == 0
        for number, line in enumerate(folder.events_file.read_bytes().splitlines(keepends=True)):
            (seeds / str(number)).write_bytes(line)
    options = [f"-runs={LONG}", "-timeout=20", "-max_len=4096", f"-artifact_prefix={tmp_path}/", "-print_final_stats=1"]
    command = [sys.executable, "-m", "tests.faults.guided", what, str(seeds), *options]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"Done {LONG} runs" in done.stderr
