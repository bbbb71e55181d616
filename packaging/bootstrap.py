#!/usr/bin/env python3
"""From a fresh checkout to the window or the tests, with one command.

    python3 packaging/bootstrap.py setup                 make .venv and install everything, pinned
    python3 packaging/bootstrap.py run [ARGUMENT ...]    setup, then the window (`workbench gui ARGUMENT ...`)
    python3 packaging/bootstrap.py test [ARGUMENT ...]   setup, then every check; the arguments go to pytest
    python3 packaging/bootstrap.py test --quick          the checks that start no process of the program: before a commit

Standard library only. What setup says goes to standard error: standard output belongs to the window or the tests.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
WINDOWS = os.name == "nt"
MOST_TESTS_AT_ONCE = 4
"""Each holds PyTorch in memory."""
BIN = VENV / ("Scripts" if WINDOWS else "bin")
PYTHON = BIN / ("python.exe" if WINDOWS else "python")
REQUIREMENTS = ROOT / "packaging" / "requirements.txt"
STAMP = VENV / "workbench-setup"
UNFINISHED = VENV / "workbench-setup.unfinished"

# Fetched only where the machine has no uv of its own.
UV = "uv==0.13.8"

# What decides whether an environment made earlier still fits. The version is part of the installed metadata.
INGREDIENTS = (REQUIREMENTS, ROOT / "pyproject.toml", ROOT / "workbench" / "__init__.py")

# Debian's names of what the Qt wheels link to but do not carry, with a library to look for where it came another way.
OFFSCREEN = {
    "libegl1": "libEGL.so.1",
    "libgl1": "libGL.so.1",
    "libx11-6": "libX11.so.6",
    "libxkbcommon0": "libxkbcommon.so.0",
    "libfontconfig1": "libfontconfig.so.1",
    "libfreetype6": "libfreetype.so.6",
    "libdbus-1-3": "libdbus-1.so.3",
    "libglib2.0-0": "libglib-2.0.so.0",
    "libzstd1": "libzstd.so.1",
    "fonts-dejavu-core": None,  # without any font, every text is a row of boxes
}
ON_SCREEN = {
    "libxcb-cursor0": "libxcb-cursor.so.0",
    "libxcb-icccm4": "libxcb-icccm.so.4",
    "libxcb-image0": "libxcb-image.so.0",
    "libxcb-keysyms1": "libxcb-keysyms.so.1",
    "libxcb-randr0": "libxcb-randr.so.0",
    "libxcb-render-util0": "libxcb-render-util.so.0",
    "libxcb-shape0": "libxcb-shape.so.0",
    "libxcb-sync1": "libxcb-sync.so.1",
    "libxcb-util1": "libxcb-util.so.1",
    "libxcb-xfixes0": "libxcb-xfixes.so.0",
    "libxcb-xkb1": "libxcb-xkb.so.1",
    "libx11-xcb1": "libX11-xcb.so.1",
    "libxkbcommon-x11-0": "libxkbcommon-x11.so.0",
}


QUICK = "--quick"
"""Selects the tests that need no process; see tests/conftest.py."""
TAKE_A_VALUE = ("--set", "--runs", "--screenshot")
"""Options of the window that are followed by a value, which is no start."""


class Refused(Exception):
    """Something the person has to do first; the text says what."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def call(*command: str | Path, env: Mapping[str, str] | None = None) -> None:
    """Runs a step of the setup; its output goes to standard error."""
    try:
        subprocess.run([str(part) for part in command], check=True, cwd=ROOT, env=env, stdout=sys.stderr)
    except subprocess.CalledProcessError as problem:
        text = shlex.join(str(part) for part in command)
        raise Refused(f"This step failed with status {problem.returncode}; what it said is above:\n  {text}") from None


# --- the environment --------------------------------------------------------------------------------------------------


def fingerprint() -> str:
    digest = hashlib.sha256(f"{sys.version} {platform.machine()} {ROOT}".encode())
    for file in INGREDIENTS:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def is_ready() -> bool:
    return PYTHON.exists() and STAMP.is_file() and STAMP.read_text(encoding="utf-8") == fingerprint()


