"""The optimizer panel: optimizer, schedule with its curve, epochs and batches, checkpoints."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from workbench.config.monitor import AUTO
from workbench.config.run import RunConfig
from workbench.config.schedule import Plan, Plateau
from workbench.config.warnings import warnings
from workbench.gui.document.document import Document
from workbench.gui.forms.form import SettingsForm
from workbench.gui.forms.values import short_number
from workbench.gui.panels.lr_plot import RatePlot
from workbench.gui.panels.panel import Panel, show_text
from workbench.gui.service.client import ServiceClient
from workbench.gui.theme import Themes
from workbench.launch.service import ServiceReply
from workbench.runs.service.samples import DatasetPreview

SECTIONS = ("optimizer", "schedule", "training", "output")


class OptimizerPanel(Panel):
    """Everything of how the weights are changed."""

    def __init__(
        self, document: Document, service: ServiceClient, themes: Themes, parent: QWidget | None = None
    ) -> None:
        super().__init__("panel.optimizer", document, SettingsForm(document, SECTIONS, themes), parent)
        self._samples = 0
        self.plot = RatePlot(themes, self)
        self.body.addWidget(self.plot)
        self._facts = self.add_label("muted", "optimizer.facts")
        service.replied.connect(self._apply_reply)
        document.changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Draws the plan of the settings as they stand; while they have problems, the last one stays."""
        config = self.document.config
        if config is None:
            return
        self.document.set_warnings("optimizer", warnings(config, self._samples))
        steps = self._steps(config)
        plan = Plan(config.training.epochs, steps or 100)
        self.plot.show_plan(config.schedule, config.optimizer.lr, plan)
        name = getattr(config.optimizer, "title", config.optimizer.kind)
        rate = short_number(config.optimizer.lr)
        self.set_summary(f"{name} · lr {rate} · {config.training.epochs:,} epochs")
        facts = [f"{plan.steps:,} steps, {steps:,} an epoch"] if steps else []
        if isinstance(config.schedule, Plateau):
            followed = "the validation loss" if config.training.monitor == AUTO else config.training.monitor
            facts.append(f"falls when {followed} stops improving")
        show_text(self._facts, " · ".join(facts))

    def _steps(self, config: RunConfig) -> int:
        """Optimizer steps per epoch; 0 before the dataset is known."""
        processes = config.hardware.processes if config.hardware.processes != "auto" else 1
        per_step = config.training.batch_size * config.training.accumulation * processes
        whole, rest = divmod(self._samples, per_step)
        return max(whole + int(rest > 0 and not config.training.drop_last), 1) if self._samples else 0

    @Slot(object)
    def _apply_reply(self, reply: ServiceReply) -> None:
        if isinstance(reply.answer, DatasetPreview):
            self._samples = reply.answer.train
            self.refresh()
