"""The user's own data, from a Python file."""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.config.dataset.base import DatasetSection
from workbench.config.fields import python_file, setting


class PythonData(DatasetSection):
    """A Dataset of your own: a class or function in a Python file that gives pairs of input and target."""

    title: ClassVar[str] = "Own Python file"
    kind: Literal["python"] = "python"
    path: str = python_file()
    name: str = setting(
        "",
        title="Name",
        help="Class or function in the file that gives the Dataset. Left empty, the only one there is.",
    )
    holds: Literal["pictures", "vector", "series", "text"] = setting(
        "vector",
        title="Samples are",
        help="Pictures (channels, height, width); numbers; series (steps, features); or token ids.",
        labels={"vector": "numbers"},
    )
