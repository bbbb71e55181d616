"""The script that people begin with: what it makes of the arguments of ``run``."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "packaging" / "bootstrap.py"


@pytest.fixture
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_that_settings_alone_are_those_of_the_default_recipe(bootstrap: ModuleType) -> None:
    assert bootstrap.started([]) == ["digits-cnn"]
    settings = ["--set", "training.epochs=1", "--set=optimizer.lr=0.1", "--runs", "here"]
    assert bootstrap.started(settings) == ["digits-cnn", *settings]


def test_that_a_start_is_kept_wherever_it_stands(bootstrap: ModuleType) -> None:
    arguments = ["--set", "training.epochs=1", "digits-mlp"]
    assert bootstrap.started(arguments) == arguments
