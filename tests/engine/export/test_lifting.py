"""Code is lifted with its comments, cut down by what is known, and from wherever the program was loaded."""

import pkgutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from workbench.config.schedule import Cosine, Plan
from workbench.config.training import Training
from workbench.engine.data import balance
from workbench.engine.data.augment import color
from workbench.engine.export.lifting import source
from workbench.engine.export.lifting.cleaning import clean
from workbench.engine.export.lifting.folding import Facts, reduced
from workbench.engine.export.lifting.lift import Piece, Script
from workbench.engine.runtime.failures import RefusedError

ROOT = Path(__file__).resolve().parents[3]


def folded(text: str, **values: object) -> str:
    return reduced(text.strip("\n") + "\n", Facts(values=values))


def test_that_conditions_that_are_known_leave_one_branch_with_its_comments() -> None:
    text = """
def choose(kind, x):
    # Above.
    if kind == "a":
        # Within.
        x = x + 1  # beside
    elif kind == "b":
        x = 2
    else:
        x = 3
    return x
"""
    first = "def choose(kind, x):\n    # Above.\n    # Within.\n    x = x + 1  # beside\n    return x\n"
    assert folded(text, kind="a") == first
    assert folded(text, kind="b") == "def choose(kind, x):\n    # Above.\n    x = 2\n    return x\n"
    assert folded(text, kind="c") == "def choose(kind, x):\n    # Above.\n    x = 3\n    return x\n"
    assert folded(text) == text.lstrip("\n")


def test_that_a_branch_that_returns_hides_what_is_behind_it() -> None:
    text = "def f(a, x):\n    if a:\n        return x\n    y = x + 1\n    return y\n"
    assert folded(text, a=True) == "def f(a, x):\n    return x\n"
    assert folded(text, a=False) == "def f(a, x):\n    y = x + 1\n    return y\n"


def test_that_an_argument_that_is_set_anew_is_not_taken_for_known() -> None:
    text = "def f(a):\n    a = a or g()\n    return 1 if a else 2\n"
    assert folded(text, a=False) == text


def test_that_what_nobody_reads_and_checks_that_only_refuse_go() -> None:
    text = """
def f(x, progress):
    progress("reading", None)
    notes = []
    if x < 0:
        what = "negative"
        raise ValueError(what)
    try:
        y, z = x + 1, 2
    except OSError as error:
        raise ValueError from error
    for number in range(x):
        notes.append(number)
    return y
"""
    assert (
        clean(clean(text.lstrip("\n"), frozenset({"progress"})), frozenset())
        == "def f(x):\n    y = x + 1\n    return y\n"
    )


def test_that_a_name_that_an_inner_function_reads_stays() -> None:
    text = "def f(rows):\n    found = []\n\n    def add(row):\n        found.append(row)\n\n    add(rows)\n    return found\n"
    assert clean(text, frozenset()) == text


def test_that_a_section_becomes_a_plain_class_with_the_settings_that_are_used() -> None:
    piece = Piece("value = Settings().factor(3, Plan(2, 5))", uses={"Settings": Cosine, "Plan": Plan})
    (code,) = Script([Cosine(warmup=0.5, final=0.25)], [("rate", piece)]).sections().values()
    assert "setting(" not in code
    assert "warmup = 0.5" in code
    script: dict[str, object] = {"__name__": __name__}
    exec("from __future__ import annotations\nimport math\nfrom dataclasses import dataclass\n" + code, script)
    assert script["value"] == Cosine(warmup=0.5, final=0.25).factor(3, Plan(2, 5))


def test_that_what_is_used_stands_before_its_use_and_only_once() -> None:
    pieces = [
        ("one", Piece("weights = class_weights(counts)", uses={"class_weights": balance.class_weights})),
        ("two", Piece("hue = turn_hue(images, angle)", uses={"turn_hue": color.turn_hue})),
        ("two", Piece("again = class_weights(counts)", uses={"class_weights": balance.class_weights})),
    ]
    code = Script([Training()], pieces).sections()
    assert code["one"].count("def class_weights") == 1
    assert "class_weights(found" not in code["two"]
    assert code["two"].index("def _to_hsv") < code["two"].index("def turn_hue") < code["two"].index("hue = turn_hue")


def test_that_a_name_that_a_script_has_already_is_given_with_its_module() -> None:
    piece = Piece("def turn_hue(x: object) -> object:\n    return turned(x, x)", uses={"turned": color.turn_hue})
    (code,) = Script([], [("all", piece)]).sections().values()
    assert "def turn_hue_color(" in code
    assert "return turn_hue_color(x, x)" in code


def test_that_an_expression_that_the_source_no_longer_holds_is_told() -> None:
    piece = Piece("hue = turn_hue(images, angle)", uses={"turn_hue": color.turn_hue}, swaps={"gone(1)": "2"})
    with pytest.raises(LookupError, match="no longer holds gone"):
        Script([], [("all", piece)]).sections()


def test_that_an_installation_without_sources_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str, resource: str) -> bytes:
        raise FileNotFoundError(resource)

    monkeypatch.setattr(pkgutil, "get_data", missing)
    with pytest.raises(RefusedError, match="lacks the source of workbench"):
        source.read_module.__wrapped__("workbench.engine.models.mlp")


def test_that_code_is_lifted_where_the_modules_are_no_files(tmp_path: Path) -> None:
    packed = tmp_path / "program.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted((ROOT / "workbench").rglob("*.py")):
            archive.write(path, path.relative_to(ROOT).as_posix())
    code = f"""
import sys
sys.path.insert(0, {str(packed)!r})
import torch, workbench
from workbench.config.run import RunConfig
from workbench.config.dataset import Synthetic
from workbench.config.model import MLP
from workbench.engine import data
from workbench.engine.export.script import assemble
from workbench.engine.training import build
assert "program.zip" in workbench.__file__
config = RunConfig(dataset=Synthetic(), model=MLP())
source = data.load(config.dataset)
print(assemble.text(config, source, build.build_model(config, source, torch.device("cpu"))))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "def build_model()" in done.stdout
