"""One editor for each kind of value. An editor shows plain data and emits what a person made of it; it decides nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QSlider, QWidget

from workbench.config.fields import Setting
from workbench.gui.dialogs import ask
from workbench.gui.forms.values import same, stepped, text_of, value_of

NUMBERS = ("integer", "number", "integers", "numbers")


class Editor(QWidget):
    """Base of all editors. ``field`` is what has the focus and the name."""

    edited = Signal(object)
    """A person made this value (plain data; text where it is no value yet)."""
    field: QWidget

    def __init__(self, path: str, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self.setting = setting
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)

    def show_value(self, value: object) -> None:
        """Shows a value without saying that it was edited."""
        blocked = self.field.blockSignals(True)
        self._show(value)
        self.field.blockSignals(blocked)

    def _show(self, value: object) -> None:
        raise TypeError(f"{type(self).__name__} shows nothing")

    def _set_field(self, field: QWidget) -> None:
        self.field = field
        field.setObjectName(self.path)
        field.setAccessibleName(self.setting.title)
        field.setAccessibleDescription(self.setting.help)
        field.setToolTip(self.setting.help)
        self._layout.addWidget(field, 1)
        self.setFocusProxy(field)


class SwitchEditor(Editor):
    """true or false."""

    def __init__(self, path: str, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(path, setting, parent)
        self._box = QCheckBox(self)
        self._set_field(self._box)
        self._box.toggled.connect(self._toggled)

    def _show(self, value: object) -> None:
        self._box.setChecked(value is True)

    @Slot(bool)
    def _toggled(self, on: bool) -> None:
        self.edited.emit(on)


class WheelFilter(QObject):
    """Leaves the wheel to the column that a control stands in."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Passes the wheel on."""
        if event.type() == QEvent.Type.Wheel:
            event.ignore()
            return True
        return super().eventFilter(watched, event)


class SettingComboBox(QComboBox):
    """A combo box that leaves the wheel to the column it stands in."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.installEventFilter(WheelFilter(self))


class ChoiceEditor(Editor):
    """One of a few values."""

    def __init__(self, path: str, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(path, setting, parent)
        self._combo = SettingComboBox(self)
        for choice in setting.choices:
            self._combo.addItem(setting.label(choice), choice)
        self._set_field(self._combo)
        self._combo.currentIndexChanged.connect(self._choose_index)

    def _show(self, value: object) -> None:
        self._combo.setCurrentIndex(self._combo.findData(value))

    @Slot(int)
    def _choose_index(self, index: int) -> None:
        if index >= 0:
            self.edited.emit(self._combo.itemData(index))


class UnitLineEdit(QLineEdit):
    """A line with a unit at its right end."""

    def __init__(self, unit: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._unit = QLabel(unit, self)
        self._unit.setProperty("role", "muted")
        self._unit.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        if unit:
            self.setTextMargins(0, 0, self._unit.sizeHint().width() + 4, 0)
        self._unit.setVisible(bool(unit))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keeps the unit in its place."""
        super().resizeEvent(event)
        size = self._unit.sizeHint()
        self._unit.setGeometry(
            self.width() - size.width() - 6, (self.height() - size.height()) // 2, size.width(), size.height()
        )


