"""Tumour areas: drawn, kept, scored within; the log says who and why."""

import numpy as np
import pytest

from alkfish.io.bundle import open_bundle
from alkfish.io.geojson import read_regions
from alkfish.plugin import area_tools
from alkfish.plugin.area_tools import INSIDE, OUTSIDE, AreaTools
from alkfish.review import ReadMode

BOX = np.array([[50, 50], [50, 500], [400, 500], [400, 50]], float)


@pytest.fixture
def tools(qtbot, workspace, small):
    workspace.open(small / "small", reader="Ada")
    session = workspace.session
    session.go(next(key for key in session.keys if key.fov == "field_01"))
    made = AreaTools(workspace)
    qtbot.addWidget(made)
    made.show()
    return made


def draw(tools, name, points):
    tools.begin(name)
    layer = tools._layers[name]
    layer.mode = "pan_zoom"
    layer.add_polygons([points])
    return layer


def test_drawing_counts_nuclei_and_is_kept(tools, small):
    draw(tools, INSIDE, BOX)
    tools.save()
    file = small / "small" / "areas-drawn" / "field_01.geojson"
    regions = read_regions(file)
    assert np.allclose(regions.include[0].box, (50, 400, 50, 500))
    nuclei = tools.workspace.session.result.nuclei
    own = nuclei.fov == "field_01"
    inside = int(regions.contains(nuclei.y_px[own], nuclei.x_px[own]).sum())
    assert 0 < inside < int(own.sum())
    assert f"{inside} of {int(own.sum())} nuclei lie inside" in tools.words.text()
    assert tools.apply.text() == "Score only inside..."


def test_the_button_answers_a_drawing_at_once(tools, small, qtbot, qapp):
    """Before it is kept: that waits for the last of several changes."""
    tools._later.setInterval(60_000)
    assert tools.apply.isHidden()
    layer = draw(tools, INSIDE, BOX)
    qtbot.waitUntil(lambda: not tools.apply.isHidden(), timeout=10_000)
    assert tools.apply.text() == "Score only inside..."
    assert "nuclei lie inside" in tools.words.text()
    assert tools._later.isActive()
    assert not (small / "small" / "areas-drawn" / "field_01.geojson").exists()
    layer.data = []
    qtbot.waitUntil(tools.apply.isHidden, timeout=10_000)
    tools._later.stop()


def test_outlines_are_worked_out_once_not_at_every_look(tools, monkeypatch):
    """The button asks about all fields after each decision; areas of others come from files."""
    draw(tools, INSIDE, BOX)
    tools.save()
    calls = []
    for name in ("areas_of_shapes", "drawn_areas"):
        real = getattr(area_tools, name)
        monkeypatch.setattr(
            area_tools, name, lambda *a, _r=real, _n=name, **k: (calls.append(_n), _r(*a, **k))[1]
        )
    for _ in range(3):
        tools.workspace.session.state_changed.emit()
        assert not tools.apply.isHidden()
    assert calls == []
    tools._layers[INSIDE].data = [BOX * 0.5]
    assert np.allclose(tools.regions().include[0].box, (25, 200, 25, 250))
    assert "areas_of_shapes" in calls


def test_the_next_field_has_areas_of_its_own(tools):
    draw(tools, INSIDE, BOX)
    session = tools.workspace.session
    other = next(key for key in session.keys if key.fov == "field_02")
    back = next(key for key in session.keys if key.fov == "field_01")
    session.go(other)
    assert tools._layers == {}
    session.go(back)
    assert len(tools._layers[INSIDE].data) == 1


def test_scoring_only_inside_is_a_logged_rescore(tools, small, wait_for):
    draw(tools, INSIDE, BOX)
    draw(tools, OUTSIDE, BOX[:, ::-1] * 0.3 + 60)
    tools.rescorer.ask = lambda *_: "necrosis around"
    tools.apply.click()
    wait_for(lambda: not tools.rescorer.is_running)
    result = open_bundle(small / "small")
    regions = read_regions(small / "small" / "areas" / "field_01.geojson")
    assert (len(regions.include), len(regions.exclude)) == (1, 1)
    own = result.nuclei.fov == "field_01"
    counted = own & result.nuclei.scorable
    assert regions.contains(result.nuclei.y_px[counted], result.nuclei.x_px[counted]).all()
    assert result.excluded["outside_roi"] > 0
    event = tools.workspace.session.review.history()[-1]
    assert event.why == "necrosis around"
    assert "only nuclei within the outlines" in event.after["rescored"]["notes"]["field_01"][0]
    assert "was scored only inside areas of field_01" in tools.words.text()
    assert not tools.apply.isVisible()


def test_a_case_scored_inside_can_be_scored_whole_again(tools, small, wait_for):
    draw(tools, INSIDE, BOX)
    tools.rescorer.ask = lambda *_: "try"
    tools.apply.click()
    wait_for(lambda: not tools.rescorer.is_running)
    session = tools.workspace.session
    session.go(next(key for key in session.keys if key.fov == "field_01"))
    tools.clear.click()
    assert tools.apply.text() == "Score all of the case..."
    tools.apply.click()
    wait_for(lambda: not tools.rescorer.is_running)
    assert "outside_roi" not in {k for k, n in open_bundle(small / "small").excluded.items() if n}
    assert not (small / "small" / "areas").exists()


def test_an_outline_that_crosses_itself_is_refused_and_kept_out(tools, small):
    draw(tools, INSIDE, np.array([[50, 50], [400, 400], [50, 400], [400, 50]], float))
    tools.save()
    assert "crosses itself" in tools.message.text()
    assert not (small / "small" / "areas-drawn").exists()


def test_outlines_of_other_programs_are_loaded(tools, tmp_path):
    file = tmp_path / "tumour.geojson"
    file.write_text(
        '{"type": "Polygon", "coordinates": [[[50, 50], [500, 50], [500, 400], [50, 50]]]}'
    )
    tools.choose_file = lambda: str(file)
    tools.load.click()
    assert len(tools._layers[INSIDE].data) == 1
    tools.choose_file = lambda: str(tmp_path / "none.geojson")
    tools.load.click()
    assert "cannot be read" in tools.message.text()


def test_while_a_read_is_open_or_pictures_are_missing_nothing_is_scored(tools, workspace):
    draw(tools, INSIDE, BOX)
    tools.save()
    workspace.session.start_read(ReadMode.FULL)
    assert not tools.apply.isEnabled()
    assert "A read is open" in tools.apply.toolTip()


def test_without_a_case_nothing_is_drawn(qtbot, workspace):
    tools = AreaTools(workspace)
    qtbot.addWidget(tools)
    tools.begin(INSIDE)
    tools.save()
    assert len(workspace.viewer.layers) == 0
