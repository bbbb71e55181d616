"""What a person reads of a setting is there, is a sentence, and is in the words and the spelling of the field."""

import re

from workbench.config.fields import kind_of, settings, title_of
from workbench.config.recipes import recipes
from workbench.config.run import RunConfig, sections, variants

BRITISH = re.compile(
    r"colour|grey|centre|neighbour|(normal|initial|optim|standard|maxim|minim|regular)is", re.IGNORECASE
)
DIALECT = re.compile(r"\bpictures?\b|\bgoing\b|\banew\b|\bis told\b|\bgoes on\b|\bleft empty\b|``", re.IGNORECASE)


def faults(text: str) -> list[str]:
    """The words of a text that are not this program's."""
    return [match[0] for pattern in (BRITISH, DIALECT) for match in pattern.finditer(text)]


def test_that_every_setting_has_a_title_and_a_help_in_whole_sentences() -> None:
    wrong = []
    for section in sections():
        for variant in variants(section):
            for setting in settings(variant):
                name = f"{section}.{kind_of(variant)}.{setting.name}"
                text = f"{setting.title} {setting.help} {' '.join(label for _, label in setting.labels)}"
                whole = re.match(r"[A-Z0-9]|torchvision|fp32", setting.help) and setting.help.endswith(".")
                if not setting.title or setting.title.endswith(".") or not whole or faults(text):
                    wrong.append((name, faults(text)))
    assert wrong == []


def test_that_sections_kinds_and_recipes_are_described_in_the_same_words() -> None:
    titles = [field.title or "" for field in RunConfig.model_fields.values()]
    kinds = [f"{title_of(variant)} {variant.__doc__}".replace("``", "") for s in sections() for variant in variants(s)]
    assert [text for text in (*titles, *kinds, *(recipe.text for recipe in recipes())) if faults(text)] == []
