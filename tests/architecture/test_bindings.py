"""The installed Qt binding keeps its references to None; PySide6 6.12.0 loses one at every empty return (PYSIDE-3474)."""

import sys

from PySide6.QtGui import QPainterPath


def test_that_the_qt_binding_loses_no_references_to_none() -> None:
    path = QPainterPath()
    before = sys.getrefcount(None)
    for _ in range(1000):
        path.moveTo(0, 0)
    # Broken bindings lose one at each call; from Python 3.12 on None is immortal and the count stands still.
    assert sys.getrefcount(None) - before > -100
