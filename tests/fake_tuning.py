"""Stands in for the engine of a search, at once and without torch. What it plays stands in FAKE_TUNING.

``fall`` (the default) answers everything; ``limit`` has memory for 32 samples, and dies with more; ``die`` always dies;
``refuse`` replies with a problem; ``hang`` sends a point of a sweep and then nothing.
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


def send(kind: str, **line: Any) -> None:
    """One line of the reply."""
    sys.stdout.write(json.dumps({"kind": kind, "id": 1, **line}) + "\n")
    sys.stdout.flush()


def play(request: dict[str, Any], kind: str) -> None:
    """Answers one request."""
    config = request["config"]
    if kind == "die":
        os.abort()
    if kind == "refuse":
        problem = {"path": "dataset.path", "what": "there is no such folder", "hint": "choose another one"}
        send("problems", problems=[problem])
        return
    if request["kind"] == "tune lr":
        points = [
            {"kind": "lr", "lr": 10.0 ** (place - 4), "loss": loss} for place, loss in enumerate((2.3, 2.2, 1.0, 3.0))
        ]
        for point in points[: 1 if kind == "hang" else None]:
            send("point", point=point)
        if kind == "hang":
            threading.Event().wait(600)
        send("answer", answer={"kind": "lr sweep", "suggestion": 0.01, "note": ""})
    elif request["kind"] == "tune batch":
        size = config["training"]["batch_size"]
        if kind == "limit" and size > 32:
            os.abort()
        found = {"batch_size": size, "fits": True, "samples_per_second": SPEED.get(size, 100.0), "memory": size * 2**20}
        send("answer", answer=found | {"kind": "batch size", "train_samples": 1000})
    else:
        workers = config["dataset"]["workers"]
        speed = 100.0 * (1 + min(workers, 1))
        send("answer", answer={"kind": "workers", "workers": workers, "samples_per_second": speed})


if __name__ == "__main__":
    sys.stdout.write("what a library prints is no reply\n")
    play(json.loads(sys.stdin.readline())["request"], os.environ.get("FAKE_TUNING", "fall"))
