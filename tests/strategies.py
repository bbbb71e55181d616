"""Random configurations, drawn from the settings as their sections declare them.

A new setting, kind or section is drawn without a word here.
"""

import json
import math
import re
from typing import Any

from hypothesis import strategies as st

from workbench.config import rules
from workbench.config.fields import Section, Setting, kind_of, settings
from workbench.config.run import RunConfig, sections, variants

_TEXTS = st.text(max_size=12)
_LONGEST = 6
_SETTLING = {"dataset.path": "somewhere", "model.path": "somewhere", "model.attention_heads": 1}
"""What agrees with anything, where the default of a setting does not."""


def run_configs() -> st.SearchStrategy[RunConfig]:
    """Valid configurations of every kind, with values anywhere within their bounds."""
    return st.fixed_dictionaries({name: _parts(name) for name in sections()}).map(_made_to_agree)


def settings_of_all_kinds() -> list[tuple[str, type[Section], Setting]]:
    """Every setting there is: its path, the variant of its section, and its declaration."""
    return [
        (f"{section}.{setting.name}", variant, setting)
        for section in sections()
        for variant in variants(section)
        for setting in settings(variant)
    ]


def values(variant: type[Section], setting: Setting) -> st.SearchStrategy[Any]:
    """Plain values (lists, not tuples) that a setting takes by itself, whatever stands beside it."""
    found = _plain(variant, setting)
    return st.one_of(st.sampled_from(setting.words), found) if setting.words else found


def _parts(section: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of([_part(variant) for variant in variants(section)])


def _part(variant: type[Section]) -> st.SearchStrategy[dict[str, Any]]:
    drawn = {setting.name: values(variant, setting) for setting in settings(variant)}
    kind = {"kind": st.just(kind_of(variant))} if kind_of(variant) else {}
    return st.fixed_dictionaries(kind | drawn)


def _plain(variant: type[Section], setting: Setting) -> st.SearchStrategy[Any]:
    match setting.kind:
        case "switch":
            return st.booleans()
        case "choice":
            return st.sampled_from(setting.choices)
        case "integer":
            return _integers(setting)
        case "number":
            return _numbers(setting)
        case "integers":
            return st.lists(_integers(setting), max_size=_LONGEST)
        case "numbers":
            return st.lists(_numbers(setting), min_size=1, max_size=_LONGEST)
        case "texts":
            return st.lists(_TEXTS, max_size=_LONGEST)
        case "path":
            return _TEXTS.filter(lambda text: bool(text.strip()))
        case "text":
            return _texts(variant, setting.name)


def _texts(variant: type[Section], name: str) -> st.SearchStrategy[str]:
    """Any text, or one of the declared pattern: in ASCII, as pydantic's expressions and Python's differ beyond it."""
    patterns = (getattr(entry, "pattern", None) for entry in variant.model_fields[name].metadata)
    pattern = next((pattern for pattern in patterns if pattern), None)
    return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True) if pattern else _TEXTS


def _integers(setting: Setting) -> st.SearchStrategy[int]:
    low = None if setting.minimum is None else math.floor(setting.minimum) + setting.exclusive_minimum
    high = None if setting.maximum is None else math.ceil(setting.maximum) - setting.exclusive_maximum
    return st.integers(low, high)


def _numbers(setting: Setting) -> st.SearchStrategy[float]:
    return st.floats(
        setting.minimum,
        setting.maximum,
        exclude_min=setting.exclusive_minimum,
        exclude_max=setting.exclusive_maximum,
        allow_nan=False,
        allow_infinity=False,
    )


def _made_to_agree(data: dict[str, Any]) -> RunConfig:
    """Settles what the rules between sections refuse: a setting takes its default, a kind the first of its section."""
    for _ in range(50):
        config = RunConfig.model_validate_json(json.dumps(data), strict=True)
        refused = rules.problems(config)
        if not refused:
            return config
        for problem in refused[:1]:  # what settles it may settle or change the others
            section, _, name = problem.path.partition(".")
            if problem.path == "model.kind":
                data[section] = _fitting_model(data)
            elif name == "kind":
                data[section] = variants(section)[0]().model_dump(mode="json")
            elif problem.path in _SETTLING:
                data[section] = {**data[section], name: _SETTLING[problem.path]}
            else:
                data[section] = {**data[section], name: _default(section, data[section], name)}
    raise AssertionError(f"no default settles {data}")


def _fitting_model(data: dict[str, Any]) -> dict[str, Any]:
    """The first architecture that takes the samples of the dataset."""
    for variant in variants("model"):
        part: dict[str, Any] = variant().model_dump(mode="json")
        config = RunConfig.model_validate_json(json.dumps({**data, "model": part}), strict=True)
        if all(problem.path != "model.kind" for problem in rules.problems(config)):
            return part
    raise AssertionError(f"no architecture takes {data['dataset']}")


def _default(section: str, part: dict[str, Any], name: str) -> Any:
    variant = next(found for found in variants(section) if kind_of(found) == part.get("kind", ""))
    return variant().model_dump(mode="json")[name]
