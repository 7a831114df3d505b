"""The docks in a real window: try settings, outline, score again, read blinded, sign."""

import numpy as np
import pytest

from alkfish.model.signals import Pattern
from alkfish.plugin.area_tools import INSIDE
from alkfish.plugin.case_dock import CaseDock
from alkfish.plugin.case_words import HIDDEN
from alkfish.plugin.dialogs import SignDialog, SignedDialog
from alkfish.plugin.layers import CaseLayers
from alkfish.plugin.preview_layers import PREFIX
from alkfish.plugin.settings_dock import SettingsDock
from alkfish.plugin.worklist import Worklist
from alkfish.review import CaseState, earlier_results


@pytest.fixture
def docks(viewer, workspace, qtbot):
    layers = CaseLayers(workspace)
    made = {kind: kind(workspace) for kind in (CaseDock, Worklist, SettingsDock)}
    for kind, dock in made.items():
        qtbot.addWidget(dock)
        viewer.window.add_dock_widget(dock, name=kind.__name__, area="right")
    assert layers.fov
    return made


def test_from_outlining_to_a_signed_call(docks, viewer, workspace, results, qtbot, coverage,
                                         monkeypatch):  # fmt: skip
    case, worklist, settings = docks[CaseDock], docks[Worklist], docks[SettingsDock]
    assert coverage() > 0.01
    settings.form.value_box("scorable", "min_diam_um").setValue(12.0)
    qtbot.waitUntil(lambda: settings.preview_layers.is_shown, timeout=60_000)
    assert any(layer.name.startswith(PREFIX) for layer in viewer.layers)
    assert "counted" in settings.words.text()
    settings.reset.click()
    assert not any(layer.name.startswith(PREFIX) for layer in viewer.layers)

    case.areas.begin(INSIDE)
    layer = case.areas._layers[INSIDE]
    layer.mode = "pan_zoom"
    layer.add_polygons([np.array([[100, 100], [100, 1400], [1400, 1400], [1400, 100]])])
    case.areas.save()
    case.areas.rescorer.ask = lambda *_: "tumour only"
    case.areas.apply.click()
    qtbot.waitUntil(lambda: not case.areas.rescorer.is_running, timeout=120_000)
    session = workspace.session
    assert len(earlier_results(results, "case_a")) == 1
    assert session.review.history()[-1].why == "tumour only"
    assert session.review.machine_result.excluded["outside_roi"] > 0

    case.show_case()
    case.start.menu().actions()[1].trigger()
    case.show_case()
    assert session.is_reading
    assert case.machine.text() == HIDDEN
    assert settings.empty.text() == HIDDEN
    for nucleus in session.undecided():
        session.decide(Pattern.FUSED, (nucleus,))
    case.show_case()
    case.finish.click()
    case.show_case()
    assert session.review.state is CaseState.CALLED
    monkeypatch.setattr(SignDialog, "exec", lambda _: True)
    monkeypatch.setattr(SignedDialog, "exec", lambda _: True)
    case.sign.click()
    worklist.refresh()
    assert worklist.model.entries[0].state is CaseState.SIGNED
    assert worklist.model.entries[0].folder.name == "case_a"
    assert coverage() > 0.01
