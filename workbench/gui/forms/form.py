"""A form for any sections of a configuration, read from their declaration: no setting is listed here."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QToolButton, QVBoxLayout, QWidget

from workbench.config.fields import Section, Setting, kind_of, settings
from workbench.config.run import RunConfig, variants
from workbench.gui.assets import icon
from workbench.gui.document.document import Document
from workbench.gui.document.setting_text import kind_setting
from workbench.gui.forms import editors
from workbench.gui.forms.row import SettingRow
from workbench.gui.theme import Themes


class SettingsForm(QWidget):
    """The settings of some sections: which variant, the few that matter, and the rest below *Advanced*."""

    def __init__(
        self,
        document: Document,
        sections: Sequence[str],
        themes: Themes,
        parent: QWidget | None = None,
        offered: Sequence[str] = (),
    ) -> None:
        """``offered`` names text settings that choose from values given later; see :meth:`editor`."""
        super().__init__(parent)
        self._document = document
        self._sections = tuple(sections)
        self._themes = themes
        self._offered = tuple(offered)
        self._rows: dict[tuple[str, str], SettingRow] = {}
        self._shown: tuple[tuple[str, str], ...] = ()
        self._basic = _column()
        self._advanced = _column()
        self._more = QToolButton(self)
        self._more.setObjectName(f"{sections[0]}.advanced")
        self._more.setText("Advanced")
        self._more.setAccessibleName(f"Advanced settings: {RunConfig.model_fields[sections[0]].title}")
        self._more.setToolTip("Show the settings that are rarely changed")
        self._more.setCheckable(True)
        self._more.setAutoRaise(True)
        self._more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._more.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._more.toggled.connect(self._expand)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._basic)
        layout.addWidget(self._more, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._advanced)
        document.changed.connect(self.refresh)
        themes.changed.connect(self._apply_theme)
        self._expand(False)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Shows the document as it stands; rebuilds the rows where a section became another variant."""
        shown = tuple((section, self._kind(section)) for section in self._sections)
        if shown != self._shown:
            self._shown = shown
            self._arrange()
        for row in self._current():
            row.refresh()
        if any(self._is_wrong(row) for row in self._current() if row.parent() is self._advanced):
            self._more.setChecked(True)

    def editor(self, path: str) -> editors.Editor | None:
        """The editor of a setting that is there now."""
        return next((row.editor for row in self._current() if row.path == path), None)

    def _current(self) -> list[SettingRow]:
        kinds = dict(self._shown)
        return [row for (path, kind), row in self._rows.items() if kinds[path.partition(".")[0]] == kind or not kind]

    def _kind(self, section: str) -> str:
        return str(self._document.value(f"{section}.kind")) if self._document.has(f"{section}.kind") else ""

    def _arrange(self) -> None:
        """Puts the rows of the variants in place. Those of other variants stay, hidden, for when they come back."""
        focus: QWidget | None = self.focusWidget()
        name = focus.objectName() if focus is not None else ""
        for row in self._rows.values():
            row.hide()
        for section, kind in self._shown:
            if kind:
                self._place_row(self._kind_row(section), advanced=False)
            for setting in settings(_variant(section, kind)):
                self._place_row(self._row(section, kind, setting), setting.advanced)
        self._more.setVisible(any(row.parent() is self._advanced for row in self._current()))
        successor = self.findChild(QWidget, name) if name else None
        if successor is not None and focus is not None and not focus.isVisible():
            successor.setFocus()

    def _place_row(self, row: SettingRow, advanced: bool) -> None:
        column = self._advanced if advanced else self._basic
        layout = column.layout()
        if isinstance(layout, QVBoxLayout):
            layout.removeWidget(row)
            layout.addWidget(row)
        row.show()

    def _row(self, section: str, kind: str, setting: Setting) -> SettingRow:
        path = f"{section}.{setting.name}"
        if (path, kind) not in self._rows:
            editor = editors.create_editor(path, setting, offered=path in self._offered)
            self._rows[path, kind] = SettingRow(self._document, editor, self._themes)
        row = self._rows[path, kind]
        # A name is found once only: that of the variant that is shown.
        for (other, of), hidden in self._rows.items():
            if other == path and of != kind:
                hidden.editor.field.setObjectName(f"{path}@{of}")
        row.editor.field.setObjectName(path)
        return row

    def _kind_row(self, section: str) -> SettingRow:
        path = f"{section}.kind"
        kind = dict(self._shown)[section]
        if (path, kind) not in self._rows:
            for (other, of), row in list(self._rows.items()):
                if other == path:
                    self._rows[path, kind] = self._rows.pop((other, of))
                    row.explain(_first_line(_variant(section, kind)))
                    return row
            editor = editors.ChoiceEditor(path, kind_setting(section))
            self._rows[path, kind] = SettingRow(self._document, editor, self._themes)
        self._rows[path, kind].explain(_first_line(_variant(section, kind)))
        return self._rows[path, kind]

    def _is_wrong(self, row: SettingRow) -> bool:
        return any(problem.path == row.path for problem in self._document.problems)

    @Slot(bool)
    def _expand(self, shown: bool) -> None:
        self._advanced.setVisible(shown)
        self._apply_theme()

    @Slot()
    def _apply_theme(self) -> None:
        name = "chevron-down" if self._more.isChecked() else "chevron-right"
        self._more.setIcon(icon(name, self._themes.current))


def _column() -> QWidget:
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    return column


def _variant(section: str, kind: str) -> type[Section]:
    return next(variant for variant in variants(section) if kind_of(variant) == kind)


def _first_line(variant: type[Section]) -> str:
    return (variant.__doc__ or "").strip().partition("\n")[0].replace("``", "")
