"""Scoring from within the window: from layers, from files; stopped, refused, opened for review."""

import numpy as np
import pytest
import tifffile

from alkfish.errors import InputError
from alkfish.io.bundle import open_bundle
from alkfish.io.images import open_case
from alkfish.pipeline import score_case
from alkfish.plugin.scoring import ScoringDock

ROLES = ("DAPI", "SpectrumOrange", "SpectrumGreen")


@pytest.fixture
def field(scored):
    return next(iter(open_case(scored / "pictures" / "small")))


@pytest.fixture
def dock(qtbot, workspace, tmp_path):
    made = ScoringDock(workspace)
    qtbot.addWidget(made)
    made.show()
    made.results.setText(str(tmp_path / "new"))
    return made


def add_layers(dock, field, **options):
    planes = (field.dapi, field.three_prime, field.five_prime)
    for plane, name in zip(planes, ROLES, strict=True):
        dock.workspace.viewer.add_image(plane, name=name, **options)


def open_file(dock, path, pixels):
    """Open a file as napari does: the layer knows where it comes from."""
    from napari.layers._source import layer_source

    tifffile.imwrite(path, pixels, photometric="minisblack")
    with layer_source(path=str(path)):
        dock.workspace.viewer.add_image(pixels, name=path.stem)


def test_layers_are_scored_and_opened_with_their_pixels(dock, field, tmp_path, wait_for):
    add_layers(dock, field)
    assert [combo.currentText() for combo in dock.source.roles.values()] == list(ROLES)
    dock.case_id.setText("from layers")
    dock.go.click()
    assert "the pixel size is not known" in dock.message.text()
    assert not (tmp_path / "new").exists()
    dock.source.pixel_size.setValue(0.1)
    dock.go.click()
    wait_for(lambda: not dock.job.is_running)
    session, pictures = dock.workspace.session, dock.workspace.pictures
    assert session.case_id == "from layers"
    plane = pictures.levels("from layers", "three_prime")[0]
    assert np.array_equal(np.asarray(plane), field.three_prime)
    expected = score_case([field]).nuclei
    assert session.result.nuclei.pattern.tolist() == expected.pattern.tolist()
    assert not any(layer.name in ROLES for layer in dock.workspace.viewer.layers)
    assert session.review.machine_result.provenance.inputs


def test_the_pixel_size_of_layers_is_taken_when_they_say_it(dock, field):
    add_layers(dock, field, scale=(0.1, 0.1), units=("um", "um"))
    assert dock.source.pixel_size.value() == pytest.approx(0.1)


def test_unclear_channels_are_asked_for(dock, field):
    dock.workspace.viewer.add_image(field.dapi, name="Image")
    dock.source.pixel_size.setValue(0.1)
    dock.case_id.setText("x")
    dock.go.click()
    assert "the channels are not clear" in dock.message.text()


def test_a_file_is_scored_field_by_field(dock, scored, tmp_path, wait_for):
    dock.source.kind.setCurrentIndex(1)
    dock.source.path.setText(str(scored / "pictures" / "small"))
    dock.source.look()
    assert dock.case_id.text() == "small"
    assert dock.source.pixel_size.value() == pytest.approx(0.1, abs=0.05)
    assert "2 fields" in dock.source.note.text()
    dock.go.click()
    wait_for(lambda: not dock.job.is_running)
    assert dock.fields.rowCount() == 2
    found = open_bundle(tmp_path / "new" / "small")
    known = open_bundle(scored / "results" / "small")
    assert found.nuclei.pattern.tolist() == known.nuclei.pattern.tolist()
    assert dock.workspace.pictures.available
    dock.go.click()
    assert "there is a bundle of this case already" in dock.message.text()


def test_stopping_writes_nothing(dock, scored, tmp_path, wait_for):
    dock.source.kind.setCurrentIndex(1)
    dock.source.path.setText(str(scored / "pictures" / "small"))
    dock.source.look()
    dock.go.click()
    dock.stop.click()
    wait_for(lambda: not dock.job.is_running)
    assert dock.message.text() == "Stopped. Nothing was written."
    assert not (tmp_path / "new" / "small").exists()
    assert dock.workspace.session is None
    assert dock.go.isVisible()


def test_layers_can_be_scored_after_the_first_try_was_stopped(dock, field, tmp_path, wait_for):
    add_layers(dock, field)
    dock.source.pixel_size.setValue(0.1)
    dock.case_id.setText("twice")
    dock.go.click()
    dock.stop.click()
    wait_for(lambda: not dock.job.is_running)
    assert dock.message.text() == "Stopped. Nothing was written."
    assert not list((tmp_path / "new").rglob("*"))
    dock.go.click()
    wait_for(lambda: not dock.job.is_running)
    assert dock.workspace.session.case_id == "twice"
    assert dock.workspace.pictures.available  # the copy of a scored case stays


def test_layers_that_cannot_be_opened_leave_no_copy(dock, field, tmp_path, monkeypatch):
    def refuse(*_):
        raise InputError("cannot be opened")

    monkeypatch.setattr(dock.source, "open", refuse)
    add_layers(dock, field)
    dock.source.pixel_size.setValue(0.1)
    dock.case_id.setText("none")
    dock.go.click()
    assert "cannot be opened" in dock.message.text()
    assert not list((tmp_path / "new").rglob("*"))


def test_another_picture_does_not_keep_the_name_of_the_first(dock, field, tmp_path):
    for name in ("first", "second"):
        dock.workspace.viewer.layers.clear()
        open_file(dock, tmp_path / f"{name}.tif", field.dapi)
        assert dock.case_id.text() == name
    dock.case_id.setText("by hand")
    dock.workspace.viewer.layers.clear()
    assert dock.case_id.text() == "by hand"


def test_a_colour_picture_is_told_before_it_is_tried(dock, field):
    dock.workspace.viewer.add_image(np.zeros((8, 8, 3), np.uint8), name="shown", rgb=True)
    assert "shown is a colour picture" in dock.source.note.text()


def test_channels_within_one_layer_are_scored_from_their_file(dock, field, tmp_path):
    planes = np.stack([field.dapi, field.three_prime, field.five_prime])
    open_file(dock, tmp_path / "three.tif", planes)
    assert "1 of 3 channels is open" in dock.source.note.text()
    dock.source.kind.setCurrentIndex(1)
    assert dock.source.path.text() == str(tmp_path / "three.tif")
    assert dock.case_id.text() == "three"


def test_a_file_that_is_none_is_said(dock, tmp_path):
    dock.source.kind.setCurrentIndex(1)
    dock.source.path.setText(str(tmp_path / "none.tif"))
    dock.source.look()
    assert dock.source.note.text()
    dock.case_id.setText("x")
    dock.go.click()
    assert "no picture is chosen" in dock.message.text()


def test_a_name_and_a_folder_are_needed(dock, field):
    add_layers(dock, field)
    dock.source.pixel_size.setValue(0.1)
    dock.case_id.setText("")
    dock.go.click()
    assert "cannot name a folder" in dock.message.text()
    dock.results.setText("")
    dock.go.click()
    assert "no folder is chosen" in dock.message.text()


def test_the_colours_name_their_ends(dock):
    form = dock.source._form
    labels = [form.labelForField(combo).text() for combo in dock.source.roles.values()]
    assert labels == ["DAPI", "Red (3')", "Green (5')"]
