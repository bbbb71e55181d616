"""The program as it is installed, with the real engine: few tests, as each has to load torch."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ROOT
from tests.gate import Gate
from tests.waiting import HANG_SECONDS, until
from workbench.runs import history
from workbench.runs.folder import RunFolder, list_runs

pytest.importorskip("torch")


def workbench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "workbench", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=HANG_SECONDS
    )


def last_line(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    found = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_that_a_recipe_is_trained_its_best_checkpoint_measured_and_its_script_written(tmp_path: Path) -> None:
    done = workbench("train", "digits-mlp", "--set", "training.epochs=3", "--json")
    assert done.returncode == 0, done.stderr
    trained = last_line(done)
    assert (trained["status"], trained["epochs"], trained["steps"]) == ("completed", 3, 69)
    assert trained["val"]["accuracy"] > 0.9
    assert trained["samples_per_second"] > 0
    assert Path(trained["best"]["checkpoint"]).is_file()

    done = workbench("evaluate", trained["run"], "--json")
    assert done.returncode == 0, done.stderr
    measured = last_line(done)
    assert measured["checkpoint"] == trained["best"]["checkpoint"]
    assert measured["metrics"]["accuracy"] == pytest.approx(trained["best"]["value"], abs=1e-4)
    assert sum(map(sum, measured["confusion"])) == trained["val"]["samples"]
    assert Path(measured["file"]).is_file()

    script = tmp_path / "digits.py"
    done = workbench("export", trained["run"], "--format", "script", "-o", str(script))
    assert (done.returncode, done.stdout.strip()) == (0, str(script)), done.stderr
    assert "trains anew" in done.stderr
    compile(script.read_text(encoding="utf-8"), str(script), "exec")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_that_ctrl_c_saves_and_resume_goes_on_to_the_end(gate: Gate) -> None:
    gate.close_after(30)
    command = [sys.executable, "-m", "workbench", "train", "digits-mlp"]
    terminal = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: any(_epochs(run) > 0 for run in list_runs()), what="an epoch")
        terminal.send_signal(signal.SIGINT)
        _, said = terminal.communicate(timeout=HANG_SECONDS)
    finally:
        terminal.kill()
    run = list_runs()[0]
    assert terminal.returncode == 130, said
    assert history.state(run) == "stopped"
    done_before = history.load(run).step
    gate.open()

    done = workbench("resume", run.name, "--epochs", str(history.load(run).epoch + 2), "--json")
    assert done.returncode == 0, done.stderr
    resumed = last_line(done)
    assert resumed["attempt"] == 2
    assert resumed["steps"] > done_before
    assert [epoch.epoch for epoch in history.load(run).epochs] == list(range(1, resumed["epochs"] + 1))


def _epochs(run: RunFolder) -> int:
    return history.load(run).epoch
