"""What the menus do with documents: new, open, save, recent files, and what is dropped on the window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from workbench.config import files, recipes
from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig
from workbench.gui.dialogs import ask, error
from workbench.gui.document.document import UNTITLED, Document
from workbench.gui.preferences import Preferences
from workbench.runs.folder import RunFolder, find, given_name

RUN_FILES = "Run files (*.toml)"
SAVE, DISCARD = "Save", "Discard changes"


class DocumentController(QObject):
    """Opens and saves the settings being edited.

    It knows no session: a run and a checkpoint that are to be opened are handed on by signals.
    """

    recent_changed = Signal()
    run_wanted = Signal(object)
    """A RunFolder that is to be shown."""
    checkpoint_wanted = Signal(object)
    """The Path of a checkpoint that is to be opened."""

    def __init__(self, document: Document, preferences: Preferences, window: QWidget) -> None:
        super().__init__(window)
        self.document = document
        self._preferences = preferences
        self._window = window

    # --- starts ---

    def open_start(self, start: str | None, assignments: tuple[str, ...] = ()) -> None:
        """Opens what the program was started with: a recipe, a run file, a run. None: what was open last.

        ``assignments`` change settings of it. Raises ConfigError when it is none of them, or has problems.
        """
        if start is None:
            self._open_last()
        else:
            self._open_named(start)
        values = files.parse_assignments(assignments)
        if not values or self.document.config is None:
            return
        changed = files.with_absolute_paths(files.change(self.document.config, values), Path.cwd())
        for section, part in changed.as_data().items():
            for name in sorted(part, key=lambda name: name != "kind"):  # which makes the others what they are
                self.document.set(f"{section}.{name}", part[name])

    def _open_named(self, start: str) -> None:
        run = find(start, self._preferences.runs_root) if recipes.recipe(start) is None else None
        if run is not None:
            self.run_wanted.emit(run)
        else:
            name, config = recipes.start(start)
            path = None if recipes.recipe(start) is not None else Path(start).expanduser()
            self._replace(config, name, path)

    def _open_last(self) -> None:
        try:
            self._open_named(self._preferences.last_start or recipes.DEFAULT)
        except ConfigError:
            self._open_named(recipes.DEFAULT)

    # --- opening ---

    @Slot()
    def new(self) -> None:
        """Starts with every setting at its default."""
        if self.confirm_discard():
            self._replace(RunConfig(), UNTITLED, None)

    def open_recipe(self, name: str) -> None:
        """Opens a recipe by its name."""
        if self.confirm_discard():
            recipe = recipes.recipe(name)
            if recipe is not None:
                self._replace(recipe.load(), name, None)

    @Slot()
    def open(self) -> None:
        """Asks for a run file and opens it."""
        folder = self.document.path.parent if self.document.path is not None else self._preferences.runs_root
        path = ask.open_file(self._window, "Open a run file", folder, RUN_FILES)
        if path is not None:
            self.open_path(path)

    def open_path(self, path: Path) -> None:
        """Opens a run file, a run or a checkpoint, whichever the path is."""
        if path.is_dir() and RunFolder(path).is_run():
            self.run_wanted.emit(RunFolder(path))
        elif path.is_file() and _is_frozen(path):
            self.run_wanted.emit(RunFolder(path.resolve().parent))
        elif path.suffix == ".pt":
            self.checkpoint_wanted.emit(path)
        elif self.confirm_discard():
            notes: list[str] = []
            try:
                config = files.with_absolute_paths(files.load(path, notes), path.resolve().parent)
            except ConfigError as problems:
                self._show_problems(f"{path.name} cannot be opened", problems)
            else:
                self._replace(config, path.stem, path)
                self._show_renamed(path.name, notes)

    def open_dropped(self, path: Path) -> None:
        """Opens what was dropped on the window for what it is: images, a table, a run file, a checkpoint, a run."""
        if path.is_dir() and not RunFolder(path).is_run():
            self._use_data("image-folder", path)
        elif path.suffix.lower() in (".csv", ".tsv"):
            self._use_data("table", path)
        elif path.is_dir() or path.suffix in (".toml", ".pt"):
            self.open_path(path)
        else:
            hint = "Drop a folder of images, a CSV file, a run file, a checkpoint or a run’s folder."
            error.show_error(self._window, f"“{path.name}” has an unsupported file type.", hint)

    def open_settings_of(self, run: RunFolder) -> None:
        """Opens the settings of a run, unless the person wants to keep those being edited."""
        if not self.confirm_discard():
            return
        try:
            self.document.open(run.config(), given_name(run), None)
        except ConfigError as problems:
            self._show_problems(f"The settings of {run.name} cannot be read", problems)

    def remember(self, path: Path) -> None:
        """Puts a run file or a run in front of the recent ones, and opens the next window on it."""
        self._preferences.add_recent(path)
        self._preferences.last_start = str(path)
        self.recent_changed.emit()

    def _replace(self, config: RunConfig, name: str, path: Path | None) -> None:
        self.document.open(config, name, path)
        if path is not None:
            self.remember(path.resolve())
        elif name != UNTITLED:
            self._preferences.last_start = name

    def _use_data(self, kind: str, path: Path) -> None:
        self.document.undo_stack.beginMacro("Dropped data")
        self.document.set("dataset.kind", kind)
        self.document.set("dataset.path", str(path))
        self.document.undo_stack.endMacro()

    # --- saving ---

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

    def confirm_discard(self) -> bool:
        """Whether the settings being edited may be replaced: they are saved, or the person says so."""
        if not self.document.modified:
            return True
        text = f"The settings of {self.document.name} were changed and are not saved."
        choices = (SAVE, DISCARD) if self.document.config is not None else (DISCARD,)
        answer = ask.choose(self._window, "Unsaved changes", text, choices)
        return self.save() if answer == SAVE else answer == DISCARD

    def _save(self, path: Path) -> bool:
        if _is_frozen(path):
            what = f"{path} holds the settings that a run was trained with, and cannot be changed."
            error.show_error(self._window, what, "Save under another name.")
            return False
        try:
            self.document.save(path)
        except ConfigError as problems:
            self._show_problems("Settings with problems cannot be saved", problems)
            return False
        except OSError as problem:
            what = f"{path} cannot be written: {problem.strerror or problem}."
            error.show_error(self._window, what, "Choose another folder.")
            return False
        self.remember(path)
        return True

    def _show_renamed(self, name: str, notes: list[str]) -> None:
        """Shows which settings of a file were read under old names."""
        if notes:
            what = f"“{name}” was written by an earlier version: some settings have other names now."
            error.show_error(self._window, what, "Save the file to use the new names.", "\n".join(notes))

    def _show_problems(self, what: str, problems: ConfigError) -> None:
        error.show_error(self._window, f"{what}.", details=str(problems))


def _is_frozen(path: Path) -> bool:
    """Whether that is, or would be, the run file in a run's folder. One of the same name elsewhere is a person's own."""
    run = RunFolder(path.resolve().parent)
    return path.name.lower() == run.config_file.name and run.commands.is_dir() and run.checkpoints.is_dir()
