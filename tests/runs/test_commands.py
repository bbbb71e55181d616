"""What a run is told reaches it once, in order, and from its owner alone."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench.runs.commands import Command, Inbox, send

WHOLE: dict[str, Any] = {"name": "stop", "attempt": 1, "id": "a", "time": 0.0, "values": {}}


@pytest.fixture
def box(tmp_path: Path) -> Path:
    folder = tmp_path / "commands"
    folder.mkdir()
    return folder


def put(box: Path, content: str, name: str = "00000000000000000001-x.json") -> None:
    (box / name).write_text(content, encoding="utf-8", errors="ignore")


def test_that_commands_come_once_and_in_the_order_they_were_sent(box: Path) -> None:
    inbox = Inbox(box, attempt=1)
    sent = [Command("save", 1), Command("set", 1, values={"optimizer.lr": 0.1}), Command("stop", 1)]
    for command in sent:
        assert send(box, command) == command.id
    assert inbox.poll() == sent
    assert inbox.poll() == []
    assert Inbox(box, attempt=1).poll() == sent


def test_that_commands_of_other_attempts_are_not_heard(box: Path) -> None:
    send(box, Command("stop", attempt=1))
    send(box, Command("stop", attempt=3))
    assert Inbox(box, attempt=2).poll() == []


def test_that_a_folder_of_commands_is_made_when_it_was_lost(tmp_path: Path) -> None:
    assert Inbox(tmp_path / "commands", 1).poll() == []
    send(tmp_path / "commands", Command("stop", attempt=1))
    assert len(Inbox(tmp_path / "commands", 1).poll()) == 1


def test_that_something_else_in_place_of_the_folder_is_no_command(tmp_path: Path) -> None:
    (tmp_path / "commands").write_text("")
    assert Inbox(tmp_path / "commands", 1).poll() == []


def test_that_an_unfinished_file_is_not_read(box: Path) -> None:
    put(box, json.dumps(WHOLE), "00000000000000000001-x.tmp")
    assert Inbox(box, 1).poll() == []


@pytest.mark.skipif(os.name == "nt", reason="Windows lets few people make links")
def test_that_a_link_is_not_followed(box: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_text(json.dumps(WHOLE))
    (box / "00000000000000000001-x.json").symlink_to(tmp_path / "elsewhere.json")
    assert Inbox(box, 1).poll() == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes of this kind")
def test_that_a_pipe_does_not_hold_the_engine_up(box: Path) -> None:
    os.mkfifo(box / "00000000000000000001-x.json")
    assert Inbox(box, 1).poll() == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has other owners")
def test_that_a_command_of_another_owner_is_not_heard(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    send(box, Command("stop", attempt=1))
    somebody = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: somebody)
    assert Inbox(box, 1).poll() == []


def test_that_a_huge_file_is_not_read(box: Path) -> None:
    put(box, json.dumps({**WHOLE, "values": {"x": "y" * 100_000}}))
    assert Inbox(box, 1).poll() == []


@pytest.mark.parametrize(
    "changed",
    [
        {"name": ["stop"]},
        {"attempt": "first"},
        {"attempt": float("inf")},
        {"attempt": float("nan")},
        {"attempt": None},
        {"time": "noon"},
        {"values": 5},
        {"values": ["ab", "c"]},
    ],
)
def test_that_a_command_with_a_wrong_part_is_passed_over(box: Path, changed: dict[str, Any]) -> None:
    put(box, json.dumps({**WHOLE, **changed}))
    send(box, Command("save", attempt=1))
    assert [command.name for command in Inbox(box, 1).poll()] == ["save"]


def test_that_a_command_of_a_later_version_is_given_to_be_refused_in_words(box: Path) -> None:
    put(box, json.dumps({**WHOLE, "name": "teleport"}))
    assert [command.name for command in Inbox(box, 1).poll()] == ["teleport"]


@given(content=st.one_of(st.text(), st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps)))
@example(content="[" * 60_000)
@example(content="{}")
def test_that_garbage_is_passed_over(content: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    box = tmp_path_factory.mktemp("commands")
    put(box, content)
    assert Inbox(box, 1).poll() == []