class LineEditor(Editor):
    """Text, a number, or a list, typed into a line. Numbers go up and down with the arrow keys."""

    def __init__(self, path: str, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(path, setting, parent)
        self.line = UnitLineEdit(setting.unit, self)
        self._set_field(self.line)
        if setting.kind in NUMBERS:
            self.line.setAlignment(Qt.AlignmentFlag.AlignRight)
        if setting.words:
            self.line.setPlaceholderText(setting.words[0])
            empty = " or ".join(setting.words)
            self.line.setToolTip(f"{setting.help}\nLeft empty: {empty}.")
        self.line.textEdited.connect(self._typed)

    def _show(self, value: object) -> None:
        # While a person types, 1e- is on its way to 1e-3: only another value replaces the text.
        if not same(value_of(self.setting, self.line.text()), value) or not self.line.hasFocus():
            self.line.setText(text_of(self.setting, value))
            self.line.setCursorPosition(0 if self.setting.kind == "path" else len(self.line.text()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys change a number by a step."""
        up = event.key() == Qt.Key.Key_Up
        text = stepped(self.setting, self.line.text(), up) if up or event.key() == Qt.Key.Key_Down else None
        if text is None:
            super().keyPressEvent(event)
            return
        self.line.setText(text)
        self._typed(text)

    @Slot(str)
    def _typed(self, text: str) -> None:
        self.edited.emit(value_of(self.setting, text))


class SliderEditor(LineEditor):
    """A number between two bounds, typed or slid to."""

    STEPS = 100

    def __init__(self, path: str, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(path, setting, parent)
        self._low, self._high = setting.minimum or 0.0, 1.0 if setting.maximum is None else setting.maximum
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setObjectName(f"{path}.slider")
        self.slider.setAccessibleName(setting.title)
        self.slider.setAccessibleDescription(setting.help)
        self.slider.setToolTip(setting.help)
        self.slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.slider.setRange(int(setting.exclusive_minimum), self.STEPS - int(setting.exclusive_maximum))
        self.slider.setPageStep(self.STEPS // 10)
        self.slider.installEventFilter(WheelFilter(self))
        self.slider.valueChanged.connect(self._slid)
        self._layout.insertWidget(0, self.slider, 2)

    def _show(self, value: object) -> None:
        super()._show(value)
        self._follow(value)

    @Slot(str)
    def _typed(self, text: str) -> None:
        super()._typed(text)
        self._follow(value_of(self.setting, text))

    def _follow(self, value: object) -> None:
        """Puts the slider where the number is; it stays where the text is no number."""
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            share = min(max((value - self._low) / (self._high - self._low), 0.0), 1.0)
            blocked = self.slider.blockSignals(True)
            self.slider.setValue(round(share * self.STEPS))
            self.slider.blockSignals(blocked)

    @Slot(int)
    def _slid(self, position: int) -> None:
        value = round(self._low + (self._high - self._low) * position / self.STEPS, 6)
        self.line.setText(text_of(self.setting, value))
        self.edited.emit(value)


class PathEditor(LineEditor):
    """A path, typed or chosen."""

    def __init__(self, path: str, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(path, setting, parent)
        self._browse = QPushButton("Choose…", self)
        self._browse.setObjectName(f"{path}.browse")
        self._browse.setAccessibleName(f"Choose the {setting.title.lower()}")
        self._browse.setToolTip(f"Choose the {setting.title.lower()}")
        self._browse.clicked.connect(self._choose)
        self._layout.addWidget(self._browse)

    @Slot()
    def _choose(self) -> None:
        here = Path(self.line.text()).expanduser()
        start = here if here.is_dir() else here.parent if here.parent.is_dir() else None
        title = f"Choose the {self.setting.title.lower()}"
        if self.setting.path == "folder":
            chosen = ask.open_folder(self, title, start)
        else:
            chosen = ask.open_file(self, title, start, "Tables (*.csv *.tsv *.txt);;All files (*)")
        if chosen is not None:
            self.line.setText(str(chosen))
            self.edited.emit(str(chosen))


class SuggestionEditor(Editor):
    """Text, with values to choose from that become known later."""

    def __init__(self, path: str, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(path, setting, parent)
        self._combo = SettingComboBox(self)
        line = QLineEdit(self._combo)
        line.setAccessibleName(setting.title)
        self._combo.setEditable(True)
        self._combo.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._combo.setLineEdit(line)
        self._set_field(self._combo)
        self._combo.activated.connect(self._choose_index)
        line.textEdited.connect(self._typed)

    def offer(self, values: Sequence[tuple[str, str]]) -> None:
        """Sets what can be chosen: values, and the text beside each."""
        current = self._combo.currentText()
        blocked = self._combo.blockSignals(True)
        self._combo.clear()
        for value, text in values:
            self._combo.addItem(f"{value}   {text}", value)
        self._combo.setEditText(current)
        self._combo.blockSignals(blocked)
        self._combo.view().setMinimumWidth(280)

    def _show(self, value: object) -> None:
        if self._combo.currentText() != str(value):
            self._combo.setEditText(str(value))

    @Slot(int)
    def _choose_index(self, index: int) -> None:
        value = self._combo.itemData(index)
        self._combo.setEditText(str(value))
        self.edited.emit(value)

    @Slot(str)
    def _typed(self, text: str) -> None:
        self.edited.emit(text)


def create_editor(path: str, setting: Setting, offered: bool = False) -> Editor:
    """The editor for a setting; ``offered`` lets a text choose from values given later."""
    if offered:
        return SuggestionEditor(path, setting)
    if setting.kind == "switch":
        return SwitchEditor(path, setting)
    if setting.kind == "choice":
        return ChoiceEditor(path, setting)
    if setting.slider:
        return SliderEditor(path, setting)
    return PathEditor(path, setting) if setting.kind == "path" else LineEditor(path, setting)
