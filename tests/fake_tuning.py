"""Stands in for the engine of a finder, at once and without torch. What it plays is told by FAKE_FINDER.

``fall`` (the default) answers everything; ``limit`` has memory for 32 samples, and dies with more; ``die`` always dies;
``refuse`` says a problem; ``hang`` says a point of a sweep and then nothing; ``resident`` reads no data with workers.
"""

import json
import os
import subprocess
import sys
import threading
from typing import Any

SPEED = {8: 100.0, 16: 190.0, 32: 300.0, 64: 310.0, 128: 250.0, 256: 200.0}


def spawn(arguments: list[str], **pipes: Any) -> "subprocess.Popen[bytes]":
    """Starts it where an engine would be started."""
    return subprocess.Popen([sys.executable, __file__, *arguments], **pipes)


def say(line: dict[str, Any]) -> None:
    """One line of the answer."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def play(question: dict[str, Any], kind: str) -> None:
    """Answers one question."""
    config = question["config"]
    if kind == "die":
        os.abort()
    if kind == "refuse":
        say({"problems": [{"path": "dataset.path", "what": "there is no such folder", "hint": "choose another one"}]})
        return
    if question["finder"] == "lr":
        points = [{"lr": 10.0 ** (place - 4), "loss": loss} for place, loss in enumerate((2.3, 2.2, 1.0, 3.0))]
        for point in points[: 1 if kind == "hang" else None]:
            say({"point": point})
        if kind == "hang":
            threading.Event().wait(600)
        say({"result": {"suggestion": 0.01, "note": ""}})
    elif question["finder"] == "batch":
        size = config["training"]["batch_size"]
        if kind == "limit" and size > 32:
            os.abort()
        found = {"batch_size": size, "fits": True, "samples_per_second": SPEED.get(size, 100.0), "memory": size * 2**20}
        say({"result": found | {"train_samples": 1000}})
    else:
        workers = config["dataset"]["workers"]
        say({"result": {"workers": workers, "samples_per_second": 100.0 * (1 + min(workers, 1))}})


if __name__ == "__main__":
    sys.stdout.write("what a library prints is no answer\n")
    play(json.loads(sys.stdin.readline()), os.environ.get("FAKE_FINDER", "fall"))
