"""The inspector with the real engine: what a batch, a graph and a transformer hold, and the help pages with their examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from PySide6.QtCore import Qt

from tests.gui.conftest import Answers, close
from tests.gui.scripted import Engines
from tests.waiting import HANG_MS
from workbench.gui.app import create_window
from workbench.gui.inspector.graph_layout import Arrangement, layers
from workbench.gui.inspector.layers import OFF, ON
from workbench.gui.inspector.view import InspectorView
from workbench.gui.main_window import MainWindow
from workbench.runs.events import Scalars
from workbench.runs.progress import Progress

LEFT = Qt.MouseButton.LeftButton
Open = Callable[[str], InspectorView]


@pytest.fixture
def inspector(qapp: Any, qtbot: Any, engines: Engines, answers: Answers) -> Iterator[Open]:
    """``inspector(recipe)``: the inspector of a window on that recipe, with the real engine."""
    made: list[MainWindow] = []

    def opened(recipe: str) -> InspectorView:
        window = create_window(recipe)
        made.append(window)
        window.show()
        qtbot.waitExposed(window)
        window.service.start()
        window.actions_["tools.inspect"].trigger()
        assert window.central.tabs.currentWidget() is window.central.inspector
        return window.central.inspector

    yield opened
    for window in made:
        close(window)


def _turn(view: InspectorView, name: str) -> Any:
    page = next(page for page in view.pages if page.title == name)
    view.tabs.setCurrentWidget(page)
    return page


def test_that_every_tensor_of_a_batch_is_listed_and_looked_into(inspector: Open, qtbot: Any) -> None:
    view = inspector("digits-mlp")
    page = view.tensors
    qtbot.waitUntil(lambda: page.table.model().rowCount() > 0, timeout=HANG_MS)
    found = {(row.group, row.name): row for row in page.model.rows}
    assert found["batch", "inputs"].shape == (64, 1, 8, 8)
    assert ("parameters", "1.weight") in found
    assert ("gradients", "1.weight") in found
    assert "loss" in view.status.text()
    # The first is chosen, and its slice comes by itself.
    qtbot.waitUntil(lambda: page.slice.image.values.shape == (8, 8), timeout=HANG_MS)
    assert len(page.histogram.counts) == 32
    before = page.slice.numbers.values
    assert not page.slice.axes[0].isHidden()
    assert page.slice.axes[0].maximum() == 63
    page.slice.axes[0].setValue(5)
    qtbot.waitUntil(lambda: page.slice.numbers.values != before, timeout=HANG_MS)
    assert page.slice.note.text().startswith("[5, 0, :, :]")
    page.slice.form.setCurrentIndex(1)
    page.choose("parameters", "1.bias")
    qtbot.waitUntil(lambda: page.slice.image.values.shape == (1, 48), timeout=HANG_MS)
    assert "the first 1 × 48 shown" in page.slice.note.text()
    page.filter.setText("gradients")
    assert 0 < page.table.model().rowCount() < len(page.model.rows)
    layer_page = _turn(view, "Layers")
    assert all(layer.gradient > 0 and layer.weights > 0 for layer in layer_page.bars.layers)
    assert len(layer_page.bars.layers) == 3


def test_that_the_graph_is_drawn_and_an_mlp_has_no_attention(inspector: Open, qtbot: Any) -> None:
    view = inspector("digits-mlp")
    page = _turn(view, "Graph")
    qtbot.waitUntil(lambda: bool(page.view.graph.nodes), timeout=HANG_MS)
    labels = [node.label for node in page.view.graph.nodes]
    assert labels[0] == "input"
    assert labels[-1] == "cross-entropy"
    before = page.view.transform().m11()
    page.view.zoom(0.5)
    assert page.view.transform().m11() < before
    refused = _turn(view, "Attention")
    qtbot.waitUntil(lambda: "no attention" in refused.message.text(), timeout=HANG_MS)
    assert refused.message.isVisible()


def test_that_each_head_of_a_transformer_has_its_map(inspector: Open, qtbot: Any) -> None:
    view = inspector("sine-transformer")
    page = _turn(view, "Attention")
    qtbot.waitUntil(lambda: page.maps.maps.shape == (4, 50, 50), timeout=HANG_MS)
    assert abs(page.maps.maps[0].sum(axis=1) - 1).max() < 0.01
    assert page.layer.maximum() == 2
    before = page.maps.maps
    page.layer.setValue(2)
    qtbot.waitUntil(lambda: page.maps.maps is not before, timeout=HANG_MS)
    page.head.setCurrentIndex(1)
    assert page.maps.head == 0


def test_that_a_run_without_a_checkpoint_is_refused_in_words(inspector: Open, qtbot: Any) -> None:
    view = inspector("digits-mlp")
    view.subject.setCurrentIndex(1)
    view.button.setEnabled(True)
    qtbot.mouseClick(view.button, LEFT)
    assert "no checkpoint yet" in view.status.text()


def test_that_norms_over_time_are_drawn_or_their_setting_is_offered(window: MainWindow, qtbot: Any) -> None:
    window.central.fill()
    view = window.central.inspector
    window.central.tabs.setCurrentWidget(view)
    page = _turn(view, "Layers")
    progress = Progress()
    progress.apply(_scalars({}))
    view.show_progress(progress)
    assert page.history.text() == OFF
    qtbot.mouseClick(page.switch, LEFT)
    assert window.document.value("output.layer_norms") is True
    assert page.history.text() == ON
    progress.apply(_scalars({"1": (0.5, 0.25), "4": (0.1, 0.2)}, first=3))
    view.show_progress(progress)
    assert page.chart is not None
    assert page.chart.isVisible()
    assert [trace.name for trace in page.chart.traces] == ["1", "4"]
    assert "layer 4 0.2" in page.chart.accessibleDescription()


def _scalars(norms: dict[str, tuple[float, ...]], first: int = 1) -> Scalars:
    return Scalars(
        epoch=0,
        step=(first, first + 1),
        loss=(1.0, 0.9),
        lr=(0.1, 0.1),
        layer_step=(first, first + 1) if norms else (),
        layer_norms=norms,
    )


@pytest.mark.parametrize("count", [5, 600])
def test_that_no_two_nodes_of_a_graph_lie_on_each_other(count: int) -> None:
    nodes = [str(number) for number in range(count)]
    edges = [(str(number), str(number + 1)) for number in range(count - 1)]
    edges += [(str(number), str(number + 4)) for number in range(0, count - 4, 3)]
    found = Arrangement(nodes, edges).fold(aspect=2.0)
    assert len(found.places) == len(set(found.places.values())) == count
    corners = sorted(found.places.values())
    for (x, y), (next_x, next_y) in pairwise(corners):
        assert next_x - x >= 136 or next_y - y >= 40
    assert 0.5 < found.width / found.height < 8
    layer = layers(nodes, edges)
    assert all(layer[source] < layer[target] for source, target in edges)


def test_that_a_help_page_shows_what_its_examples_printed(window: MainWindow, find: Any, qtbot: Any) -> None:
    window.actions_["help.autograd"].trigger()
    page = find("help.page")
    assert "running…" in page.text.toPlainText()
    window.service.start()
    qtbot.waitUntil(lambda: "Second derivatives" in page.text.toPlainText(), timeout=HANG_MS)
    words = page.text.toPlainText()
    assert "first derivative: 108" in words
    assert "second derivative: 108" in words
    window.themes.choose("dark" if window.themes.current.name == "light" else "light")
    assert "second derivative: 108" in page.text.toPlainText()
    page.close()
