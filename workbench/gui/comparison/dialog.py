"""The dialog that asks what to compare: one or two settings, and the values of each."""

from __future__ import annotations

from collections import Counter
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from workbench.config import compare
from workbench.config.compare import Variant
from workbench.config.fields import Setting
from workbench.config.problems import ConfigError, Problem
from workbench.config.run import RunConfig
from workbench.gui.document.setting_text import known_settings, values_text
from workbench.gui.theme import STEP

FIRST = "optimizer.lr"
NOTHING = ""
_NAMED = 6
_SAME_START = "They are trained one after the other, with the same initial weights and the same batches."


class CompareDialog(QDialog):
    """Emits ``wanted`` with the variants to be trained. ``own`` are those that the open file asks for itself."""

    wanted = Signal(object)

    def __init__(self, config: RunConfig, own: list[dict[str, Any]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("dialog.compare")
        self.setWindowTitle("Compare")
        self._config, self._own = config, own
        self._known = known_settings(config)
        self._titles = _unique_titles(self._known)
        self._variants: list[Variant] = []
        self.settings = (self._setting_box(0), self._setting_box(1))
        self.values = (self._values_line(0), self._values_line(1))
        self.status = QLabel(self)
        self.status.setObjectName("compare.status")
        self.status.setWordWrap(True)
        self.status.setMinimumHeight(5 * self.status.fontMetrics().lineSpacing())
        self.status.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.start = self.buttons.addButton("Start", QDialogButtonBox.ButtonRole.AcceptRole)
        self.start.setObjectName("compare.start")
        self.buttons.accepted.connect(self._accept)
        self.buttons.rejected.connect(self.reject)
        self._arrange()
        self._fill()

    def _setting_box(self, index: int) -> QComboBox:
        box = QComboBox(self)
        box.setObjectName(f"compare.setting.{index}")
        box.setAccessibleName("Setting" if index == 0 else "Second setting")
        box.setToolTip("A setting by its name or by its path, such as optimizer.lr.")
        box.setEditable(True)
        box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        box.setMinimumWidth(64 * STEP)
        box.setMaxVisibleItems(20)
        completer = box.completer()
        if completer is not None:
            completer.setFilterMode(Qt.MatchFlag.MatchContains)
        return box

    def _values_line(self, index: int) -> QLineEdit:
        line = QLineEdit(self)
        line.setObjectName(f"compare.values.{index}")
        line.setAccessibleName("Values" if index == 0 else "Values of the second setting")
        line.setToolTip("Values separated by commas: one run for each.")
        line.setPlaceholderText("Values separated by commas")
        line.setMinimumWidth(80 * STEP)
        return line

    def _arrange(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(3 * STEP)
        grid.setVerticalSpacing(2 * STEP)
        for column, text in enumerate(("Setting", "Values")):
            grid.addWidget(QLabel(text, self), 0, column)
        for row in (0, 1):
            grid.addWidget(self.settings[row], row + 1, 0)
            grid.addWidget(self.values[row], row + 1, 1)
        grid.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * STEP, 4 * STEP, 4 * STEP, 4 * STEP)
        layout.setSpacing(3 * STEP)
        layout.addLayout(grid)
        layout.addWidget(self.status, 1)
        layout.addWidget(self.buttons)
        self.resize(170 * STEP, 60 * STEP)

    def _fill(self) -> None:
        """Puts in what there is to choose from; the learning rate is asked for first."""
        for index, box in enumerate(self.settings):
            if index == 0 and self._own:
                box.addItem(own_runs_text(len(self._own)))
            if index == 1:
                box.addItem(NOTHING)
            for path, setting in self._known.items():
                box.addItem(self._titles[path], path)
                box.setItemData(box.count() - 1, f"{path}: {setting.help}", Qt.ItemDataRole.ToolTipRole)
            line = box.lineEdit()
            if line is not None:
                line.setPlaceholderText("Second setting (optional)" if index else "Setting")
            box.setCurrentIndex(0 if index == 1 or self._own else max(box.findData(FIRST), 0))
            box.currentTextChanged.connect(self._setting_changed)
            self.values[index].textChanged.connect(self._check)
        self._propose(0)
        self._check()

    @Slot()
    def _setting_changed(self) -> None:
        self._propose(self.settings.index(self.sender()))
        self._check()

    def _propose(self, index: int) -> None:
        """Puts in values that suit the setting; none while what is typed is no setting."""
        path = self._path(self.settings[index])
        self.values[index].setText(proposal(self._config, path, self._known.get(path)))

    @Slot()
    def _check(self) -> None:
        own = bool(self._own) and self.settings[0].currentIndex() == 0 and self._takes_own_runs()
        for widget in (self.settings[1], *self.values):
            widget.setEnabled(not own)
        try:
            self._variants = compare.variants(self._config, self._own if own else self._chosen_values())
            problems: tuple[Problem, ...] = ()
        except ConfigError as error:
            self._variants, problems = [], error.problems
        self.start.setEnabled(not problems)
        self.start.setText("Start" if problems else f"Start {_runs_text(len(self._variants))}")
        self.status.setText("\n".join(map(str, problems)) if problems else _summary(self._variants))
        self.status.setProperty("role", "error" if problems else "muted")
        self.status.style().unpolish(self.status)
        self.status.style().polish(self.status)

    def _path(self, box: QComboBox) -> str:
        """The path of the setting that is chosen by its title, or what is typed as a path."""
        text = box.currentText().strip()
        return next((path for path, title in self._titles.items() if title.lower() == text.lower()), text)

    def _takes_own_runs(self) -> bool:
        return self.settings[0].currentText() == own_runs_text(len(self._own))

    def _chosen_values(self) -> list[dict[str, Any]]:
        """Every combination of the values. Raises ConfigError."""
        vary: dict[str, list[Any]] = {}
        for box, line in zip(self.settings, self.values, strict=True):
            path, text = self._path(box), line.text().strip().strip(",")
            if not path and box is self.settings[1]:
                continue
            if not path:
                raise ConfigError([Problem("", "no setting is chosen", "choose one, such as the learning rate")])
            if path in vary:
                raise ConfigError([Problem(path, "is chosen twice")])
            if not text:
                raise ConfigError([Problem(path, "has no values", "type some, separated by commas")])
            vary[path] = compare.values_of(text)
        return compare.combinations(vary)

    @Slot()
    def _accept(self) -> None:
        if self._variants:
            self.wanted.emit(self._variants)
            self.accept()


def proposal(config: RunConfig, path: str, setting: Setting | None) -> str:
    """Values to start with: the choices of the setting, or a number as it is and smaller. Empty for what is no setting."""
    if setting is None:
        return ""
    section, _, name = path.partition(".")
    value = getattr(getattr(config, section), name)
    if setting.kind == "switch":
        return "false, true"
    if setting.kind == "choice":
        others = [choice for choice in setting.choices if choice != value]
        return ", ".join(map(str, (value, *others[:2])))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if isinstance(value, int):
        return ", ".join(map(str, dict.fromkeys((value, max(1, value // 2)))))
    return ", ".join(f"{number:.3g}" for number in dict.fromkeys((value, value / 10))) if value else "0.0"


def own_runs_text(count: int) -> str:
    """How the runs that a file asks for itself are called."""
    return f"The {count} runs of this recipe"


def _unique_titles(known: dict[str, Setting]) -> dict[str, str]:
    """Each setting's title; with its section's where several settings share one."""
    count = Counter(setting.title for setting in known.values())
    return {
        path: setting.title if count[setting.title] == 1 else f"{setting.title} ({_section_title(path)})"
        for path, setting in known.items()
    }


def _section_title(path: str) -> str:
    section = path.partition(".")[0]
    return str(RunConfig.model_fields[section].title or section)


def _summary(variants: list[Variant]) -> str:
    named = "; ".join(values_text(variant.values) for variant in variants[:_NAMED])
    more = f"; and {len(variants) - _NAMED} more" if len(variants) > _NAMED else ""
    return f"{_runs_text(len(variants))}: {named}{more}.\n{_SAME_START}"


def _runs_text(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"
