"""What the window remembers from one day to the next: one small JSON file in the user's configuration folder."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError, model_validator

from workbench.runs.folder import default_root, write_whole

FOLDER_VARIABLE = "WORKBENCH_PREFERENCES"
MOST_RECENT = 10
OLD_DISMISSED = "left_cut_off"
_log = logging.getLogger(__name__)


class Preferences(BaseModel):
    """Everything that is remembered. Unknown keys, of a newer version, are ignored."""

    model_config = ConfigDict(extra="ignore", validate_assignment=True)

    theme: Literal["system", "light", "dark"] = "system"
    runs_folder: str = ""
    """The folder of all runs; empty takes the default one."""
    run_in_window: bool = False
    """Whether a run is computed in this window's thread, for debugging. Windows cannot: torch must come before Qt."""
    geometry: str = ""
    """Qt's own bytes, as base64."""
    layout: str = ""
    folded: tuple[str, ...] = ()
    """Panels that are collapsed, by object name."""
    hidden: tuple[str, ...] = ()
    """Panels that are closed."""
    apart: tuple[str, ...] = ()
    """Panels in docks of their own, outside the column."""
    recent: tuple[str, ...] = ()
    """Run files and runs that were opened, the newest first."""
    dismissed: tuple[str, ...] = ()
    """Interrupted runs that are not to be shown in the banner any more, by name."""
    last_start: str = ""
    """What the window was opened on last: a recipe's name, a run file or a run."""

    _runs_override: Path | None = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _read_old_names(cls, data: object) -> object:
        """Version 0.1 called ``dismissed`` ``left_cut_off``."""
        if isinstance(data, dict) and OLD_DISMISSED in data:
            return {"dismissed": data[OLD_DISMISSED], **data}
        return data

    def use_runs(self, root: Path) -> None:
        """Uses another folder of runs in this window only: it is not remembered."""
        self._runs_override = root

    @property
    def runs_root(self) -> Path:
        """The folder of all runs."""
        if self._runs_override is not None:
            return self._runs_override
        return Path(self.runs_folder).expanduser() if self.runs_folder else default_root()

    @property
    def inline(self) -> bool:
        """Whether the engine is to run in this window's thread, here and now."""
        return self.run_in_window and os.name != "nt"

    def add_recent(self, path: Path) -> None:
        """Puts a file or a run in front of the recent ones."""
        text = str(path)
        self.recent = (text, *(other for other in self.recent if other != text))[:MOST_RECENT]


def preferences_file() -> Path:
    """The file of the preferences."""
    override = os.environ.get(FOLDER_VARIABLE)
    folder = Path(override) if override else platformdirs.user_config_path("workbench", appauthor=False)
    return folder / "preferences.json"


def load() -> Preferences:
    """The preferences; the defaults where there are none yet or where the file is damaged."""
    path = preferences_file()
    try:
        return Preferences.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        _log.warning("%s cannot be read, so the default preferences are used: %s", path, _first_line(error))
        return Preferences()


def save(preferences: Preferences) -> None:
    """Writes the preferences whole. A disk that refuses is only logged: no work is lost with them."""
    path = preferences_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, preferences.model_dump_json(indent=2))
    except OSError as error:
        _log.warning("%s cannot be written: %s", path, error.strerror)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
