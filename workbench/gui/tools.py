"""What the window can do beside training: evaluate, inspect, export, find settings by trying, compare. The lab does it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QMainWindow

from workbench.config import compare, files
from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig
from workbench.gui.centre import Centre
from workbench.gui.desk import Desk, run_name
from workbench.gui.dialogs import ask
from workbench.gui.dialogs.export import ExportDialog
from workbench.gui.dialogs.finder import FinderDialog
from workbench.gui.help_pages import HelpPages
from workbench.gui.inspecting import Inspecting
from workbench.gui.theme import Themes
from workbench.launch.lab import Answer
from workbench.runs import checkpoints

LARGEST_BATCH = 65536
WORKERS = (0, 1, 2, 4, 8)
GOOD_ENOUGH = 0.95
"""Of several that are as good, the smallest: within this share of the best throughput."""


class Tools(QObject):
    """One of each at a time."""

    def __init__(self, desk: Desk, centre: Centre, themes: Themes, window: QMainWindow) -> None:
        super().__init__(window)
        self._desk, self._centre, self._themes, self._window = desk, centre, themes, window
        self.inspecting = Inspecting(desk, centre, self._checkpoint, self)
        self.help_pages = HelpPages(desk.lab, themes, window)
        self._export: ExportDialog | None = None
        self._finder: FinderDialog | None = None
        self._trial = ""
        self._points: list[dict[str, Any]] = []
        self._queue: list[tuple[RunConfig, str]] = []
        desk.lab.answered.connect(self._take)
        centre.evaluation.wanted.connect(self._evaluate)
        desk.session.state_changed.connect(self._next_in_queue)

    # --- evaluation and export ---

    @Slot()
    def evaluate(self) -> None:
        """Shows the evaluation, and measures the run shown on its validation samples."""
        self._centre.tabs.setCurrentWidget(self._centre.evaluation)
        self._evaluate(str(self._centre.evaluation.split.currentData()))

    @Slot(str)
    def _evaluate(self, split: str) -> None:
        checkpoint = self._checkpoint()
        if checkpoint is None:
            self._centre.evaluation.status.setText("The run shown has no checkpoint yet: train first.")
            return
        self._centre.evaluation.wait_for(f"Measuring {checkpoint.name}…")
        self._desk.lab.ask("evaluate", {"checkpoint": str(checkpoint), "split": split})

    @Slot()
    def export(self) -> None:
        """Asks for form and file, and writes the model of the run shown."""
        run = self._desk.session.folder
        self._export = ExportDialog(run_name(run) if run is not None else "model", self._window)
        self._export.wanted.connect(self._write)
        self._export.show()

    @Slot(str, str)
    def _write(self, form: str, file: str) -> None:
        checkpoint = self._checkpoint()
        if checkpoint is not None:
            self._desk.lab.ask("export", {"checkpoint": str(checkpoint), "format": form, "file": file})

    def _checkpoint(self) -> Path | None:
        run = self._desk.session.folder
        found = (checkpoints.best(run.checkpoints) or checkpoints.latest(run.checkpoints)) if run is not None else None
        return found.path if found is not None else None

    # --- finders ---

    @Slot()
    def find_lr(self) -> None:
        """Loss against learning rate."""
        self._begin("find_lr", "Find a learning rate", "learning rate", "loss")
        self._ask({})

    @Slot()
    def find_batch_size(self) -> None:
        """Throughput against batch size."""
        self._begin("try_batch", "Find a batch size", "batch size", "samples per second")
        self._ask({"training.batch_size": 8})

    @Slot()
    def find_workers(self) -> None:
        """Throughput against loader workers."""
        self._begin("try_workers", "Find a number of loader workers", "loader workers", "samples per second")
        self._ask({"dataset.workers": WORKERS[0]})

    def _begin(self, method: str, title: str, across: str, upwards: str) -> None:
        self._trial, self._points = method, []
        self._finder = FinderDialog(title, across, upwards, self._themes, self._window)
        self._finder.applied.connect(self._apply)
        self._finder.left.connect(self._finder_left)
        self._finder.show()

    def _ask(self, changes: dict[str, Any]) -> None:
        config = self._desk.document.config
        if config is not None:
            self._desk.lab.ask(self._trial, {"config": files.change(config, changes).as_data()})

    @Slot()
    def _finder_left(self) -> None:
        self._finder = None

    @Slot(object)
    def _apply(self, value: Any) -> None:
        setting = {"find_lr": "optimizer.lr", "try_batch": "training.batch_size", "try_workers": "dataset.workers"}
        self._desk.document.set(setting[self._trial], value)

    # --- comparison ---

    @Slot()
    def compare(self) -> None:
        """Asks for a setting and its values, and trains a run for each, one after the other."""
        config = self._desk.document.config
        text = ask.line(
            self._window,
            "Compare",
            "A setting and its values, such as optimizer.lr=0.1,0.01,0.001",
            "optimizer.lr=0.01,0.001",
        )
        if text is None or config is None:
            return
        try:
            variants = compare.variants(config, compare.of_text([text]))
        except ConfigError as problems:
            ask.message(self._window, "Compare", "These runs cannot be made.", str(problems))
            return
        name = self._desk.document.name
        self._queue += [(one.config, f"{name}-{one.label}"[:80]) for one in variants]
        self._next_in_queue()

    @Slot()
    def queue(self) -> None:
        """Lets a run with the settings as they stand follow the one that goes."""
        config = self._desk.document.config
        if config is not None:
            self._queue.append((config, self._desk.document.name))
            self._next_in_queue()

    @Slot()
    def _next_in_queue(self, _state: str = "") -> None:
        if self._queue and self._desk.session.going is None:
            config, name = self._queue.pop(0)
            self._desk.session.train(config, name)

    # --- answers ---

    @Slot(object)
    def _take(self, answer: Answer) -> None:
        if answer.method == "evaluate":
            view = self._centre.evaluation
            if answer.ok:
                view.show_result(answer.result)
            else:
                view.refuse(answer.problems)
        elif answer.method == "export" and self._export is not None:
            self._export.take(answer)
        elif answer.method == self._trial and self._finder is not None:
            self._take_trial(answer, self._finder)

    def _take_trial(self, answer: Answer, dialog: FinderDialog) -> None:
        if not answer.ok:
            dialog.refuse("\n".join(str(problem) for problem in answer.problems))
        elif answer.method == "find_lr":
            points = [(point["lr"], point["loss"]) for point in answer.result["points"]]
            dialog.show_points(points, "")
            value = answer.result["suggestion"]
            dialog.suggest(value, f"Suggestion: {value:g}, where the loss falls fastest.")
        else:
            self._points.append(answer.result)
            self._go_on(dialog)

    def _go_on(self, dialog: FinderDialog) -> None:
        batch = self._trial == "try_batch"
        key = "batch_size" if batch else "workers"
        points = self._points
        dialog.show_points([(max(p[key], 0.5), p["samples_per_second"]) for p in points], f"Tried {points[-1][key]}…")
        slower = len(points) > 2 and all(
            p["samples_per_second"] < points[-3]["samples_per_second"] for p in points[-2:]
        )
        if batch and points[-1]["fits"] and not slower and points[-1][key] * 2 <= LARGEST_BATCH:
            self._ask({"training.batch_size": points[-1][key] * 2})
            return
        rest = [count for count in WORKERS[len(points) :] if count <= max(2, os.cpu_count() or 1)]
        if not batch and rest:
            self._ask({"dataset.workers": rest[0]})
            return
        fits = [point for point in points if point.get("fits", True)]
        most = max((point["samples_per_second"] for point in fits), default=0.0)
        best = next((point for point in fits if point["samples_per_second"] >= GOOD_ENOUGH * most), None)
        if best is None:
            dialog.refuse("Memory runs out at the smallest batch already.")
            return
        dialog.suggest(
            best[key], f"Suggestion: {best[key]}, with {best['samples_per_second']:,.0f} samples per second."
        )
