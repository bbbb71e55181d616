"""Names of classes made comparable: one name however its letters are stored."""

from __future__ import annotations

import unicodedata


def composed(name: str) -> str:
    """A name with its letters composed (NFC): macOS stores an accent as a character of its own, and others do not."""
    return unicodedata.normalize("NFC", name)


def key(name: str, ignore_case: bool) -> str:
    """What is equal for names that mean the same class."""
    return composed(name).casefold() if ignore_case else composed(name)
