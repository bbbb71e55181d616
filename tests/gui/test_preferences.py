"""Preferences: remembered whole, and never in the way."""

from __future__ import annotations

from pathlib import Path

from tests.police.logs import ExpectWarning
from workbench.gui import preferences
from workbench.gui.preferences import MOST_RECENT, Preferences, preferences_file


def test_that_preferences_come_back_as_they_were_saved() -> None:
    mine = Preferences(theme="dark", runs_folder="/somewhere", run_in_window=True)
    mine.add_recent(Path("/a.toml"))
    preferences.save(mine)
    assert preferences.load() == mine


def test_that_without_a_file_the_defaults_hold() -> None:
    assert preferences.load() == Preferences()


def test_that_a_damaged_file_gives_the_defaults_and_a_note(expected_warnings: ExpectWarning) -> None:
    expected_warnings("cannot be read, so the default preferences are used")
    preferences_file().write_text('{"theme": "purple"', encoding="utf-8")
    assert preferences.load() == Preferences()


def test_that_keys_of_a_newer_version_are_passed_over() -> None:
    preferences_file().write_text('{"theme": "dark", "telepathy": true}', encoding="utf-8")
    assert preferences.load().theme == "dark"


def test_that_names_of_an_older_version_are_read_and_written_as_the_new_ones() -> None:
    preferences_file().write_text('{"left_cut_off": ["one", "two"]}', encoding="utf-8")
    old = preferences.load()
    assert old.dismissed == ("one", "two")
    preferences.save(old)
    assert "left_cut_off" not in preferences_file().read_text(encoding="utf-8")
    assert preferences.load().dismissed == ("one", "two")


def test_that_a_disk_that_refuses_is_only_noted(expected_warnings: ExpectWarning) -> None:
    expected_warnings("cannot be written")
    preferences_file().mkdir()
    preferences.save(Preferences())
    assert not preferences_file().with_name("preferences.json.tmp").exists()
    preferences_file().rmdir()


def test_that_the_recent_list_holds_each_once_and_the_newest_first() -> None:
    mine = Preferences()
    for number in range(MOST_RECENT + 5):
        mine.add_recent(Path(f"/{number}.toml"))
    mine.add_recent(Path("/12.toml"))
    assert mine.recent[0] == str(Path("/12.toml"))
    assert len(mine.recent) == len(set(mine.recent)) == MOST_RECENT


def test_that_the_runs_folder_is_the_usual_one_unless_another_is_chosen(runs: Path) -> None:
    assert Preferences().runs_root == runs
    assert Preferences(runs_folder="/other").runs_root == Path("/other")
