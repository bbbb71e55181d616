"""A warning that is logged fails the test, unless the test said that it expects it."""

import logging
import re
from collections.abc import Callable, Iterator

import pytest

ExpectWarning = Callable[[str], None]


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.expected: list[str] = []
        self.heard: list[tuple[str, str]] = []  # message, and the same with where it was logged

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        self.heard.append((text, f"{record.levelname} {record.name} ({record.filename}:{record.lineno}): {text}"))


@pytest.fixture(autouse=True)
def _listener(nothing_left_behind: None) -> Iterator[_Listener]:
    listener = _Listener()
    logging.getLogger().addHandler(listener)
    yield listener
    logging.getLogger().removeHandler(listener)
    surprising = [
        place for text, place in listener.heard if not any(re.search(pattern, text) for pattern in listener.expected)
    ]
    unheard = [
        pattern for pattern in listener.expected if not any(re.search(pattern, text) for text, _ in listener.heard)
    ]
    if surprising:
        pytest.fail("logged, and not announced with expected_warnings: " + "; ".join(surprising), pytrace=False)
    if unheard:
        pytest.fail(f"expected to be logged, and was not: {unheard}", pytrace=False)


@pytest.fixture
def expected_warnings(_listener: _Listener) -> ExpectWarning:
    """`expected_warnings("regular expression")`: the test logs this warning or error, or else it fails."""
    return _listener.expected.append
