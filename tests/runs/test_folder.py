"""A run's folder: made once, found by name, and locked by whoever runs it."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench.config.run import RunConfig
from workbench.runs import folder
from workbench.runs.folder import RunBusyError, RunFolder, create, find, list_runs, locked, safe_name

ROOT = Path(__file__).resolve().parents[2]

HOLD = """
import sys
from pathlib import Path
from workbench.runs.folder import RunFolder, locked
with locked(RunFolder(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""
CREATE = """
import sys
from pathlib import Path
from workbench.config.run import RunConfig
from workbench.runs import folder
class Clock(folder.datetime):
    @classmethod
    def now(cls):
        return cls(2026, 1, 2, 3, 4, 5)
folder.datetime = Clock
config = RunConfig()
print("ready", flush=True)
sys.stdin.readline()
for _ in range(20):
    print(folder.create(config, "same", Path(sys.argv[1])).path, flush=True)
"""


def start(code: str, *arguments: str) -> "subprocess.Popen[str]":
    """Another process. Its first line says that it is where the test wants it."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


@pytest.fixture
def run() -> RunFolder:
    return create(RunConfig(), "trial")


@pytest.fixture
def holder(run: RunFolder) -> "Iterator[subprocess.Popen[str]]":
    """Another process that holds the run's lock."""
    process = start(HOLD, str(run.path))
    yield process
    process.kill()
    process.communicate()


def test_that_processes_that_make_runs_in_the_same_second_never_share_a_folder(tmp_path: Path) -> None:
    makers = [start(CREATE, str(tmp_path)) for _ in range(4)]
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda maker: maker.communicate("go\n")[0], makers))
    made = [line for answer in answers for line in answer.splitlines()]
    assert len(made) == 80
    assert len(set(made)) == 80
    assert all(RunFolder(Path(path)).config() == RunConfig() for path in made)
    assert len(list_runs(tmp_path)) == 80


def test_that_an_existing_folder_is_never_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = create(RunConfig(), "same", tmp_path)
    first.config_file.write_text("changed")
    second = create(RunConfig(), "same", tmp_path)
    assert second.path != first.path
    assert first.config_file.read_text() == "changed"


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_that_a_run_is_private_to_its_owner(run: RunFolder) -> None:
    assert run.path.stat().st_mode & 0o077 == 0