def fits(venv: Path) -> bool:
    """Whether an environment without a valid stamp can be completed, or has to be made anew."""
    try:
        settings = (venv / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return False
    version = re.search(r"^version(?:_info)? *= *(\d+)\.(\d+)", settings, re.MULTILINE)
    same = version is not None and (int(version[1]), int(version[2])) == sys.version_info[:2]
    return same and not UNFINISHED.exists() and answers(PYTHON, "-c", "")


def answers(*command: str | Path) -> bool:
    """Whether a program is there and starts: a shim on the path may stand for nothing."""
    try:
        result = subprocess.run([str(part) for part in command], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0


def base_python() -> str:
    """The interpreter that environments are made from, also when this one runs inside an environment."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def find_uv(*, own: bool) -> Path | None:
    """The machine's uv; with `own`, also the one in `.venv`, which is no use while `.venv` is about to go."""
    on_path = shutil.which("uv")
    candidates = [Path(on_path)] if on_path else []
    if own:
        candidates.append(BIN / ("uv.exe" if WINDOWS else "uv"))
    return next((uv for uv in candidates if (own or uv.parent != BIN) and answers(uv, "--version")), None)


def make_environment() -> Path:
    """Makes `.venv` where there is none that fits, and returns the uv that fills it."""
    keep = fits(VENV)
    if not keep and VENV.exists():
        say(f"{VENV} is unfinished or belongs to another Python: making it anew")
        shutil.rmtree(VENV)
    uv = find_uv(own=keep)
    if uv is None:
        return fetch_uv()
    if not keep:
        call(uv, "venv", "--quiet", "--python", base_python(), VENV)
    return uv


def fetch_uv() -> Path:
    say("uv is not on this machine: fetching it into .venv")
    if not answers(PYTHON, "-m", "pip", "--version"):
        make_plain_environment()
    call(PYTHON, "-m", "pip", "install", "--quiet", UV)
    uv = find_uv(own=True)
    if uv is None:
        raise Refused(f"{UV} was installed into .venv but does not start; install uv by hand, then try again.")
    return uv


def make_plain_environment() -> None:
    """With the standard library's own tool, which Debian keeps in a package of its own."""
    command = (base_python(), "-m", "venv", "--clear", str(VENV))
    if answers(*command):
        return
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    if not is_debian():
        raise Refused(f"Python cannot make environments here; this says why:\n  {shlex.join(command)}")
    install_packages([package])
    call(*command)


def install() -> None:
    say("Installing Workbench and what it needs into .venv (PyTorch is large: the first time takes minutes)")
    # Taken away first and put back last, so that an interrupted installation is never taken for a good one. Nor are the
    # packages that it left: one that was half unpacked looks installed, so the next call makes everything anew.
    STAMP.unlink(missing_ok=True)
    uv = make_environment()
    UNFINISHED.touch()
    # PyTorch's wheels for Windows on the usual index see no GPU; uv knows the index that fits the machine's driver.
    backend = ["--torch-backend=auto"] if WINDOWS else []
    call(uv, "pip", "install", "--python", PYTHON, "--compile-bytecode", *backend, "-r", REQUIREMENTS)
    UNFINISHED.unlink()
    call(uv, "pip", "install", "--python", PYTHON, "--quiet", "--no-deps", "--no-build-isolation", "-e", ROOT)
    written = STAMP.with_suffix(".tmp")
    written.write_text(fingerprint(), encoding="utf-8")
    written.replace(STAMP)


# --- Qt's system libraries --------------------------------------------------------------------------------------------


def is_debian() -> bool:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return False
    family = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    return bool(family & {"debian", "ubuntu"}) and shutil.which("dpkg-query") is not None


def has_display(env: Mapping[str, str]) -> bool:
    if env.get("QT_QPA_PLATFORM", "").split(":")[0] in {"offscreen", "minimal"}:
        return False
    if sys.platform in {"darwin", "win32"}:
        return True
    return bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY") or env.get("QT_QPA_PLATFORM"))


def missing_packages(wanted: Mapping[str, str | None]) -> list[str]:
    # Since its change to 64-bit time, Ubuntu calls some of them NAMEt64.
    names = [name + ending for name in wanted for ending in ("", "t64")]
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *names]
    answer = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    there = {line.split()[0].removesuffix("t64") for line in answer.splitlines() if line.endswith(" installed")}
    return [name for name, library in wanted.items() if name not in there and not can_load(library)]


def can_load(library: str | None) -> bool:
    if library is None:
        return False
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def check_system_libraries() -> None:
    if not is_debian():
        return
    wanted: dict[str, str | None] = {**OFFSCREEN, **(ON_SCREEN if has_display(os.environ) else {})}
    missing = missing_packages(wanted)
    if missing:
        install_packages(missing)


def install_packages(packages: Sequence[str]) -> None:
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    if os.geteuid() != 0:
        line = shlex.join(command)
        raise Refused(f"System packages are missing. Run this, then try again:\n  sudo apt-get update && sudo {line}")
    say(f"Installing system packages: {' '.join(packages)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    call("apt-get", "update", env=env)
    call(*command, env=env)


# --- the three commands -----------------------------------------------------------------------------------------------


def setup() -> None:
    check_system_libraries()
    if not is_ready():
        install()


def become(command: Sequence[str], env: Mapping[str, str]) -> NoReturn:
    """Hands this process over, so that signals, output and exit status are the program's own."""
    sys.stdout.flush()
    sys.stderr.flush()
    if WINDOWS:  # which would return to the shell at once
        sys.exit(subprocess.run(command, env=dict(env), check=False).returncode)
    os.execve(command[0], list(command), dict(env))


def run(arguments: Sequence[str]) -> int:
    window = [str(PYTHON), "-m", "workbench", "gui"]
    if has_display(os.environ):
        become([*window, *arguments], os.environ)
    # A fresh folder of its own: nobody else's files can be in the way, and the runs folder holds runs only.
    screenshot = Path(tempfile.mkdtemp(prefix="workbench-")) / "window.png"
    say("There is no display: training with the window drawn off screen, whose picture is named at the end.")
    unattended = ["--train", "--quit-when-done", "--screenshot", str(screenshot)]
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    become([*window, *started(arguments), *unattended], env)


def started(arguments: Sequence[str]) -> list[str]:
    """The arguments with the default recipe where they name no start: what was open last is nobody's wish here."""
    rest = iter(arguments)
    for one in rest:
        if one in TAKE_A_VALUE:
            next(rest, None)
        elif not one.startswith("-"):
            return [*arguments]
    return ["digits-cnn", *arguments]


def test(arguments: Sequence[str]) -> int:
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    steps: dict[str, Sequence[str | Path]] = {
        "ruff check": [PYTHON, "-m", "ruff", "check"],
        "ruff format --check": [PYTHON, "-m", "ruff", "format", "--check"],
        "mypy": [PYTHON, "-m", "mypy"],
        "lint-imports": [PYTHON, "-c", "from importlinter.cli import lint_imports_command as main; main()"],
    }
    failed = [name for name, command in steps.items() if step(name, command, env) != 0]
    # pytest comes last and has the last word, so what failed before it is said now.
    if failed:
        print(f"\nFAILED before pytest: {', '.join(failed)} (see above)", flush=True)
    selection = ["-m", "quick and not campaign"] if QUICK in arguments else []
    rest = [argument for argument in arguments if argument != QUICK]
    status = step("pytest", [PYTHON, "-m", "pytest", *side_by_side(), *selection, *rest], env)
    return status or (1 if failed else 0)


def side_by_side() -> list[str]:
    """Options for pytest: tests run on several processors at once, as far as there are some. A later ``-n 0`` undoes it."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ["-n", str(min(cpus, MOST_TESTS_AT_ONCE))] if cpus > 1 else []


def step(name: str, command: Sequence[str | Path], env: Mapping[str, str]) -> int:
    print(f"\n--- {name}", flush=True)
    return subprocess.run([str(part) for part in command], cwd=ROOT, env=dict(env), check=False).returncode


def main(argv: Sequence[str] | None = None) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever has an older one should read a sentence
        say(f"Workbench needs Python 3.11 or newer; this is {platform.python_version()} ({sys.executable}).")
        return 2
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["setup", "run", "test"])
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="handed on to the window or to pytest")
    asked = parser.parse_args(argv)
    arguments = asked.arguments[1:] if asked.arguments[:1] == ["--"] else asked.arguments
    commands: dict[str, Callable[[Sequence[str]], int]] = {"run": run, "test": test}
    try:
        setup()
        return commands[asked.command](arguments) if asked.command in commands else 0
    except Refused as refusal:
        say(str(refusal))
        return 1
    except KeyboardInterrupt:
        say("Interrupted. The next call goes on from here.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
