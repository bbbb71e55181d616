"""Comparing runs: asks for settings and values, has a run trained for each, and follows the comparison that is shown."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from workbench.config import compare, recipes
from workbench.config.compare import Variant
from workbench.config.problems import ConfigError
from workbench.gui.comparison.dialog import CompareDialog
from workbench.gui.comparison.run_follower import RunFollowerThread, RunUpdate
from workbench.gui.comparison.view import ComparedRun, ComparisonView
from workbench.gui.document.document import Document
from workbench.gui.document.trusted_files import TrustedFiles
from workbench.gui.preferences import Preferences
from workbench.gui.session.run_queue import QueuedRun, RunQueue
from workbench.gui.session.session import Session
from workbench.runs import comparison
from workbench.runs.comparison import Member
from workbench.runs.folder import RunFolder


class ComparisonController(QObject):
    """``entries`` are the runs by their place in the comparison; ``group`` is its name, empty when there is none."""

    opened = Signal()
    """The comparison is to be brought to the front."""
    run_wanted = Signal(object)
    """A RunFolder that is to be shown."""

    def __init__(
        self,
        session: Session,
        document: Document,
        preferences: Preferences,
        queue: RunQueue,
        trusted_files: TrustedFiles,
        view: ComparisonView,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self.group = ""
        self.entries: dict[int, ComparedRun] = {}
        self._session, self._document, self._preferences = session, document, preferences
        self._queue, self._trusted_files = queue, trusted_files
        self._view, self._window = view, window
        self._thread: RunFollowerThread | None = None
        self._dialog: CompareDialog | None = None
        queue.changed.connect(self._update_queued)
        session.runs_changed.connect(self.rescan)
        session.shown_changed.connect(self._show_comparison_of_run)
        view.opened.connect(self.run_wanted)
        view.cancelled.connect(self.cancel_queued)

    @Slot()
    def open(self) -> None:
        """Asks for settings and their values, and has a run trained for each, one after the other."""
        config = self._document.config
        if config is None:
            return
        self._dialog = CompareDialog(config, _variants_of_file(self._document), self._window)
        self._dialog.wanted.connect(self._start_confirmed)
        self._dialog.finished.connect(self._dialog.deleteLater)
        self._dialog.open()

    def start(self, name: str, variants: list[Variant]) -> None:
        """Trains a run for each variant, one after the other, and shows them."""
        group = comparison.new_group(name)
        self._follow(group)
        members = [Member(group, variant.label, variant.values, place) for place, variant in enumerate(variants)]
        self.entries = {member.place: ComparedRun(member, queued=True) for member in members}
        self._queue.add(
            *(
                QueuedRun(variant.config, comparison.run_name(name, variant.values), member)
                for variant, member in zip(variants, members, strict=True)
            )
        )
        self._refresh()

    @Slot()
    def cancel_queued(self) -> None:
        """The runs that are queued are not started any more."""
        self._queue.drop(self.group)

    def close(self) -> None:
        """Ends the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.end()
            thread.deleteLater()

    @Slot()
    def rescan(self) -> None:
        """There may be another run of the comparison, or one may have been resumed."""
        if self._thread is not None:
            self._thread.rescan()

    @Slot(object)
    def _start_confirmed(self, variants: list[Variant]) -> None:
        if not all(self._trusted_files.confirm(variant.config.as_data()) for variant in variants):
            return
        self.opened.emit()
        self.start(self._document.name, variants)

    def _follow(self, group: str) -> None:
        self.close()
        self.group, self.entries = group, {}
        run = self._session.folder
        root = self._preferences.runs_root
        if run is not None and (member := comparison.read(run)) is not None and member.group == group:
            root = run.path.parent
        self._thread = RunFollowerThread(root, group, self)
        self._thread.updated.connect(self._apply_updates)
        self._thread.start()

    def _refresh(self) -> None:
        self._view.show_entries(list(self.entries.values()))

    @Slot()
    def _show_comparison_of_run(self) -> None:
        """A run of another comparison is shown: so is then its comparison, unless the one shown is still under way."""
        run: RunFolder | None = self._session.folder
        member = comparison.read(run) if run is not None else None
        if member is not None and member.group != self.group and not self._queue.places(self.group):
            self._follow(member.group)
            self._refresh()

    @Slot()
    def _update_queued(self) -> None:
        places = self._queue.places(self.group)
        for place, entry in self.entries.items():
            entry.queued = place in places
        self._refresh()

    @Slot()
    def _apply_updates(self) -> None:
        if self.sender() is not self._thread or self._thread is None:
            return
        for update in self._thread.drain_updates():
            self._apply_update(update)
        self.entries = dict(sorted(self.entries.items()))
        self._refresh()

    def _apply_update(self, update: RunUpdate) -> None:
        entry = self.entries.setdefault(update.member.place, ComparedRun(update.member))
        entry.run = update.run
        if update.progress is not None:
            entry.progress = update.progress
            return
        entry.progress.apply_all(update.events)
        entry.progress.settle(update.alive)


def _variants_of_file(document: Document) -> list[dict[str, Any]]:
    """The variants that the open recipe or run file asks to be compared; empty where it asks for none."""
    recipe = recipes.recipe(document.name)
    path = document.path or (recipe.path if recipe is not None else None)
    try:
        return compare.of_file(path) if path is not None else []
    except ConfigError:
        return []
