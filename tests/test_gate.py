"""The gate that holds real engines at a step: tests that need a run to be still going lean on it."""

from __future__ import annotations

from tests.gate import Gate
from tests.waiting import HANG_SECONDS, until
from workbench.config import files
from workbench.config.recipes import start
from workbench.launch import process
from workbench.runs import history
from workbench.runs.attempt_options import PLAIN
from workbench.runs.commands import Command, send
from workbench.runs.folder import create


def test_that_an_engine_waits_at_the_gate_until_it_is_let_on_or_told_to_leave(gate: Gate) -> None:
    name, config = start("digits-mlp")
    folder = create(files.change(config, {"training.epochs": 1}), name)
    gate.close_after(3)
    standby = process.Standby()
    standby.start()
    engine = process.start(folder, standby=standby)
    until(lambda: history.load(folder).step == 3, what="the gate")
    gate.close_after(5)
    until(lambda: history.load(folder).step == 5, what="the gate, further on")
    send(folder.commands, Command("save", attempt=1))
    until(lambda: any("saving" in line.text for line in history.load(folder).log), what="the answer")
    assert history.load(folder).step == 5
    send(folder.commands, Command("stop", attempt=1))
    until(lambda: engine.poll() is not None, what="the end")
    assert (history.load(folder).state, history.load(folder).step) == ("stopped", 6)
    engine = process.start(folder, PLAIN)
    until(
        lambda: history.load(folder).attempt == 2 and history.load(folder).started is not None, what="the next attempt"
    )
    assert engine.poll() is None
    gate.open()
    assert engine.wait(HANG_SECONDS) == 0
    assert history.load(folder).state == "completed"
