"""The options of an attempt come over from a starter of another version."""

import json

from workbench.runs.attempt_options import PLAIN, AttemptOptions


def test_that_options_come_back_from_plain_data() -> None:
    options = AttemptOptions(epochs=7, replay=3)
    assert AttemptOptions.from_data(json.loads(json.dumps(options.as_data()))) == options


def test_that_options_of_a_later_version_are_left_out_and_missing_ones_have_their_defaults() -> None:
    assert AttemptOptions.from_data({"replay": 2, "warp": True}) == AttemptOptions(replay=2)
    assert AttemptOptions.from_data({}) == PLAIN
