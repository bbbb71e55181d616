"""What a run says is neither lost, torn nor misread."""

import errno
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import run_events
from workbench.runs.events import (
    FORMAT,
    AnyEvent,
    CommandDone,
    Ended,
    Epoch,
    EventReader,
    EventWriter,
    Note,
    Phase,
    Scalars,
    Started,
    as_line,
    read_events,
    significant,
)
from workbench.runs.progress import Progress

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = (math.nan, math.inf, -math.inf, 0.0, -1.5e-300)

FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from workbench.runs.events import EventWriter, Note
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = Path(sys.argv[1])
writer = EventWriter(path, 1)
assert writer.write(Note(text="before"))
room = path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (room + 30, resource.RLIM_INFINITY))
assert not writer.write(Note(text="first of those that wait"))
assert path.stat().st_size == room, "the part that was written is still there"
assert not writer.write(Note(text="second of those that wait"))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert writer.write(Note(text="after"))
writer.close()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def texts(path: Path) -> list[str]:
    return [event.text for event in read_events(path) if isinstance(event, Note)]


def test_that_events_come_back_as_they_were_said(path: Path) -> None:
    said: list[AnyEvent] = [
        Phase(text="자료를 읽는 중", share=0.5),
        Scalars(epoch=0, step=(1, 2), loss=(0.5, 0.25), lr=(0.1, 0.1)),
        Epoch(epoch=1, step=2, train={"loss": 0.5}, val={"accuracy": 0.9}, best=True),
        CommandDone(id="a", name="stop"),
        Ended(status="failed", what="line one\nline two\r\n", hint="\N{LINE SEPARATOR}"),
    ]
    writer = EventWriter(path, 3)
    assert all(writer.write(event) for event in said)
    writer.close()
    assert read_events(path) == [event.model_copy(update={"attempt": 3}) for event in said]
    assert len(path.read_bytes().splitlines()) == len(said)


def test_that_what_is_not_a_finite_number_comes_back(path: Path) -> None:
    writer = EventWriter(path, 1)
    writer.write(Scalars(epoch=0, step=tuple(range(5)), loss=NUMBERS))
    writer.close()
    (event,) = read_events(path)
    assert isinstance(event, Scalars)
    assert repr(event.loss) == repr(NUMBERS)


@given(st.floats())
def test_that_six_digits_of_a_number_are_kept(value: float) -> None:
    kept = significant(value)
    if math.isnan(value):
        assert math.isnan(kept)
    else:
        assert kept == value or abs(kept - value) <= 1e-5 * abs(value) or abs(value) < 1e-300


def test_that_a_last_line_without_its_end_is_not_read_until_it_has_one(path: Path) -> None:
    line = Note(text="whole").model_dump_json().encode()
    path.write_bytes(line + b"\n" + line[:20])
    reader = EventReader(path)
    assert len(reader.read()) == 1
    assert reader.read() == []
    with path.open("ab") as file:
        file.write(line[20:] + b"\n")
    assert len(reader.read()) == 1
    assert reader.bad_lines == 0


def test_that_a_new_writer_cuts_off_what_the_last_one_left_unfinished(path: Path) -> None:
    whole = Note(text="whole").model_dump_json().encode() + b"\n"
    path.write_bytes(whole + b"x" * 100_000)
    writer = EventWriter(path, 2)
    assert path.read_bytes() == whole
    writer.write(Note(text="next"))
    writer.close()
    assert texts(path) == ["whole", "next"]


def test_that_a_file_without_any_whole_line_begins_anew(path: Path) -> None:
    path.write_bytes(b"half a line")
    EventWriter(path, 1).close()
    assert path.read_bytes() == b""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_that_a_full_disk_costs_no_event_and_leaves_no_half_one(path: Path) -> None:
    subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], cwd=ROOT, check=True)
    assert texts(path) == ["before", "first of those that wait", "second of those that wait", "after"]


