"""Makes a branch away from the window's thread: a long history and a large checkpoint take their time."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig
from workbench.runs import branch
from workbench.runs.checkpoints import CheckpointInfo


class Branching(QThread):
    """Says ``made`` with the new run's folder, or ``refused`` with a sentence."""

    made = Signal(object)
    refused = Signal(str)

    def __init__(
        self, checkpoint: CheckpointInfo, config: RunConfig, name: str, root: Path, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName(f"branch {name}")
        self._checkpoint, self._config, self._name, self._root = checkpoint, config, name, root

    def run(self) -> None:
        """Makes it."""
        try:
            folder = branch.make(self._checkpoint, self._config, self._name, self._root)
        except ConfigError as problems:
            self.refused.emit(f"The branch cannot be made: {problems}.")
        except OSError as error:
            self.refused.emit(f"The branch cannot be made: {error.strerror or error}.")
        else:
            self.made.emit(folder)
