"""The four faces of a setting agree, and every mistake is found at once with its place."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import run_configs, settings_of_all_kinds, values
from workbench.config import files
from workbench.config.fields import Section, Setting, kind_of
from workbench.config.problems import ConfigError, Problem
from workbench.config.run import RunConfig, sections, variants


def problems_of(data: dict[str, Any]) -> dict[str, Problem]:
    """The problems that parsing finds, by path."""
    with pytest.raises(ConfigError) as caught:
        files.parse(data)
    found = {problem.path: problem for problem in caught.value.problems}
    assert len(found) == len(caught.value.problems), "a path is named twice"
    return found


def as_assignment(path: str, value: object) -> str:
    """A setting as one types it after ``--set``."""
    return f"{path}={tomli_w.dumps({'v': value}).removeprefix('v = ').rstrip()}"


@given(run_configs())
def test_that_a_run_file_gives_back_the_configuration_it_was_written_from(config: RunConfig) -> None:
    assert files.parse(tomllib.loads(files.dumps(config))) == config


@given(run_configs())
def test_that_plain_data_gives_back_the_configuration_it_was_made_from(config: RunConfig) -> None:
    assert files.parse(config.as_data()) == config
    assert files.parse(json.loads(json.dumps(config.as_data()))) == config


@given(run_configs())
def test_that_a_configuration_can_be_typed_setting_by_setting(config: RunConfig) -> None:
    typed = [
        as_assignment(f"{section}.{name}", value)
        for section, part in config.as_data().items()
        for name, value in part.items()
    ]
    assert files.change(RunConfig(), files.parse_assignments(typed)) == config


@given(run_configs())
def test_that_a_written_run_file_spells_out_every_setting(config: RunConfig) -> None:
    data = tomllib.loads(files.dumps(config))
    assert set(data) == {"format", *sections()}
    for section in sections():
        assert set(data[section]) == set(type(getattr(config, section)).model_fields)


@pytest.mark.parametrize("section", sections())
def test_that_every_setting_takes_every_value_within_its_bounds(section: str) -> None:
    @given(st.data())
    def check(data: st.DataObject) -> None:
        variant, setting = data.draw(st.sampled_from(settings_of(section)))
        value = data.draw(values(variant, setting))
        taken = variant.model_validate_json(json.dumps({setting.name: value}), strict=True)
        assert taken.model_dump(mode="json")[setting.name] == value

    check()


@pytest.mark.parametrize("section", sections())
def test_that_what_no_setting_takes_is_refused_with_its_path(section: str) -> None:
    for variant, setting in settings_of(section):
        assert f"{section}.{setting.name}" in problems_of(alone(section, variant, setting, {"a": "table"}))


@pytest.mark.parametrize("section", sections())
def test_that_a_number_beyond_its_bounds_is_refused(section: str) -> None:
    for variant, setting in settings_of(section):
        for beyond in numbers_beyond(setting):
            value = [beyond] if setting.kind in ("integers", "numbers") else beyond
            found = problems_of(alone(section, variant, setting, value))
            assert "out of range" in found[f"{section}.{setting.name}"].what


def settings_of(section: str) -> list[tuple[type[Section], Setting]]:
    return [(variant, setting) for path, variant, setting in settings_of_all_kinds() if path.startswith(f"{section}.")]


def alone(section: str, variant: type[Section], setting: Setting, value: object) -> dict[str, Any]:
    """Data with one setting of one kind."""
    kind = {"kind": kind_of(variant)} if kind_of(variant) else {}
    return {section: {**kind, setting.name: value}}


def numbers_beyond(setting: Setting) -> list[float]:
    number = int if setting.kind in ("integer", "integers") else float
    found: list[float] = []
    if setting.minimum is not None:
        found.append(number(setting.minimum) - (not setting.exclusive_minimum))
    if setting.maximum is not None:
        found.append(number(setting.maximum) + (not setting.exclusive_maximum))
    return found


def test_that_ten_mistakes_are_ten_problems_each_with_its_path(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(
        """
        [data]
        kind = "digits"
        [dataset]
        kind = "digits"
        validation = 1.5
        [model]
        kind = "mpl"
        hidden = [128, "many"]
        hiden = [64]
        [training]
        epochs = "ten"
        batchsize = 32
        [optimizer]
        lr = -1.0
        momentum = 0.9
        [hardware]
        device = "gpu"
        """,
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        files.load(file)
    assert [problem.path for problem in caught.value.problems] == [
        "data",
        "dataset.validation",
        "model.hidden",
        "model.hiden",
        "model.kind",
        "training.batchsize",
        "training.epochs",
        "optimizer.lr",
        "optimizer.momentum",
        "hardware.device",
    ]
    assert all(problem.what for problem in caught.value.problems)
    assert len(str(caught.value).splitlines()) == 10


@pytest.mark.parametrize("section", [section for section in sections() if kind_of(variants(section)[0])])
def test_that_an_unknown_kind_does_not_hide_the_mistakes_beside_it(section: str) -> None:
    name = next(iter(set(variants(section)[0].model_fields) - {"kind"}))
    found = problems_of({section: {"kind": "nonesuch", name: {"a": "table"}, "frob": 1}})
    assert set(found) == {f"{section}.kind", f"{section}.{name}", f"{section}.frob"}


@pytest.mark.parametrize(
    "data, path, near",
    [
        ({"optimizer": {"learning_rat": 1}}, "optimizer.learning_rat", ""),
        ({"optimizer": {"lrr": 1}}, "optimizer.lrr", "did you mean lr?"),
        ({"trainig": {}}, "trainig", "did you mean training?"),
        ({"training": {"epoch": 1}}, "training.epoch", "did you mean epochs?"),
        ({"optimizer": {"kind": "adamv"}}, "optimizer.kind", "did you mean adam"),
        ({"model": {"kind": "mlp", "chanels": [1]}}, "model.chanels", "choose from"),
    ],
)
def test_that_an_unknown_word_is_met_with_the_nearest_known_one(data: dict[str, Any], path: str, near: str) -> None:
    assert near in problems_of(data)[path].hint


def test_that_a_setting_of_another_kind_is_not_taken() -> None:
    assert set(problems_of({"optimizer": {"kind": "adam", "momentum": 0.9}})) == {"optimizer.momentum"}


@pytest.mark.parametrize(
    "assignment, path, value",
    [
        ("optimizer.lr=3e-4", "optimizer.lr", 3e-4),
        ("model.kind=mlp", "model.kind", "mlp"),
        ('model.kind="mlp"', "model.kind", "mlp"),
        ("model.hidden=[1, 2]", "model.hidden", [1, 2]),
        ("training.deterministic=true", "training.deterministic", True),
        ("dataset.path=/a folder/그림 = 1", "dataset.path", "/a folder/그림 = 1"),
        ("dataset.path=C:\\new\\table", "dataset.path", "C:\\new\\table"),
        ("dataset.target=", "dataset.target", ""),
        ("output.checkpoint_every=10 min", "output.checkpoint_every", "10 min"),
    ],
)
def test_that_a_typed_value_is_toml_or_else_a_text(assignment: str, path: str, value: object) -> None:
    assert files.parse_assignments([assignment]) == {path: value}


def test_that_every_assignment_without_a_path_or_a_value_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        files.parse_assignments(["optimizer.lr", "=3", "training.epochs=3"])
    assert [problem.path for problem in caught.value.problems] == ["optimizer.lr", "=3"]


def test_that_a_new_kind_begins_with_its_own_defaults_whatever_the_order() -> None:
    config = files.change(RunConfig(), {"optimizer.lr": 0.5})
    changed = files.change(config, {"optimizer.momentum": 0.5, "optimizer.kind": "sgd"})
    assert changed.as_data()["optimizer"] == {
        **RunConfig.model_validate({"optimizer": {"kind": "sgd"}}).as_data()["optimizer"],
        "momentum": 0.5,
    }


def test_that_a_number_of_epochs_between_checkpoints_needs_no_quotes() -> None:
    assert files.change(RunConfig(), {"output.checkpoint_every": 2}).output.interval == (2, "epochs")


@pytest.mark.parametrize(
    "text, interval",
    [
        ("1", (1, "epochs")),
        (" 3 epochs", (3, "epochs")),
        ("10 min", (10, "minutes")),
        ("1minute", (1, "minutes")),
        ("50 steps", (50, "steps")),
    ],
)
def test_that_the_interval_between_checkpoints_is_understood(text: str, interval: tuple[int, str]) -> None:
    assert files.change(RunConfig(), {"output.checkpoint_every": text}).output.interval == interval


@pytest.mark.parametrize("path, value", [("hardware.device", "cuda:٣"), ("output.checkpoint_every", "1٣ steps")])
def test_that_digits_of_other_scripts_are_not_half_understood(path: str, value: str) -> None:
    with pytest.raises(ConfigError):
        files.change(RunConfig(), {path: value})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_that_what_is_no_number_is_no_learning_rate(value: float) -> None:
    assert "optimizer.lr" in problems_of({"optimizer": {"lr": value}})


@pytest.mark.parametrize("value", [True, 1.0, "1", None, [1]])
def test_that_a_whole_number_is_not_guessed_from_something_else(value: object) -> None:
    assert set(problems_of({"training": {"epochs": value}})) == {"training.epochs"}


@pytest.mark.parametrize(
    "content, what",
    [
        (b"\xff\xfe", "is not a text file"),
        (b"a = [", "is not valid TOML"),
        (b"a = " + b"[" * 100_000, "is not valid TOML"),
        (b"#" * (files.MAX_BYTES + 1), "is too large"),
    ],
)
def test_that_a_file_that_is_no_run_file_is_one_problem(tmp_path: Path, content: bytes, what: str) -> None:
    (tmp_path / "f.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=what) as caught:
        files.load(tmp_path / "f.toml")
    assert len(caught.value.problems) == 1


def test_that_a_file_that_is_not_there_and_a_folder_are_problems(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        files.load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="is not a file"):
        files.load(tmp_path)


@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5), st.lists, max_leaves=4)
)
def test_that_any_data_in_place_of_a_section_is_a_problem_and_no_crash(value: Any) -> None:
    assert set(problems_of({"dataset": value, "model": {"kind": value}})) >= {"dataset"}


def test_that_paths_are_spelled_out_from_where_they_were_written(tmp_path: Path) -> None:
    config = files.parse({"dataset": {"kind": "image-folder", "path": "pictures"}})
    assert files.with_absolute_paths(config, tmp_path).as_data()["dataset"]["path"] == str(tmp_path / "pictures")
    whole = files.with_absolute_paths(config, tmp_path)
    assert files.with_absolute_paths(whole, tmp_path / "elsewhere") == whole
    home = files.change(config, {"dataset.path": "~/pictures"})
    assert files.with_absolute_paths(home, tmp_path).as_data()["dataset"]["path"] == str(Path.home() / "pictures")


@pytest.mark.parametrize(
    "text, hidden",
    [("1500,1500", [1500, 1500]), ("64", [64]), ("[8, 8]", [8, 8]), (" 8 , 4 ", [8, 4]), ("", [])],
)
def test_that_a_list_may_be_set_as_values_between_commas(text: str, hidden: list[int]) -> None:
    config = files.change(RunConfig(), files.parse_assignments(["model.kind=mlp", f"model.hidden={text}"]))
    assert config.as_data()["model"]["hidden"] == hidden


def test_that_a_list_of_names_may_be_set_as_names_between_commas() -> None:
    values = files.parse_assignments(
        ["dataset.kind=table", "dataset.path=t.csv", "dataset.ignore=id, 12", "model.kind=mlp"]
    )
    assert files.change(RunConfig(), values).as_data()["dataset"]["ignore"] == ["id", "12"]


def test_that_a_wrong_item_of_a_list_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        files.change(RunConfig(), files.parse_assignments(["model.kind=mlp", "model.hidden=64,wide"]))
    assert [str(problem) for problem in caught.value.problems] == ["model.hidden: 'wide' is not a whole number"]
