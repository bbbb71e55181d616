"""Every menu entry as data: its id, words, shortcut, icon, what it calls, and why it cannot be used now.

A new entry is one line in ``ENTRIES`` and one method of the desk (or of the window, for what only concerns looks).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from workbench.config import recipes
from workbench.gui.assets import icon
from workbench.gui.session.run_controller import Desk
from workbench.gui.theme import Themes

MENUS = ("File", "Edit", "Run", "Tools", "View", "Help")
SEPARATOR = "-"


def _always(_desk: Desk) -> str:
    return ""


def _no_train(desk: Desk) -> str:
    going = desk.session.going
    if going is not None:
        return f"{going.name} is going. The next run can start when it has ended"
    problems = [problem for problem in desk.document.problems if problem.path or desk.document.config is None]
    return str(problems[0]) if problems else ""


def _no_pause(desk: Desk) -> str:
    if desk.session.state in ("running", "paused"):
        return ""
    return "" if desk.session.progress.state == "paused" and desk.session.can_resume else "No run is going"


def _no_release(desk: Desk) -> str:
    if desk.session.state in ("running", "paused"):
        return ""
    resting = desk.session.progress.state == "paused" and desk.session.state == "ended"
    return "The run's engine has left already" if resting else "The run shown is not going"


def _no_stop(desk: Desk) -> str:
    if desk.session.state == "stopping":
        return "The run is stopping"
    return "" if desk.session.state in ("starting", "running", "paused") else "The run shown is not going"


def _no_resume(desk: Desk) -> str:
    return desk.session.resume_refusal()


def _no_save(desk: Desk) -> str:
    return "" if desk.document.config is not None else f"The settings have a problem: {desk.document.problems[0]}"


def _no_checkpoint(desk: Desk) -> str:
    run = desk.session.folder
    if run is None:
        return "No run is shown"
    # Whether there is one; what is written beside each is not read, as this is asked often.
    return "" if any(run.checkpoints.glob("step-*.pt")) else "The run has no checkpoint yet"


def _no_save_checkpoint(desk: Desk) -> str:
    return "" if desk.session.state in ("running", "paused") else _no_checkpoint(desk)


def _no_config(desk: Desk) -> str:
    return "" if desk.document.config is not None else "The settings have problems"


def _no_in_window(_desk: Desk) -> str:
    return "On Windows PyTorch cannot be loaded in a process that shows a window" if os.name == "nt" else ""


def _in_window(desk: Desk) -> bool:
    return desk.preferences.inline


def _no_undo(desk: Desk) -> str:
    return "" if desk.document.undo_stack.canUndo() else "Nothing was changed"


def _no_redo(desk: Desk) -> str:
    return "" if desk.document.undo_stack.canRedo() else "Nothing was undone"


@dataclass(frozen=True)
class Entry:
    """One action. ``call`` names a method of the desk, or of the window when it begins with ``window.``."""

    id: str
    text: str
    call: str
    tip: str
    shortcut: str = ""
    icon: str = ""
    refusal: Callable[[Desk], str] = _always
    """Why it cannot be used now, in words; empty when it can."""
    checked: Callable[[Desk], bool] | None = None
    """For an entry that is on or off: which it is."""
    hint: str = ""
    """A key that is shown beside it and caught elsewhere."""

    @property
    def menu(self) -> str:
        """The menu it stands in."""
        return self.id.partition(".")[0].capitalize()


_RESUME_TIP = "Go on from the newest checkpoint; a complete run gets more epochs, changed settings make a branch"
_REPLAY_TIP = "Takes the last 100 steps before the checkpoint again first, and compares them, to prove that the run goes on exactly"
_STOP_TIP = "Save a checkpoint and end the run"
ENTRIES: tuple[Entry | str, ...] = (
    Entry("file.new", "&New", "new", "Start with every setting at its default", "Ctrl+N", "new"),
    Entry("file.from_recipe", "New from &recipe", "", "Start with one of the named recipes"),
    Entry("file.open", "&Open…", "open", "Open a run file", "Ctrl+O", "open"),
    Entry("file.recent", "Open r&ecent", "", "Run files and runs that were open before"),
    SEPARATOR,
    Entry("file.save", "&Save", "save", "Save the settings as a run file", "Ctrl+S", "save", _no_save),
    Entry(
        "file.save_as", "Save &as…", "save_as", "Save the settings as another run file", "Ctrl+Shift+S", "", _no_save
    ),
    SEPARATOR,
    Entry(
        "file.open_checkpoint", "Open &checkpoint…", "open_checkpoint", "Open a saved model to look at or go on with"
    ),
    Entry(
        "file.save_checkpoint",
        "Save c&heckpoint",
        "save_checkpoint",
        "Save the state of the run that goes now, or copy the newest checkpoint of the run shown",
        refusal=_no_save_checkpoint,
    ),
    SEPARATOR,
    Entry(
        "file.export",
        "&Export…",
        "window.tools.export",
        "Write the model of the run shown in a form that others take",
        "Ctrl+Shift+E",
        "export",
        _no_checkpoint,
    ),
    SEPARATOR,
    Entry("file.runs_folder", "Folder of r&uns…", "choose_runs_folder", "Choose where runs are kept and looked for"),
    SEPARATOR,
    Entry("file.quit", "&Quit", "window.close", "Close the window; a run may go on", "Ctrl+Q"),
    Entry("edit.undo", "&Undo", "document.undo_stack.undo", "Undo the last change", "Ctrl+Z", "undo", _no_undo),
    Entry("edit.redo", "&Redo", "document.undo_stack.redo", "Do the change again", "Ctrl+Shift+Z", "redo", _no_redo),
    Entry("run.train", "&Train", "train", "Start a run with these settings", "Ctrl+Return", "train", _no_train),
    Entry(
        "run.pause", "&Pause", "pause", "Let the run rest; press again to go on", "", "pause", _no_pause, hint="Space"
    ),
    Entry(
        "run.release",
        "Pause and &free the device",
        "session.release",
        "Save the run and let its engine leave, so that the device's memory is free; Continue goes on exactly",
        refusal=_no_release,
    ),
    Entry("run.stop", "&Stop", "session.stop", _STOP_TIP, "Ctrl+.", "stop", _no_stop),
    Entry("run.resume", "&Resume", "resuming.resume", _RESUME_TIP, "", "resume", _no_resume),
    Entry("run.replay", "Resume with pr&oof", "resuming.replay", _REPLAY_TIP, refusal=_no_resume),
    SEPARATOR,
    Entry("run.evaluate", "&Evaluate", "window.tools.evaluate", "Measure the run shown", refusal=_no_checkpoint),
    Entry(
        "run.compare",
        "&Compare…",
        "window.tools.compare",
        "Train a run for each value of a setting",
        refusal=_no_config,
    ),
    Entry(
        "run.queue",
        "&Queue",
        "window.tools.queue",
        "Train with these settings after the run that goes",
        refusal=_no_config,
    ),
    SEPARATOR,
    Entry(
        "run.in_window",
        "Run in this &window's thread",
        "toggle_run_in_window",
        "For debugging: compute runs in the window's own process, one device only. The window is slower meanwhile",
        refusal=_no_in_window,
        checked=_in_window,
    ),
    Entry(
        "tools.find_lr",
        "Find &learning rate…",
        "window.tools.find_lr",
        "Try rates and look where the loss falls",
        refusal=_no_config,
    ),
    Entry(
        "tools.find_batch_size",
        "Find &batch size…",
        "window.tools.find_batch_size",
        "Measure throughput and memory against batch size",
        refusal=_no_config,
    ),
    Entry(
        "tools.find_workers",
        "Find loader &workers…",
        "window.tools.find_workers",
        "Measure throughput against loader workers",
        refusal=_no_config,
    ),
    SEPARATOR,
    Entry(
        "tools.inspect",
        "&Inspect",
        "window.tools.inspecting.look",
        "Show the tensors, layers, graph and attention of the settings or of the run shown",
    ),
    Entry("view.theme", "Light or &dark", "window.toggle_theme", "Change between light and dark", icon="moon"),
    Entry("view.reset_layout", "&Reset layout", "window.reset_layout", "Put every panel back to its place"),
    SEPARATOR,
    Entry(
        "help.setting",
        "Help on this &setting",
        "window.help_on_setting",
        "Say what the setting that has the focus is for",
        "F1",
    ),
    Entry(
        "help.tensors",
        "About &tensors",
        "window.tools.help_pages.tensors",
        "What tensors are, with examples that are run for the page",
    ),
    Entry(
        "help.autograd",
        "About auto&grad",
        "window.tools.help_pages.autograd",
        "How gradients come about, with examples that are run for the page",
    ),
    SEPARATOR,
    Entry(
        "help.environment",
        "This &machine…",
        "window.show_environment",
        "Devices, memory and versions, to be read or copied",
    ),
    Entry("help.about", "&About Workbench", "window.show_about", "Version and licence"),
)


class Actions(QObject):
    """The actions themselves. ``refresh`` enables what can be used, and says in the tool tip why the rest cannot."""

    def __init__(self, desk: Desk, themes: Themes, window: QWidget) -> None:
        super().__init__(window)
        self._desk = desk
        self._themes = themes
        self._entries = {entry.id: entry for entry in ENTRIES if isinstance(entry, Entry)}
        self._actions = {entry.id: self._make(entry, window) for entry in self._entries.values()}
        self.recipes = self._submenu("file.from_recipe", window)
        self.recent = self._submenu("file.recent", window)
        for recipe in recipes.recipes():
            self._add(self.recipes, recipe.name, recipe.text, partial(desk.open_recipe, recipe.name))
        desk.document.changed.connect(self.refresh)
        desk.session.state_changed.connect(self.refresh)
        desk.session.shown_changed.connect(self.refresh)
        desk.session.runs_changed.connect(self.refresh)
        desk.recent_changed.connect(self.refresh_recent)
        themes.changed.connect(self.recolour)
        self.recolour()
        self.refresh_recent()
        self.refresh()

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def fill(self, bar: QMenuBar) -> dict[str, QMenu]:
        """Puts the entries into a menu bar, in their order. Gives the menus by name."""
        menus = {name: bar.addMenu(f"&{name}") for name in MENUS}
        current = menus["File"]
        for entry in ENTRIES:
            if isinstance(entry, Entry):
                current = menus[entry.menu]
                current.addAction(self._actions[entry.id])
            else:
                current.addSeparator()
        for menu in menus.values():
            menu.setToolTipsVisible(True)
        return menus

    @Slot()
    def refresh(self) -> None:
        """Looks again at what can be used now."""
        refusals = {entry.refusal for entry in self._entries.values()}
        refused = {refusal: refusal(self._desk) for refusal in refusals}
        for name, entry in self._entries.items():
            why_not = refused[entry.refusal]
            action = self._actions[name]
            action.setEnabled(not why_not)
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText) or entry.hint
            action.setToolTip((why_not or entry.tip) + (f" ({keys})" if keys else ""))
            action.setStatusTip(why_not)
            if entry.checked is not None:
                action.setChecked(entry.checked(self._desk))
        resting = self._desk.session.progress.state == "paused"
        hint = self._entries["run.pause"].hint
        self._actions["run.pause"].setText(f"{'Con&tinue' if resting else '&Pause'}\t{hint}")
        self._actions["run.pause"].setIconText("Continue" if resting else "Pause")

    @Slot()
    def refresh_recent(self) -> None:
        """Lists the files that were open before and still exist."""
        self.recent.clear()
        for text in self._desk.preferences.recent:
            if Path(text).exists():
                self._add(self.recent, Path(text).name, text, partial(self._desk.open_path, Path(text)))
        self._actions["file.recent"].setEnabled(not self.recent.isEmpty())

    @Slot()
    def recolour(self) -> None:
        """Draws the icons in the theme's colours. The theme's own shows where it leads to."""
        theme = self._themes.current
        for name, entry in self._entries.items():
            if entry.icon:
                drawing = {"moon": "sun" if theme.name == "dark" else "moon"}.get(entry.icon, entry.icon)
                colour = theme.accent_text if name == "run.train" else None
                self._actions[name].setIcon(icon(drawing, theme, colour))

    def _make(self, entry: Entry, window: QWidget) -> QAction:
        text = f"{entry.text}\t{entry.hint}" if entry.hint else entry.text
        action = QAction(text, window)
        action.setObjectName(entry.id)
        action.setIconText(entry.text.replace("&", "").rstrip("…"))
        action.setCheckable(entry.checked is not None)
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        if entry.shortcut:
            action.setShortcut(QKeySequence(entry.shortcut))
        if entry.call:
            action.triggered.connect(partial(_call, self._desk, window, entry.call))
        window.addAction(action)
        return action

    def _submenu(self, name: str, window: QWidget) -> QMenu:
        menu = QMenu(window)
        menu.setObjectName(name)
        menu.setToolTipsVisible(True)
        self._actions[name].setMenu(menu)
        return menu

    def _add(self, menu: QMenu, text: str, tip: str, call: Callable[[], None]) -> None:
        action = menu.addAction(text.replace("&", "&&"))
        action.setObjectName(f"{menu.objectName()}.{text}")
        action.setToolTip(tip)
        action.triggered.connect(partial(_without_arguments, call))


def _call(desk: Desk, window: QWidget, path: str, _checked: bool = False) -> None:
    """Calls what an entry names, looked up when it is used."""
    target: object = desk
    names = path.split(".")
    if names[0] == "window":
        target = window
        del names[0]
    for name in names:
        target = getattr(target, name)
    assert callable(target)
    target()


def _without_arguments(call: Callable[[], None], _checked: bool = False) -> None:
    call()
