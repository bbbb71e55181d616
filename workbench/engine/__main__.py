"""``python -m workbench.engine FOLDER``: the engine of a run; ``torchrun -m workbench.engine FOLDER``: one of several.

``--standby``: torch loaded, waiting for a folder. ``--service``: answers requests of the window and the terminal.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from pathlib import Path

from workbench.runs.attempt_options import AttemptOptions
from workbench.runs.folder import RunFolder


def main() -> int:
    """Runs what the arguments say, and gives the exit status."""
    parser = argparse.ArgumentParser(prog="workbench.engine", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="the run's folder")
    parser.add_argument("--epochs", type=int, help="new total of epochs of a resumed run")
    parser.add_argument("--replay", type=int, default=0, help="steps that a resumed run takes again first, for proof")
    parser.add_argument("--standby", action="store_true", help="load torch and wait for a folder on standard input")
    parser.add_argument("--service", action="store_true", help="answer requests on standard input")
    # Whoever starts an engine may be of a later version, as after an update while the window was open.
    arguments, unknown = parser.parse_known_args()
    if unknown:
        sys.stderr.write(f"ignored, as this version does not know it: {' '.join(unknown)}\n")
    if arguments.service:
        from workbench.engine.service.server import serve

        return serve(sys.stdin.buffer, sys.stdout.buffer)
    if arguments.standby:
        return _stand_by()
    if arguments.folder is None:
        parser.error("a run's folder is needed")
    return _run(arguments.folder, AttemptOptions(arguments.epochs, arguments.replay))


def _stand_by() -> int:
    """Imports what every run needs, and nothing more: it builds nothing and makes no CUDA context. Leaves at end of file."""
    # Importing it is the point.
    from workbench.engine.attempts import attempt  # noqa: F401

    # Who took this engine before it was ready no longer listens.
    with contextlib.suppress(OSError):
        os.write(sys.stdout.fileno(), b"r")
    line = sys.stdin.readline()
    if not line.strip():
        return 0
    told = json.loads(line)
    folder = RunFolder(Path(told.pop("folder")))
    log = os.open(folder.log_file(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    os.close(log)
    return _run(folder.path, AttemptOptions.from_data(told))


def _run(folder: Path, request: AttemptOptions) -> int:
    if "TORCHELASTIC_RUN_ID" in os.environ:
        from workbench.engine.attempts.processes import run_as_rank

        return run_as_rank(RunFolder(folder.resolve()), request)
    from workbench.engine.attempts.attempt import run_attempt

    return run_attempt(RunFolder(folder.resolve()), request)


if __name__ == "__main__":
    sys.exit(main())
