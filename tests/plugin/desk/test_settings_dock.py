"""Other settings: what they find is shown at once; applied, they are a logged re-score."""

import numpy as np
import pytest

from alkfish.config import list_settings
from alkfish.io.bundle import open_bundle
from alkfish.io.fingerprint import result_fingerprint
from alkfish.plugin.case_words import HIDDEN
from alkfish.plugin.layers import CaseLayers
from alkfish.plugin.preview_layers import PREFIX
from alkfish.plugin.rescoring import READ_BEGUN, STOPPED
from alkfish.plugin.settings_dock import SettingsDock
from alkfish.plugin.settings_form import FEW
from alkfish.review import ReadMode, earlier_results


@pytest.fixture
def space(workspace, small):
    """The case of two fields with its layers."""
    layers = CaseLayers(workspace)
    workspace.open(small / "small", reader="Ada")
    session = workspace.session
    session.go(next(key for key in session.keys if key.fov == "field_01"))
    assert layers.fov == "field_01"
    return workspace


@pytest.fixture
def dock(qtbot, space):
    made = SettingsDock(space)
    qtbot.addWidget(made)
    made.show()
    return made


def previews(dock):
    layers = dock.workspace.viewer.layers
    return {layer.name.removeprefix(PREFIX): layer for layer in layers if PREFIX in layer.name}


def test_settings_are_those_of_their_one_definition(dock):
    known = {(info.stage, info.name): info for info in list_settings()}
    for stage, name in FEW:
        box, info = dock.form.value_box(stage, name), known[stage, name]
        assert box.value() == pytest.approx(info.default, abs=0.005)
        assert (box.minimum(), box.maximum()) == (info.low, info.high)
        assert info.help_text in box.toolTip()
    assert not dock.apply.isEnabled()
    assert "Nothing differs" in dock.apply.toolTip()


def test_moving_one_shows_what_it_finds_and_back_again(dock, wait_for):
    viewer = dock.workspace.viewer
    marks = viewer.layers["3' signals"]
    dock.form.value_box("detect", "min_brightness").setValue(0.95)
    wait_for(lambda: dock.preview_layers.is_shown)
    drawn = previews(dock)
    assert set(drawn) == {"nuclei", "3' signals", "5' signals", "patterns"}
    assert "In field_01: " in dock.words.text()
    assert marks.opacity == 0
    assert np.allclose(drawn["nuclei"].scale, viewer.layers["Nuclei"].scale)
    fewer = sum(len(drawn[name].data) for name in ("3' signals", "5' signals"))
    dock.form.value_box("detect", "min_brightness").setValue(0.2)
    wait_for(lambda: previews(dock).get("nuclei") is not drawn["nuclei"])
    more = sum(len(previews(dock)[name].data) for name in ("3' signals", "5' signals"))
    assert more > fewer
    dock.reset.click()
    assert previews(dock) == {}
    assert marks.opacity == 1
    assert dock.form.value_box("detect", "min_brightness").value() == pytest.approx(0.12)


def test_only_the_last_of_many_moves_is_shown(dock, wait_for):
    shown = []
    show = dock.job.on_done
    dock.job.on_done = lambda found: (shown.append(found[1].config), show(found))
    for value in (20.0, 30.0, 40.0):
        dock.form.value_box("detect", "min_snr").setValue(value)
        dock._preview()
    wait_for(lambda: shown)
    wait_for(lambda: not dock.job.is_running)
    assert [config.detect.min_snr for config in shown] == [40.0]


def test_a_blinded_read_shows_no_settings(dock, wait_for):
    dock.form.value_box("detect", "min_snr").setValue(45.0)
    wait_for(lambda: dock.preview_layers.is_shown)
    dock.workspace.session.start_read(ReadMode.FULL, blinded=True)
    assert dock.empty.text() == HIDDEN
    assert not dock._inner.isVisible()
    assert previews(dock) == {}
    dock.workspace.session.abandon_read("only tried")
    assert dock._inner.isVisible()


