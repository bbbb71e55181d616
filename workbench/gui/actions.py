"""Every menu entry as data: its id, text, shortcut, icon, what it calls, and why it cannot be used now.

A new entry is one line in ``ENTRIES`` and one method of a controller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from workbench.config import recipes
from workbench.gui.assets import icon
from workbench.gui.shell import refusals
from workbench.gui.shell.controllers import Controllers
from workbench.gui.theme import Themes

MENUS = ("File", "Edit", "Run", "Tools", "View", "Help")
SEPARATOR = "-"


@dataclass(frozen=True)
class MenuEntry:
    """One action of the menus."""

    id: str
    text: str
    call: Callable[[Controllers], object] | None
    """What a click does; None for an entry that opens a submenu."""
    tip: str
    shortcut: str = ""
    icon: str = ""
    refusal: Callable[[Controllers], str] = refusals.never
    """Why it cannot be used now, as a sentence; empty when it can."""
    checked: Callable[[Controllers], bool] | None = None
    """For an entry that is on or off: which it is."""
    hint: str = ""
    """A key that is shown beside it and handled elsewhere."""

    @property
    def menu(self) -> str:
        """The menu it stands in."""
        return self.id.partition(".")[0].capitalize()


_RESUME_TIP = "Resume from the newest checkpoint. A completed run gets more epochs; changed settings make a new run"
_PROOF_TIP = (
    "First repeat the last 100 steps before the checkpoint and compare them, to prove that the run resumes exactly"
)
_RELEASE_TIP = "Save the run and end its engine, so that the device’s memory is free. Continue resumes it exactly"
_SAVE_CHECKPOINT_TIP = "Save a checkpoint of the run that is running, or copy the newest checkpoint of the run shown"
_IN_WINDOW_TIP = "For debugging: train in the window’s own process, on one device only. The window is slower meanwhile"
ENTRIES: tuple[MenuEntry | str, ...] = (
    MenuEntry("file.new", "&New", lambda to: to.documents.new(), "Start with the default settings", "Ctrl+N", "new"),
    MenuEntry("file.from_recipe", "New from &recipe", None, "Start with the settings of a recipe"),
    MenuEntry("file.open", "&Open…", lambda to: to.documents.open(), "Open a run file", "Ctrl+O", "open"),
    MenuEntry("file.recent", "Open r&ecent", None, "Run files and runs that were open before"),
    SEPARATOR,
    MenuEntry(
        "file.save",
        "&Save",
        lambda to: to.documents.save(),
        "Save the settings as a run file",
        "Ctrl+S",
        "save",
        refusals.to_save,
    ),
    MenuEntry(
        "file.save_as",
        "Save &as…",
        lambda to: to.documents.save_as(),
        "Save the settings as another run file",
        "Ctrl+Shift+S",
        refusal=refusals.to_save,
    ),
    SEPARATOR,
    MenuEntry(
        "file.open_checkpoint",
        "Open &checkpoint…",
        lambda to: to.checkpoints.open(),
        "Open a saved model to inspect it or to continue training",
    ),
    MenuEntry(
        "file.save_checkpoint",
        "Save c&heckpoint",
        lambda to: to.checkpoints.save(),
        _SAVE_CHECKPOINT_TIP,
        refusal=refusals.to_save_checkpoint,
    ),
    SEPARATOR,
    MenuEntry(
        "file.export",
        "&Export…",
        lambda to: to.export.open(),
        "Export the model of the run shown",
        "Ctrl+Shift+E",
        "export",
        refusals.to_use_checkpoint,
    ),
    SEPARATOR,
    MenuEntry(
        "file.runs_folder",
        "Folder of r&uns…",
        lambda to: to.runs.choose_runs_folder(),
        "Choose the folder in which runs are kept",
    ),
    SEPARATOR,
    MenuEntry("file.quit", "&Quit", lambda to: to.window.close(), "Close the window. A run may keep running", "Ctrl+Q"),
    MenuEntry(
        "edit.undo",
        "&Undo",
        lambda to: to.document.undo_stack.undo(),
        "Undo the last change",
        "Ctrl+Z",
        "undo",
        refusals.to_undo,
    ),
    MenuEntry(
        "edit.redo",
        "&Redo",
        lambda to: to.document.undo_stack.redo(),
        "Redo the change that was undone",
        "Ctrl+Shift+Z",
        "redo",
        refusals.to_redo,
    ),
    MenuEntry(
        "run.train",
        "&Train",
        lambda to: to.runs.train(),
        "Start a run with these settings",
        "Ctrl+Return",
        "train",
        refusals.to_train,
    ),
    MenuEntry(
        "run.pause",
        "&Pause",
        lambda to: to.runs.pause(),
        "Pause the run; press again to continue",
        icon="pause",
        refusal=refusals.to_pause,
        hint="Space",
    ),
    MenuEntry(
        "run.release",
        "Pause and &free the device",
        lambda to: to.session.release(),
        _RELEASE_TIP,
        refusal=refusals.to_release,
    ),
    MenuEntry(
        "run.stop",
        "&Stop",
        lambda to: to.session.stop(),
        "Save a checkpoint and end the run",
        "Ctrl+.",
        "stop",
        refusals.to_stop,
    ),
    MenuEntry(
        "run.resume", "&Resume", lambda to: to.resume.resume(), _RESUME_TIP, icon="resume", refusal=refusals.to_resume
    ),
    MenuEntry(
        "run.replay", "Resume with pr&oof", lambda to: to.resume.replay(), _PROOF_TIP, refusal=refusals.to_resume
    ),
    SEPARATOR,
    MenuEntry(
        "run.evaluate",
        "&Evaluate",
        lambda to: to.evaluation.open(),
        "Evaluate the model of the run shown",
        refusal=refusals.to_use_checkpoint,
    ),
    MenuEntry(
        "run.compare",
        "&Compare…",
        lambda to: to.comparison.open(),
        "Train a run for each value of a setting and compare them",
        refusal=refusals.to_use_settings,
    ),
    MenuEntry(
        "run.queue",
        "&Queue",
        lambda to: to.runs.queue(),
        "Train with these settings after the run that is running",
        refusal=refusals.to_use_settings,
    ),
    SEPARATOR,
    MenuEntry(
        "run.in_window",
        "Run in this &window’s thread",
        lambda to: to.runs.toggle_run_in_window(),
        _IN_WINDOW_TIP,
        refusal=refusals.to_run_in_window,
        checked=lambda to: to.preferences.inline,
    ),
    MenuEntry(
        "tools.find_lr",
        "Find &learning rate…",
        lambda to: to.tuning.open("lr"),
        "Measure the loss against the learning rate",
        refusal=refusals.to_use_settings,
    ),
    MenuEntry(
        "tools.find_batch_size",
        "Find &batch size…",
        lambda to: to.tuning.open("batch"),
        "Measure throughput and memory against the batch size",
        refusal=refusals.to_use_settings,
    ),
    MenuEntry(
        "tools.find_workers",
        "Find loader &workers…",
        lambda to: to.tuning.open("workers"),
        "Measure throughput against the number of loader workers",
        refusal=refusals.to_use_settings,
    ),
    SEPARATOR,
    MenuEntry(
        "tools.inspect",
        "&Inspect",
        lambda to: to.inspector.open(),
        "Show tensors, layers, graph and attention of the settings or of the run shown",
    ),
    MenuEntry(
        "view.theme",
        "Light or &dark",
        lambda to: to.window.toggle_theme(),
        "Change between light and dark",
        icon="moon",
    ),
    MenuEntry(
        "view.reset_layout",
        "&Reset layout",
        lambda to: to.window.reset_layout(),
        "Put every panel back to its place",
    ),
    SEPARATOR,
    MenuEntry(
        "help.setting",
        "Help on this &setting",
        lambda to: to.window.show_setting_help(),
        "Explain the setting that has the focus",
        "F1",
    ),
    MenuEntry(
        "help.tensors",
        "About &tensors",
        lambda to: to.help.tensors(),
        "What tensors are, with examples that are run for the page",
    ),
    MenuEntry(
        "help.autograd",
        "About auto&grad",
        lambda to: to.help.autograd(),
        "How gradients are computed, with examples that are run for the page",
    ),
    MenuEntry(
        "help.attention",
        "About a&ttention",
        lambda to: to.help.attention(),
        "Query, key and value, with examples that are run for the page",
    ),
    SEPARATOR,
    MenuEntry(
        "help.environment",
        "This &machine…",
        lambda to: to.window.show_environment(),
        "Devices, memory and versions, to read or copy",
    ),
    MenuEntry("help.about", "&About Workbench", lambda to: to.window.show_about(), "Version and license"),
)


class Actions(QObject):
    """The actions themselves. ``refresh`` enables what can be used, and says in the tool tip why the rest cannot."""

    def __init__(self, controllers: Controllers, themes: Themes, window: QWidget) -> None:
        super().__init__(window)
        self._controllers = controllers
        self._themes = themes
        self._entries = {entry.id: entry for entry in ENTRIES if isinstance(entry, MenuEntry)}
        self._actions = {entry.id: self._create(entry, window) for entry in self._entries.values()}
        self.recipes = self._submenu("file.from_recipe", window)
        self.recent = self._submenu("file.recent", window)
        for recipe in recipes.recipes():
            self._add(self.recipes, recipe.name, recipe.text, partial(controllers.documents.open_recipe, recipe.name))
        controllers.document.changed.connect(self.refresh)
        controllers.session.state_changed.connect(self.refresh)
        controllers.session.shown_changed.connect(self.refresh)
        controllers.session.runs_changed.connect(self.refresh)
        controllers.documents.recent_changed.connect(self.refresh_recent)
        themes.changed.connect(self.recolor)
        self.recolor()
        self.refresh_recent()
        self.refresh()

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    @property
    def by_name(self) -> Mapping[str, QAction]:
        """All actions by their object names."""
        return self._actions

    def fill(self, bar: QMenuBar) -> dict[str, QMenu]:
        """Puts the entries into a menu bar, in their order. Gives the menus by name."""
        menus = {name: bar.addMenu(f"&{name}") for name in MENUS}
        current = menus["File"]
        for entry in ENTRIES:
            if isinstance(entry, MenuEntry):
                current = menus[entry.menu]
                current.addAction(self._actions[entry.id])
            else:
                current.addSeparator()
        for menu in menus.values():
            menu.setToolTipsVisible(True)
        return menus

    @Slot()
    def refresh(self) -> None:
        """Enables what can be used now."""
        distinct = {entry.refusal for entry in self._entries.values()}
        refused = {refusal: refusal(self._controllers) for refusal in distinct}
        for name, entry in self._entries.items():
            why_not = refused[entry.refusal]
            action = self._actions[name]
            action.setEnabled(not why_not)
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText) or entry.hint
            action.setToolTip((why_not or entry.tip) + (f" ({keys})" if keys else ""))
            action.setStatusTip(why_not)
            if entry.checked is not None:
                action.setChecked(entry.checked(self._controllers))
        paused = self._controllers.session.progress.state == "paused"
        hint = self._entries["run.pause"].hint
        self._actions["run.pause"].setText(f"{'Con&tinue' if paused else '&Pause'}\t{hint}")
        self._actions["run.pause"].setIconText("Continue" if paused else "Pause")

    @Slot()
    def refresh_recent(self) -> None:
        """Lists the files that were open before and still exist."""
        self.recent.clear()
        for text in self._controllers.preferences.recent:
            if Path(text).exists():
                open_it = partial(self._controllers.documents.open_path, Path(text))
                self._add(self.recent, Path(text).name, text, open_it)
        self._actions["file.recent"].setEnabled(not self.recent.isEmpty())

    @Slot()
    def recolor(self) -> None:
        """Draws the icons in the theme's colors. The theme's own shows where it leads to."""
        theme = self._themes.current
        for name, entry in self._entries.items():
            if entry.icon:
                drawing = {"moon": "sun" if theme.name == "dark" else "moon"}.get(entry.icon, entry.icon)
                color = theme.accent_text if name == "run.train" else None
                self._actions[name].setIcon(icon(drawing, theme, color))

    def _create(self, entry: MenuEntry, window: QWidget) -> QAction:
        text = f"{entry.text}\t{entry.hint}" if entry.hint else entry.text
        action = QAction(text, window)
        action.setObjectName(entry.id)
        action.setIconText(entry.text.replace("&", "").rstrip("…"))
        action.setCheckable(entry.checked is not None)
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        if entry.shortcut:
            action.setShortcut(QKeySequence(entry.shortcut))
        if entry.call is not None:
            action.triggered.connect(partial(_without_checked, partial(entry.call, self._controllers)))
        window.addAction(action)
        return action

    def _submenu(self, name: str, window: QWidget) -> QMenu:
        menu = QMenu(window)
        menu.setObjectName(name)
        menu.setToolTipsVisible(True)
        self._actions[name].setMenu(menu)
        return menu

    def _add(self, menu: QMenu, text: str, tip: str, call: Callable[[], object]) -> None:
        action = menu.addAction(text.replace("&", "&&"))
        action.setObjectName(f"{menu.objectName()}.{text}")
        action.setToolTip(tip)
        action.triggered.connect(partial(_without_checked, call))


def _without_checked(call: Callable[[], object], _checked: bool = False) -> None:
    """Drops what Qt says of the action's mark."""
    call()