def test_that_a_full_disk_leaves_no_half_made_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder, "write_whole", full)
    with pytest.raises(OSError, match="No space left"):
        create(RunConfig(), "trial", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name, safe",
    [
        ("digits-cnn", "digits-cnn"),
        ("내 실험 1", "내-실험-1"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", "run"),
        ("/", "run"),
        ("", "run"),
        (".hidden", "hidden"),
        ('a<b>:"c|?*', "a-b-c"),
        ("a\nb\0c", "a-b-c"),
        ("Cafe\N{COMBINING ACUTE ACCENT}", "Caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
    ],
)
def test_that_a_name_is_made_fit_for_a_folder(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text(max_size=200))
@example("\N{MATHEMATICAL BOLD CAPITAL A}" * 200)
def test_that_no_name_leaves_the_folder_of_runs(name: str) -> None:
    safe = safe_name(name)
    assert safe == Path(safe).name
    assert safe not in ("", ".", "..")
    assert len(safe.encode()) <= 200
    assert safe_name(safe) == safe


@pytest.mark.parametrize("name", ["내 실험", "x" * 300, "../out", "\N{MATHEMATICAL BOLD CAPITAL A}" * 60])
def test_that_any_name_makes_a_run_in_its_root(name: str, tmp_path: Path) -> None:
    assert create(RunConfig(), name, tmp_path).path.parent == tmp_path


def test_that_a_run_is_found_by_path_by_whole_name_and_by_the_name_it_was_given(run: RunFolder) -> None:
    assert find(str(run.path)) == RunFolder(run.path.resolve())
    assert find(str(run.config_file)) == RunFolder(run.path.resolve())
    assert find(run.name) == run
    assert find("trial") == run
    assert find("nobody") is None


def test_that_of_several_runs_of_a_name_the_newest_is_meant(tmp_path: Path) -> None:
    for day in ("20260103", "20260101", "20260102"):
        (tmp_path / f"{day}-000000-mine").mkdir()
        (tmp_path / f"{day}-000000-mine" / "run.toml").write_text("")
    found = find("mine", tmp_path)
    assert found is not None
    assert found.name == "20260103-000000-mine"


@pytest.mark.parametrize("name", ["..", ".", "/", "../..", "trial/..", ""])
def test_that_a_name_does_not_climb_out_of_the_folder_of_runs(run: RunFolder, name: str) -> None:
    assert find(name, run.path.parent) is None


def test_that_what_is_no_run_is_not_listed(tmp_path: Path, run: RunFolder) -> None:
    (run.path.parent / "notes.txt").write_text("")
    (run.path.parent / "empty").mkdir()
    assert list_runs() == [run]
    assert list_runs(tmp_path / "none") == []


def test_that_a_run_is_going_while_another_process_holds_its_lock(
    run: RunFolder, holder: "subprocess.Popen[str]"
) -> None:
    assert run.is_running()
    with pytest.raises(RunBusyError), locked(run, patience=0.1):
        pass
    holder.communicate("")
    assert not run.is_running()
    with locked(run):
        assert run.is_running()
    assert not run.is_running()


def test_that_a_killed_engine_holds_no_lock(run: RunFolder, holder: "subprocess.Popen[str]") -> None:
    holder.kill()
    holder.wait()
    assert not run.is_running()
    with locked(run, patience=0):
        pass


def test_that_looking_at_a_run_does_not_keep_an_engine_from_starting(run: RunFolder) -> None:
    with locked(run):
        pass
    with run.lock_file.open("rb") as file:
        assert folder._try_lock(file, shared=True)
        assert not run.is_running()
        with pytest.raises(RunBusyError), locked(run, patience=0):
            pass
        folder._unlock(file)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_that_who_may_only_read_sees_that_a_run_is_going(run: RunFolder, holder: "subprocess.Popen[str]") -> None:
    run.lock_file.chmod(0o400)
    assert run.is_running()


def test_that_a_lock_file_is_opened_for_reading_alone_to_look(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []
    opened = Path.open

    def watched(path: Path, mode: str = "r", *rest: object, **options: object) -> object:
        if path == run.lock_file:
            modes.append(mode)
        return opened(path, mode, *rest, **options)  # type: ignore[call-overload]

    with locked(run):
        monkeypatch.setattr(Path, "open", watched)
        assert run.is_running()
    assert modes == ["rb"]


@pytest.mark.parametrize(
    "engine, going",
    [
        ({"heartbeat": 0}, True),
        ({"heartbeat": -2 * folder.HEARTBEAT_SECONDS}, True),
        ({"heartbeat": -10 * folder.HEARTBEAT_SECONDS}, False),
        ({"heartbeat": 0, "left": True}, False),
    ],
)
def test_that_a_run_on_another_host_is_known_by_its_heartbeat(
    run: RunFolder, engine: dict[str, float], going: bool
) -> None:
    beat = {**engine, "heartbeat": time.time() + engine["heartbeat"]}
    run.engine_file.write_text(json.dumps({"pid": 1, "host": "elsewhere", "attempt": 1, **beat}))
    assert run.is_running() is going


def test_that_a_fresh_heartbeat_on_this_host_is_no_lock(run: RunFolder) -> None:
    folder.write_engine(run, attempt=3, pid=1)
    assert folder.read_json(run.engine_file)["host"] == socket.gethostname()
    assert not run.is_running()
    assert run.attempts() == 3


@given(content=st.one_of(st.text(), st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps)))
@example(content='{"attempt": "many", "heartbeat": null}')
@example(content='{"attempt": Infinity, "host": "elsewhere", "heartbeat": NaN}')
@example(content='{"attempt": [1], "host": 5, "heartbeat": {}}')
@example(content="[" * 100_000)
def test_that_a_damaged_engine_file_is_no_engine(content: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    run = RunFolder(tmp_path_factory.mktemp("run"))
    run.engine_file.write_text(content, encoding="utf-8", errors="ignore")
    assert run.attempts() == 0
    assert not run.is_running()


def test_that_a_reader_sees_a_whole_file_or_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "summary.json"
    folder.write_whole(file, "first")
    with pytest.raises(UnicodeEncodeError):
        folder.write_whole(file, "second \ud800")
    assert file.read_text() == "first"
    folder.write_whole(file, "third", durable=True)
    assert file.read_text() == "third"
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]