def test_applying_is_a_logged_rescore(dock, small, wait_for):
    space = dock.workspace
    before = result_fingerprint(space.session.review.machine_result)
    dock.form.value_box("detect", "min_snr").setValue(45.0)
    wait_for(lambda: dock.preview_layers.is_shown)
    dock.rescorer.ask = lambda *_: ""
    dock.apply.click()
    assert not dock.rescorer.is_running
    dock.rescorer.ask = lambda *_: "bright lot"
    dock.apply.click()
    wait_for(lambda: not dock.rescorer.is_running)
    assert "detect.min_snr: 4.2 -> 45.0" in dock.message.text()
    (kept,) = earlier_results(small, "small")
    assert result_fingerprint(open_bundle(kept)) == before
    event = space.session.review.history()[-1]
    assert (event.why, event.reader) == ("bright lot", "Ada")
    config = space.session.review.machine_result.provenance.config
    assert config["detect"]["min_snr"] == 45.0
    assert event.result == result_fingerprint(open_bundle(small / "small"))
    assert dock.form.value_box("detect", "min_snr").value() == 45.0


def test_while_a_read_is_open_nothing_is_scored_again(dock):
    dock.workspace.session.start_read(ReadMode.FULL)
    dock.form.value_box("detect", "min_snr").setValue(9.0)
    dock._show_run()
    assert not dock.apply.isEnabled()
    assert "A read is open" in dock.apply.toolTip()


def test_stopping_leaves_the_case_as_it_was(dock, small, wait_for, monkeypatch):
    before = result_fingerprint(open_bundle(small / "small"))
    dock.form.value_box("detect", "min_snr").setValue(30.0)
    dock.rescorer.ask = lambda *_: "to stop it"
    assert dock.rescorer.begin(config=dock.form.config())
    dock.rescorer.stop()
    wait_for(lambda: not dock.rescorer.is_running)
    assert "The case is as it was" in dock.message.text()
    assert result_fingerprint(open_bundle(small / "small")) == before
    assert not list(small.glob(".*rescored"))


class TestWhileItIsScoredAgain:
    """What happens between the begin of the run and its end."""

    @pytest.fixture
    def before(self, dock, small):
        found = result_fingerprint(open_bundle(small / "small"))
        dock.form.value_box("detect", "min_snr").setValue(45.0)
        dock.rescorer.ask = lambda *_: "bright lot"
        assert dock.rescorer.begin(config=dock.form.config())
        return found

    def test_a_read_that_is_begun_keeps_its_result(self, dock, small, before, wait_for):
        session = dock.workspace.session
        assert session.start_read(ReadMode.FULL)
        wait_for(lambda: not dock.rescorer.is_running)
        assert dock.message.text() == READ_BEGUN
        assert dock.workspace.session is session
        assert result_fingerprint(open_bundle(small / "small")) == before
        assert not list(small.glob(".*rescored"))

    def test_who_sits_down_meanwhile_sees_the_new_result(self, dock, before, wait_for):
        space, said = dock.workspace, []
        space.set_reader("Ben")
        space.said.connect(lambda text, _: said.append(text))
        wait_for(lambda: not dock.rescorer.is_running)
        space.tick()
        assert said == []  # it was no other program
        assert (space.session.review.reader, space.session.is_reading) == ("Ben", False)
        assert space.session.review.fingerprint != before
        assert space.session.review.history()[-1].reader == "Ada"

    def test_a_stop_that_comes_late_still_stops(self, dock, small, before, wait_for):
        ended = []
        place, dock.rescorer._job.on_done = dock.rescorer._job.on_done, ended.append
        wait_for(lambda: ended)
        dock.rescorer.stop()
        place(ended[0])
        assert dock.message.text() == STOPPED
        assert result_fingerprint(open_bundle(small / "small")) == before
        assert not list(small.glob(".*rescored"))


def test_settings_that_contradict_each_other_are_said(dock):
    dock.form.value_box("scorable", "min_diam_um").setValue(39.0)
    dock._preview()
    assert "min_diam_um must not exceed" in dock.message.text()


def test_an_unconfirmed_profile_is_refused(dock, tmp_path):
    from importlib import resources

    text = (resources.files("alkfish") / "probes" / "generic-break-apart.toml").read_text("utf-8")
    file = tmp_path / "kit.toml"
    file.write_text(text)
    dock.choose_file = lambda: str(file)
    dock._take_probe(dock.probe.count() - 1)
    assert "not confirmed" in dock.message.text() or "confirmed" in dock.message.text()
    assert dock.probe.currentIndex() == 0
