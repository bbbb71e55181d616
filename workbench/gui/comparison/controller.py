"""The comparison that is shown: what waits of it, what goes and what has ended. It is drawn by its view."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from workbench.config.compare import Variant
from workbench.gui.comparison.run_follower import MembersThread, News
from workbench.gui.comparison.view import Entry
from workbench.gui.session.run_controller import Desk
from workbench.gui.session.run_queue import RunQueue, Waiting
from workbench.runs import comparison
from workbench.runs.comparison import Member


class Comparing(QObject):
    """``entries`` by their place in the comparison; ``name`` is what it is called, empty when there is none."""

    changed = Signal()

    def __init__(self, desk: Desk, queue: RunQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.group = ""
        self.entries: dict[int, Entry] = {}
        self._desk, self._queue = desk, queue
        self._thread: MembersThread | None = None
        queue.changed.connect(self._queue_changed)
        desk.session.runs_changed.connect(self.look_again)
        desk.session.shown_changed.connect(self._show_comparison_of_run)

    def begin(self, name: str, variants: list[Variant]) -> None:
        """Trains a run for each variant, one after the other, and shows them."""
        group = comparison.new_group(name)
        self._follow(group)
        members = [Member(group, one.label, one.values, place) for place, one in enumerate(variants)]
        self.entries = {member.place: Entry(member, waits=True) for member in members}
        self._queue.add(
            *(
                Waiting(one.config, comparison.run_name(name, one.values), member)
                for one, member in zip(variants, members, strict=True)
            )
        )
        self.changed.emit()

    def drop_waiting(self) -> None:
        """The runs that wait are not begun any more."""
        self._queue.drop(self.group)

    def close(self) -> None:
        """Ends the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.end()
            thread.deleteLater()

    @Slot()
    def look_again(self) -> None:
        """Another run may have come, or one may go on."""
        if self._thread is not None:
            self._thread.look_again()

    def _follow(self, group: str) -> None:
        self.close()
        self.group, self.entries = group, {}
        run = self._desk.session.folder
        root = self._desk.preferences.runs_root
        if run is not None and (member := comparison.read(run)) is not None and member.group == group:
            root = run.path.parent
        self._thread = MembersThread(root, group, self)
        self._thread.news.connect(self._take)
        self._thread.start()

    @Slot()
    def _show_comparison_of_run(self) -> None:
        """A run of another comparison is shown: so is then its comparison, unless the one shown is still under way."""
        run = self._desk.session.folder
        member = comparison.read(run) if run is not None else None
        if member is not None and member.group != self.group and not self._queue.places(self.group):
            self._follow(member.group)
            self.changed.emit()

    @Slot()
    def _queue_changed(self) -> None:
        places = self._queue.places(self.group)
        for place, entry in self.entries.items():
            entry.waits = place in places
        self.changed.emit()

    @Slot()
    def _take(self) -> None:
        if self.sender() is not self._thread or self._thread is None:
            return
        for news in self._thread.take():
            self._take_one(news)
        self.entries = dict(sorted(self.entries.items()))
        self.changed.emit()

    def _take_one(self, news: News) -> None:
        entry = self.entries.setdefault(news.member.place, Entry(news.member))
        entry.run = news.run
        if news.progress is not None:
            entry.progress = news.progress
            return
        entry.progress.apply_all(news.events)
        entry.progress.settle(news.alive)