def test_that_an_append_that_fails_half_way_is_cut_back_kept_and_tried_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = EventWriter(path, 1)
    writer.write(Note(text="before"))
    before = path.read_bytes()
    write, calls = os.write, []

    def half(file: int, data: bytes) -> int:
        calls.append(data)
        if len(calls) == 1:
            return write(file, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        assert not writer.write(Note(text="kept"))
    assert path.read_bytes() == before
    assert writer.flush()
    writer.close()
    assert texts(path) == ["before", "kept"]


def test_that_what_waits_is_written_at_the_close(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = EventWriter(path, 1)

    def full(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        assert not writer.write(Note(text="last words"))
    writer.close()
    assert texts(path) == ["last words"]


def test_that_kinds_and_fields_of_a_later_version_are_passed_over(path: Path) -> None:
    path.write_text(
        '{"kind": "hologram", "time": 1, "depth": 3}\n{"kind": "note", "time": 1, "text": "known", "colour": "green"}\n'
    )
    reader = EventReader(path)
    assert [event.kind for event in reader.read()] == ["note"]
    assert reader.bad_lines == 0


@pytest.mark.parametrize(
    "line",
    [
        b"no json",
        b"5",
        b"[]",
        b"{}",
        b'{"kind": "note"}',
        b'{"kind": "scalars", "epoch": 0, "step": ["a"], "loss": [1]}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"kind": "note", "text": "cut',
    ],
)
def test_that_a_bad_line_is_counted_and_hides_no_other(path: Path, line: bytes) -> None:
    good = Note(text="good").model_dump_json().encode()
    path.write_bytes(good + b"\n" + line + b"\n\n" + good + b"\n")
    reader = EventReader(path)
    assert len(reader.read()) == 2
    assert reader.bad_lines == 1


def test_that_a_line_without_end_does_not_keep_the_reader_from_what_follows(path: Path) -> None:
    good = Note(text="good").model_dump_json().encode()
    path.write_bytes(b"x" * 5000 + b"\n" + good + b"\n")
    reader = EventReader(path)
    found = [event for _ in range(10) for event in reader.read(limit=1000)]
    assert len(found) == 1
    assert reader.bad_lines > 0


@given(st.binary(max_size=300))
def test_that_no_file_is_too_broken_to_be_read(data: bytes) -> None:
    list(EventReader(Path())._parse(data))


def test_that_a_large_file_is_read_in_portions_without_losing_a_line(path: Path) -> None:
    writer = EventWriter(path, 1)
    for number in range(100):
        writer.write(Note(text=str(number)))
    writer.close()
    reader = EventReader(path)
    found = []
    while portion := reader.read(limit=1000):
        found += portion
    assert [event.text for event in found if isinstance(event, Note)] == [str(number) for number in range(100)]


def test_that_pieces_hold_every_event_once_also_one_that_is_longer_than_a_piece(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.runs.events.PIECE_BYTES", 300)
    writer = EventWriter(path, 1)
    texts = [str(place) * (500 if place == 7 else 20) for place in range(20)]
    for text in texts:
        writer.write(Note(text=text))
    writer.close()
    with path.open("ab") as file:
        file.write(b'{"kind": "note"')  # not yet whole
    reader = EventReader(path)
    pieces = list(reader.pieces())
    assert len(pieces) > 5
    assert [event.text for piece in pieces for event in piece if isinstance(event, Note)] == texts
    assert list(reader.pieces()) == []
    assert reader.bad_lines == 0


def test_that_a_file_that_is_not_there_yet_has_no_events(path: Path) -> None:
    reader = EventReader(path)
    assert reader.read() == []
    writer = EventWriter(path, 1)
    writer.write(Note(text="now"))
    writer.close()
    assert len(reader.read()) == 1


def test_that_an_event_as_a_line_is_plain_data() -> None:
    data = as_line(Epoch(epoch=1, step=2, train={"loss": 0.5}))
    assert json.loads(json.dumps(data)) == data
    assert data["kind"] == "epoch"


STARTED = run_events.started(epochs=1, steps_per_epoch=2)


def test_that_events_of_a_later_version_are_shown_as_far_as_they_are_known(path: Path) -> None:
    lines = [
        {**STARTED.model_dump(mode="json"), "task": "detection", "format": FORMAT + 1, "boxes": 5},
        {"kind": "boxes", "time": 1.0, "attempt": 1},
        Scalars(epoch=0, step=(1, 2), loss=(0.5, 0.25)).model_dump(mode="json"),
        {"kind": "note", "level": "debug", "text": "a note"},
        {"kind": "recovered", "why": "a cable", "step": 2, "from_step": 2, "text": "recovered"},
        {"kind": "ended", "status": "handed over", "what": "handed over to another machine"},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    reader = EventReader(path)
    progress = Progress()
    progress.apply_all(reader.read())
    assert reader.bad_lines == 0
    assert progress.started is not None
    assert progress.started.task == "detection"
    assert progress.curves.loss.y.tolist() == [0.5, 0.25]
    assert progress.state == "stopped"
    texts = [line.text for line in progress.log]
    assert any("newer version" in text for text in texts)
    assert "handed over to another machine" in texts


def test_that_events_without_a_format_are_of_the_first(path: Path) -> None:
    line = STARTED.model_dump(mode="json")
    del line["format"]
    path.write_text(json.dumps(line) + "\n")
    (event,) = read_events(path)
    assert isinstance(event, Started)
    assert event.format == 1
    progress = Progress()
    progress.apply(event)
    assert not any("newer" in line.text for line in progress.log)


@pytest.mark.parametrize("part", [{"level": 5}, {"level": None}])
def test_that_a_word_that_is_none_is_still_a_bad_line(path: Path, part: dict[str, object]) -> None:
    path.write_text(json.dumps({**Note(text="a note").model_dump(mode="json"), **part}) + "\n")
    reader = EventReader(path)
    assert reader.read() == []
    assert reader.bad_lines == 1
