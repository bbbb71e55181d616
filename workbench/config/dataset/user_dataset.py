"""The user's own dataset, from a Python file."""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.config.dataset.base import DatasetSection
from workbench.config.fields import python_file, setting


class PythonData(DatasetSection):
    """Your own Dataset: a class or function in a Python file that returns pairs of input and target."""

    title: ClassVar[str] = "Python file"
    kind: Literal["python"] = "python"
    path: str = python_file()
    name: str = setting(
        "",
        title="Name",
        help="Class or function in the file that returns the Dataset. If empty, the only one in the file.",
    )
    sample_kind: Literal["images", "vector", "series", "text"] = setting(
        "vector",
        title="Sample type",
        help="Images (channels, height, width); numbers (features); series (steps, features); or token IDs.",
        labels={"vector": "numbers", "text": "token IDs"},
    )
