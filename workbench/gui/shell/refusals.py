"""Why a menu entry cannot be used now: a short sentence for its tool tip, empty when it can."""

from __future__ import annotations

import os

from workbench.gui.shell.controllers import Controllers


def never(_to: Controllers) -> str:
    """It can always be used."""
    return ""


def to_train(to: Controllers) -> str:
    """Why no run can be started."""
    active = to.session.active_run
    if active is not None:
        return f"{active.name} is running. The next run can start when it has ended"
    problems = [problem for problem in to.document.problems if problem.path or to.document.config is None]
    return str(problems[0]) if problems else ""


def to_pause(to: Controllers) -> str:
    """Why nothing can be paused or continued."""
    if to.session.state in ("running", "paused"):
        return ""
    return "" if to.session.progress.state == "paused" and to.session.can_resume else "No run is running"


def to_release(to: Controllers) -> str:
    """Why the device cannot be freed."""
    if to.session.state in ("running", "paused"):
        return ""
    released = to.session.progress.state == "paused" and to.session.state == "ended"
    return "The device is free already" if released else "The run shown is not running"


def to_stop(to: Controllers) -> str:
    """Why the run shown cannot be stopped."""
    if to.session.state == "stopping":
        return "The run is stopping"
    return "" if to.session.state in ("starting", "running", "paused") else "The run shown is not running"


def to_resume(to: Controllers) -> str:
    """Why the run shown cannot be resumed."""
    return to.session.resume_refusal()


def to_save(to: Controllers) -> str:
    """Why the settings cannot be saved."""
    return "" if to.document.config is not None else f"The settings have a problem: {to.document.problems[0]}"


def to_use_checkpoint(to: Controllers) -> str:
    """Why the run shown cannot be evaluated or exported."""
    run = to.session.folder
    if run is None:
        return "No run is shown"
    # Whether there is one; what is written beside each is not read, as this is asked often.
    return "" if any(run.checkpoints.glob("step-*.pt")) else "The run has no checkpoint yet"


def to_save_checkpoint(to: Controllers) -> str:
    """Why no checkpoint can be saved or copied."""
    return "" if to.session.state in ("running", "paused") else to_use_checkpoint(to)


def to_use_settings(to: Controllers) -> str:
    """Why nothing can be done with the settings."""
    return "" if to.document.config is not None else "The settings have problems"


def to_run_in_window(_to: Controllers) -> str:
    """Why no run can be computed in this process."""
    return "On Windows PyTorch cannot be loaded in a process that shows a window" if os.name == "nt" else ""


def to_undo(to: Controllers) -> str:
    """Why nothing can be undone."""
    return "" if to.document.undo_stack.canUndo() else "Nothing was changed"


def to_redo(to: Controllers) -> str:
    """Why nothing can be redone."""
    return "" if to.document.undo_stack.canRedo() else "Nothing was undone"
