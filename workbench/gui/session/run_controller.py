"""What the menus do with documents, runs and checkpoints. Asks and tells through ``dialogs``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from workbench.config import files, recipes
from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig
from workbench.gui.dialogs import ask, error
from workbench.gui.document.document import UNTITLED, Document
from workbench.gui.document.trusted_files import OwnFiles
from workbench.gui.preferences import Preferences
from workbench.gui.service.client import LabClient
from workbench.gui.session.background_job import Making, copied
from workbench.gui.session.resume import Resuming
from workbench.gui.session.session import Session
from workbench.launch.service import Answer
from workbench.runs import checkpoints
from workbench.runs.folder import RunFolder, find, given_name

RUN_FILES = "Run files (*.toml)"
CHECKPOINTS = "Checkpoints (*.pt)"
SAVE, DISCARD = "Save", "Discard changes"
LEAVE, STOP = "Leave it running", "Stop it"
END_NOW, WAIT = "End it now", "Wait longer"
GO_ON, SETTINGS_ONLY = "Go on training", "Take its settings"


class Desk(QObject):
    """Between the menus and what they act on: the document, the run shown, files."""

    recent_changed = Signal()
    runs_folder_changed = Signal(object)
    close_wanted = Signal()
    """The window may close now: the run that was in the way has ended."""

    def __init__(
        self, document: Document, session: Session, lab: LabClient, preferences: Preferences, window: QWidget
    ) -> None:
        super().__init__(window)
        self.document = document
        self.session = session
        self.lab = lab
        self.preferences = preferences
        self.own_files = OwnFiles(window)
        self.resuming = Resuming(document, session, self.own_files, window)
        self.machine: dict[str, Any] = {}
        """What the lab said of this machine; empty before it did."""
        self._window = window
        self._checkpoint: Path | None = None
        self._copying: Making | None = None
        self._closing: Literal["", "asked", "agreed"] = ""
        lab.answered.connect(self._take_answer)
        session.failed.connect(self._tell)
        session.stop_unanswered.connect(self._ask_to_kill)
        session.state_changed.connect(self._close_when_ended)

    # --- starts ---

    def start_on(self, start: str | None, assignments: tuple[str, ...] = ()) -> None:
        """Opens what the program was started with: a recipe, a run file, a run. Nothing: what was open last.

        ``assignments`` change settings of it. Raises ConfigError when it is none of them, or has problems.
        """
        if start is None:
            self._open_last()
        else:
            self._open_start(start)
        values = files.parse_assignments(assignments)
        if not values or self.document.config is None:
            return
        changed = files.with_whole_paths(files.change(self.document.config, values), Path.cwd())
        for section, part in changed.as_data().items():
            for name in sorted(part, key=lambda name: name != "kind"):  # which makes the others what they are
                self.document.set(f"{section}.{name}", part[name])

    def _open_start(self, start: str) -> None:
        run = find(start, self.preferences.runs_root) if recipes.recipe(start) is None else None
        if run is not None:
            self.show_run(run)
        else:
            name, config = recipes.start(start)
            path = None if recipes.recipe(start) is not None else Path(start).expanduser()
            self._open(config, name, path)

    def _open_last(self) -> None:
        try:
            self._open_start(self.preferences.last_start or recipes.DEFAULT)
        except ConfigError:
            self._open_start(recipes.DEFAULT)

    # --- documents ---

    @Slot()
    def new(self) -> None:
        """Starts with every setting at its default."""
        if self._may_discard():
            self._open(RunConfig(), UNTITLED, None)

    def open_recipe(self, name: str) -> None:
        """Opens a recipe by its name."""
        if self._may_discard():
            recipe = recipes.recipe(name)
            if recipe is not None:
                self._open(recipe.load(), name, None)

    @Slot()
    def open(self) -> None:
        """Asks for a run file and opens it."""
        folder = self.document.path.parent if self.document.path is not None else self.preferences.runs_root
        path = ask.open_file(self._window, "Open a run file", folder, RUN_FILES)
        if path is not None:
            self.open_path(path)

    def open_path(self, path: Path) -> None:
        """Opens a run file, a run or a checkpoint, whichever the path is."""
        if path.is_dir() and RunFolder(path).is_run():
            self.show_run(RunFolder(path))
        elif path.is_file() and _is_frozen(path):
            self.show_run(RunFolder(path.resolve().parent))
        elif path.suffix == ".pt":
            self.ask_for_checkpoint(path)
        elif self._may_discard():
            notes: list[str] = []
            try:
                config = files.with_whole_paths(files.load(path, notes), path.resolve().parent)
            except ConfigError as problems:
                self._tell_problems(f"{path.name} cannot be opened", problems)
            else:
                self._open(config, path.stem, path)
                self._show_renamed(path.name, notes)

    def take_drop(self, path: Path) -> None:
        """Takes what was dropped on the window for what it is: pictures, a table, a run file, a checkpoint, a run."""
        if path.is_dir() and not RunFolder(path).is_run():
            self._use_data("image-folder", path)
        elif path.suffix.lower() in (".csv", ".tsv"):
            self._use_data("table", path)
        elif path.is_dir() or path.suffix in (".toml", ".pt"):
            self.open_path(path)
        else:
            hint = "Drop a folder of pictures, a CSV file, a run file, a checkpoint or a run's folder."
            self._tell(f"Nothing is known to do with {path.name}.", hint)

    def show_run(self, run: RunFolder) -> None:
        """Shows a run; its settings too, unless others are being edited."""
        self.session.show(run)
        self._remember(run.path)
        if not self.document.modified:
            self.show_run_settings()

    @Slot()
    def show_run_settings(self) -> None:
        """Opens the settings of the run shown."""
        run = self.session.folder
        if run is None or not self._may_discard():
            return
        try:
            self.document.open(run.config(), given_name(run), None)
        except ConfigError as problems:
            self._tell_problems(f"The settings of {run.name} cannot be read", problems)

    @Slot()
    def save(self) -> bool:
        """Saves the settings where they came from; asks where for the first time. Whether they are saved now."""
        return self._save(self.document.path) if self.document.path is not None else self.save_as()

    @Slot()
    def save_as(self) -> bool:
        """Asks where to save the settings. Whether they are saved now."""
        start = self.document.path or Path.home() / f"{self.document.name}.toml"
        path = ask.save_file(self._window, "Save the run file", start, RUN_FILES)
        return path is not None and self._save(path)

    def _save(self, path: Path) -> bool:
        if _is_frozen(path):
            self._tell(f"{path} says what a run was trained with, and stays as it is.", "Save under another name.")
            return False
        try:
            self.document.save(path)
        except ConfigError as problems:
            self._tell_problems("Settings with problems are not saved", problems)
            return False
        except OSError as problem:
            self._tell(f"{path} cannot be written: {problem.strerror or problem}.", "Choose another place.")
            return False
        self._remember(path)
        return True

    def _may_discard(self) -> bool:
        """Whether the settings being edited may be replaced: they are saved, or the person says so."""
        if not self.document.modified:
            return True
        text = f"The settings of {self.document.name} were changed and are not saved."
        choices = (SAVE, DISCARD) if self.document.config is not None else (DISCARD,)
        answer = ask.choose(self._window, "Unsaved changes", text, choices)
        return self.save() if answer == SAVE else answer == DISCARD

    def _open(self, config: RunConfig, name: str, path: Path | None) -> None:
        self.document.open(config, name, path)
        if path is not None:
            self._remember(path.resolve())
        elif name != UNTITLED:
            self.preferences.last_start = name

    def _use_data(self, kind: str, path: Path) -> None:
        self.document.undo_stack.beginMacro("Dropped data")
        self.document.set("dataset.kind", kind)
        self.document.set("dataset.path", str(path))
        self.document.undo_stack.endMacro()

    def _remember(self, path: Path) -> None:
        self.preferences.add_recent(path)
        self.preferences.last_start = str(path)
        self.recent_changed.emit()

    # --- runs ---

    @Slot()
    def train(self) -> None:
        """Starts a run with the settings as they stand."""
        config = self.document.config
        if config is not None and self._may_run(config):
            self.session.train(config, self.document.name)

    @Slot()
    def pause(self) -> None:
        """Pauses the run shown, or lets it go on: with another engine where its own has left."""
        run = self.session.folder
        if self.session.state == "running":
            self.session.pause()
        elif run is not None and (self.session.shown_goes or self._may_resume(run)):
            self.session.unpause()

    def resume_run(self, run: RunFolder) -> None:
        """Shows a run and goes on with it."""
        self.session.show(run)
        if self._may_resume(run):
            self.session.resume(run)

    def _may_run(self, config: RunConfig) -> bool:
        """Whether every Python file of the user's own that a run executes is trusted; asks about those that are not."""
        return self.session.going is not None or self.own_files.ask(config.as_data())

    def _may_resume(self, run: RunFolder) -> bool:
        try:
            return self._may_run(run.config())
        except ConfigError:
            return True  # the engine says what is wrong with the run's settings

    @Slot()
    def _ask_to_kill(self) -> None:
        text = "The run has not stopped within three seconds."
        details = "It may be saving a large checkpoint. Ended now, it goes on later from the checkpoint before."
        settled = self.session.state_changed
        answer = ask.choose(self._window, "Stop", text, (WAIT, END_NOW), details, unless=settled)
        if answer == END_NOW:
            self.session.kill()
        else:
            self.session.wait_again()

    # --- checkpoints ---

    @Slot()
    def open_checkpoint(self) -> None:
        """Asks for a checkpoint and opens it."""
        folder = self.session.folder.checkpoints if self.session.folder is not None else self.preferences.runs_root
        path = ask.open_file(self._window, "Open a checkpoint", folder, CHECKPOINTS)
        if path is not None:
            self.ask_for_checkpoint(path)

    def ask_for_checkpoint(self, path: Path) -> None:
        """Has the lab look at a checkpoint: only it has torch."""
        self._checkpoint = path
        self.lab.ask("checkpoint", {"path": str(path)})

    @Slot()
    def save_checkpoint(self) -> None:
        """Has a run that goes save now. Of another, copies the newest checkpoint to a place of choice."""
        run = self.session.folder
        if self.session.state in ("running", "paused"):
            self.session.save()
        elif run is not None and (newest := checkpoints.latest(run.checkpoints)) is not None:
            start = Path.home() / f"{given_name(run)}.pt"
            target = ask.save_file(self._window, "Save the checkpoint", start, CHECKPOINTS)
            if target is not None:
                self._copy(newest.path, target)

    def _copy(self, source: Path, target: Path) -> None:
        self._end_copying()
        self._copying = Making(partial(copied, source, target), f"{target} cannot be written", self)
        self._copying.refused.connect(self._tell)
        self._copying.finished.connect(self._copying_ended)
        self._copying.start()
        self.session.making.emit(f"Copying {source.name}…")

    @Slot()
    def _copying_ended(self) -> None:
        if self.sender() is self._copying:
            self._end_copying()

    def _end_copying(self) -> None:
        copying, self._copying = self._copying, None
        if copying is not None:
            copying.wait()
            copying.deleteLater()
            self.session.making.emit("")

    @Slot(object)
    def _take_answer(self, answer: Answer) -> None:
        if answer.method == "machine" and answer.ok:
            self.machine = answer.result
        elif answer.method == "checkpoint" and self._checkpoint is not None:
            path, self._checkpoint = self._checkpoint, None
            if answer.ok:
                self._take_checkpoint(path, answer.result)
            elif not answer.cancelled:
                self._tell_problems(f"{path.name} cannot be opened", ConfigError(answer.problems))

    def _take_checkpoint(self, path: Path, found: dict[str, Any]) -> None:
        run = RunFolder(path.resolve().parent.parent)
        if run.is_run():
            self.show_run(run)
            return
        try:
            config = files.parse(found["config"])
        except ConfigError as problems:
            self._tell_problems(f"The settings in {path.name} cannot be used", problems)
            return
        text = f"{path.name} was saved after epoch {found.get('epoch', 0)}, step {found['step']}. Its run is not here."
        details = "Going on makes a run of its own that begins with a copy of this checkpoint."
        answer = ask.choose(self._window, "Open a checkpoint", text, (GO_ON, SETTINGS_ONLY), details)
        if answer and self._may_discard():
            self.document.open(config, path.stem, None)
        if answer == GO_ON and self._may_run(config):
            self.session.adopt(path, config, path.stem, int(found["step"]))

    # --- preferences ---

    @Slot()
    def choose_runs_folder(self) -> None:
        """Asks where runs are kept. Runs that are there already stay where they are."""
        folder = ask.open_folder(self._window, "Folder of runs", self.preferences.runs_root)
        if folder is not None:
            self.preferences.runs_folder = str(folder)
            self.preferences.use_runs(folder)
            self.runs_folder_changed.emit(folder)

    @Slot()
    def toggle_run_in_window(self) -> None:
        """Whether the next run is computed in this process."""
        self.preferences.run_in_window = not self.preferences.run_in_window

    # --- closing ---

    def may_close(self) -> bool:
        """Whether the window may close now. It may close later of itself, when a run has to be stopped first."""
        if self._closing == "agreed":
            return True
        if not self._may_discard():
            return False
        run = self.session.going
        if run is None or self._closing == "asked":
            return run is None
        text, details, choices = _going_words(run, self.session.in_window)
        answer = ask.choose(self._window, "A run is going", text, choices, details)
        if answer == STOP:
            self._closing = "asked"
            self.session.stop_going()
        return answer == LEAVE

    def close(self) -> None:
        """Waits for a checkpoint that is being copied."""
        self._end_copying()

    def close_without_asking(self) -> None:
        """From now on nothing is in the way of closing: the terminal has said so."""
        self._closing = "agreed"

    @Slot()
    def _close_when_ended(self) -> None:
        if self._closing == "asked" and self.session.going is None:
            self._closing = "agreed"
            self.close_wanted.emit()

    # --- telling ---

    @Slot(str)
    def _tell(self, what: str, hint: str = "") -> None:
        error.tell(self._window, what, hint)

    def _show_renamed(self, name: str, notes: list[str]) -> None:
        """Shows which settings of a file were read under old names."""
        if notes:
            what = f"“{name}” was written by an earlier version: some settings have other names now."
            error.tell(self._window, what, "Save the file to use the new names.", "\n".join(notes))

    def _tell_problems(self, what: str, problems: ConfigError) -> None:
        error.tell(self._window, f"{what}.", details=str(problems))


def _is_frozen(path: Path) -> bool:
    """Whether that is, or would be, the run file in a run's folder. One of the same name elsewhere is a person's own."""
    run = RunFolder(path.resolve().parent)
    return path.name.lower() == run.config_file.name and run.commands.is_dir() and run.checkpoints.is_dir()


def _going_words(run: RunFolder, in_window: bool) -> tuple[str, str, tuple[str, ...]]:
    text = f"{given_name(run)} is still being trained."
    if in_window:
        return text, "It is computed in this window, and ends with it. Its checkpoint is saved first.", (STOP,)
    details = f"It can go on without the window, which finds it again at the next start. Its folder is {run.path}"
    return text, details, (LEAVE, STOP)
