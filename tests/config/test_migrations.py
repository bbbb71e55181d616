"""Settings under old names are read for good, and files of a newer version are refused in words."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.stored import V0_1
from workbench.config import compare, files, migrations, recipes
from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig, sections, variants

OLD_FILES = sorted((V0_1 / "run-files").glob("*.toml"))


def names_of(section: str) -> set[str]:
    return {name for variant in variants(section) for name in variant.model_fields}


@pytest.mark.parametrize("old", migrations.RENAMED_SETTINGS)
def test_that_an_old_name_is_no_setting_s_and_its_new_name_is(old: str) -> None:
    section, _, name = old.partition(".")
    assert section in sections()
    assert name not in names_of(section)
    new_section, _, new_name = migrations.RENAMED_SETTINGS[old].partition(".")
    assert new_name in names_of(new_section)
    assert migrations.RENAMED_SETTINGS[old] not in migrations.RENAMED_SETTINGS


@pytest.mark.parametrize("path", OLD_FILES, ids=lambda path: path.stem)
def test_that_every_run_file_of_version_0_1_is_read(path: Path) -> None:
    notes: list[str] = []
    config = files.load(path, notes)
    again: list[str] = []
    assert files.parse(tomllib.loads(files.dumps(config)), again) == config
    assert again == []
    old_names = {
        name for name in migrations.RENAMED_SETTINGS if re.search(rf"\b{name.partition('.')[2]}\b", path.read_text())
    }
    # A comparison's own settings are named when it is read.
    compare.of_file(path, notes)
    assert {note.partition(" ")[0] for note in notes if "is now called" in note} == old_names


def test_that_the_stored_run_files_have_every_old_name_and_value() -> None:
    text = "".join(path.read_text() for path in OLD_FILES)
    assert all(path.partition(".")[2] in text for path in migrations.RENAMED_SETTINGS)
    assert all(f'"{value}"' in text for values in migrations.RENAMED_VALUES.values() for value in values)


def test_that_old_values_become_those_of_today() -> None:
    config = files.load(V0_1 / "run-files" / "image-folder.toml").as_data()
    assert config["dataset"]["channels"] == "gray"
    assert (config["model"]["backbone_lr_scale"], len(config["model"]["stage_lr_scales"])) == (0.5, 5)


def test_that_set_takes_an_old_name_with_a_note() -> None:
    config = recipes.start("digits-mlp")[1]
    notes: list[str] = []
    values = files.parse_assignments(["optimizer.kind=muon", "optimizer.rest=0.5"])
    changed = files.change(config, values, notes)
    assert changed.as_data()["optimizer"]["adamw_lr_scale"] == 0.5
    assert notes == ["optimizer.rest is now called optimizer.adamw_lr_scale"]


def test_that_an_old_name_beside_its_new_one_is_refused() -> None:
    data = {"optimizer": {"kind": "muon", "rest": 0.5, "adamw_lr_scale": 0.25}}
    with pytest.raises(ConfigError) as caught:
        files.parse(data)
    assert [problem.path for problem in caught.value.problems] == ["optimizer.rest"]


def test_that_a_comparison_may_use_old_names() -> None:
    path = V0_1 / "run-files" / "compared-kinds.toml"
    wanted = compare.of_file(path)
    first, second = compare.variants(files.load(path), wanted)
    assert first.values == {"optimizer.kind": "muon", "optimizer.adamw_lr_scale": 0.25}
    assert second.config.as_data()["schedule"]["min_lr_factor"] == 0.1


def test_that_what_was_set_under_an_old_name_holds_for_every_variant() -> None:
    config = files.change(RunConfig(), {"optimizer.kind": "muon", "optimizer.rest": 0.5})
    (variant,) = compare.variants(config, [{"optimizer.kind": "muon"}], given=["optimizer.rest"])
    assert variant.config.as_data()["optimizer"]["adamw_lr_scale"] == 0.5


@pytest.mark.parametrize("data", [{"optimizer": 5}, {"optimizer": {"rest": [1]}}, {"dataset": {"channels": ["grey"]}}])
def test_that_what_is_no_table_or_no_word_is_left_to_be_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        files.parse(data)


def test_that_a_written_run_file_has_its_format() -> None:
    assert tomllib.loads(files.dumps(RunConfig()))["format"] == migrations.CONFIG_FORMAT


def test_that_a_run_file_of_a_newer_version_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    newer = migrations.CONFIG_FORMAT + 1
    path.write_text(files.dumps(RunConfig()).replace(f"format = {newer - 1}", f"format = {newer}"))
    with pytest.raises(ConfigError) as caught:
        files.load(path)
    (problem,) = caught.value.problems
    assert "newer version" in problem.what
    assert str(path) in problem.what
    assert problem.hint == "update the program"


@pytest.mark.parametrize("number", ['"two"', "0", "-1", "1.5", "true", "[2]"])
def test_that_a_format_that_is_no_number_is_refused(tmp_path: Path, number: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(f"format = {number}\n")
    with pytest.raises(ConfigError) as caught:
        files.load(path)
    assert [problem.path for problem in caught.value.problems] == ["format"]


@pytest.mark.parametrize("kind", ["mlp", "lstm"])
def test_that_a_checkpoint_has_the_settings_that_came_later_where_its_kinds_have_them(kind: str) -> None:
    before: dict[str, Any] = {"model": {"kind": kind}, "dataset": {"kind": "sine" if kind == "lstm" else "synthetic"}}
    config = files.with_new_settings(before)
    assert config["model"].get("norm_groups") == ("auto" if kind == "mlp" else None)
    assert config["model"]["freeze"] == []
    assert config["dataset"].get("spacing") == ("random" if kind == "mlp" else None)
    assert config["training"]["monitor"] == "auto"
    wrong = {"model": {"kind": "of another version"}}
    assert files.with_new_settings(wrong) == wrong
