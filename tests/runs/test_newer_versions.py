"""What a newer version wrote is listed, and refused in words where it would have to be understood whole."""

import json
import tomllib
from pathlib import Path

import pytest
import tomli_w

from workbench.config.migrations import CONFIG_FORMAT
from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig
from workbench.runs import branch, comparison, history
from workbench.runs.folder import RunFolder, create, list_runs, write_whole


@pytest.fixture
def newer() -> RunFolder:
    """A run of a later version: its run file has a later format and a section that nobody here knows."""
    run = create(RunConfig(), "newer")
    data = tomllib.loads(run.config_file.read_text(encoding="utf-8"))
    run.config_file.write_text(tomli_w.dumps({**data, "format": CONFIG_FORMAT + 1, "swarm": {"size": 3}}))
    write_whole(run.summary_file, json.dumps({"status": "completed", "attempt": 1, "epochs": 4, "swarm": 3}))
    return run


def test_that_a_run_of_a_newer_version_is_listed(newer: RunFolder) -> None:
    assert list_runs() == [newer]
    row = history.row(newer)
    assert (row.state, row.epochs, row.changed) == ("completed", 4, ())


def test_that_its_settings_are_refused_in_words(newer: RunFolder) -> None:
    with pytest.raises(ConfigError) as caught:
        newer.config()
    (problem,) = caught.value.problems
    assert "newer version" in problem.what
    assert problem.hint == "update the program"


def test_that_a_parent_and_a_comparison_of_later_versions_are_read_as_far_as_they_are_known(tmp_path: Path) -> None:
    run = create(RunConfig(), "branch")
    changes = [{"path": "swarm.size", "value": 3, "before": 2, "why": "more"}, {"setting": "unknown"}]
    write_whole(run.parent_file, json.dumps({"run": "parent", "epoch": 1, "step": 5, "changes": changes, "swarm": 3}))
    write_whole(run.path / "compare.json", json.dumps({"group": "g", "label": "a", "swarm": 3}))
    parent = branch.parent_of(run)
    assert parent is not None
    assert str(parent) == "continues parent from step 5 (1 epoch completed), with swarm.size 2 → 3"
    member = comparison.read(run)
    assert member is not None
    assert (member.group, member.label) == ("g", "a")
