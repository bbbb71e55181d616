"""A run in the window's own process: the preference for debugging, with real torch. It needs a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.runs import history
from workbench.runs.folder import list_runs


@pytest.mark.skipif(os.name == "nt", reason="torch must come before Qt there")
def test_that_a_run_in_the_windows_thread_is_like_any_other(tmp_path: Path) -> None:
    preferences, runs = tmp_path / "preferences", tmp_path / "runs"
    preferences.mkdir()
    (preferences / "preferences.json").write_text(json.dumps({"run_in_window": True}))
    environment = {**os.environ, "WORKBENCH_RUNS": str(runs), "WORKBENCH_PREFERENCES": str(preferences)}
    arguments = ["gui", "digits-mlp", "--set", "training.epochs=2", "--train", "--quit-when-done"]
    command = [sys.executable, "-m", "workbench", *arguments]
    environment["QT_QPA_PLATFORM"] = "offscreen"
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as window:
        _, said = window.communicate()
    assert window.returncode == 0, said
    (run,) = list_runs(runs)
    progress = history.load(run)
    assert progress.state == "completed"
    assert progress.epoch == 2
    assert progress.started is not None
    assert progress.started.pid == window.pid
