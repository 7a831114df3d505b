import pytest
from psygnal import Signal
from qtpy.compat import isalive
from qtpy.QtCore import QItemSelectionModel, Qt
from qtpy.QtWidgets import QApplication

from alkfish import Pattern
from alkfish.plugin.gallery_choice import Sort, Standing
from alkfish.plugin.gallery_dock import GalleryDock
from alkfish.plugin.gallery_model import PICTURE, STATE
from alkfish.plugin.thumbnails import View


class FakeWorkspace:
    session_changed = Signal()

    def __init__(self, pictures):
        self.session, self.pictures = None, pictures

    def show(self, session):
        self.session = session
        self.session_changed.emit()


@pytest.fixture
def workspace(fake_pictures):
    return FakeWorkspace(fake_pictures())


@pytest.fixture
def dock(qtbot, workspace):
    dock = GalleryDock(workspace)
    qtbot.addWidget(dock)
    dock.resize(700, 420)
    dock.show()
    yield dock
    dock.worker.stop()


@pytest.fixture
def open_case(qtbot, workspace, make_case, make_session, dock):
    """Return a function that opens a case in the gallery and waits until it is drawn."""

    def open_it(n_per_field=30, n_fields=2, **options):
        session = make_session(make_case(n_per_field, n_fields), **options)
        workspace.show(session)
        settle(qtbot, dock)
        return session

    return open_it


def settle(qtbot, dock):
    """Wait until nothing is left to be arranged, painted or made."""
    for _ in range(3):
        QApplication.processEvents()
        qtbot.waitUntil(lambda: not dock._later.isActive() and dock.worker.n_waiting == 0)
        qtbot.waitUntil(lambda: not dock.model._together.isActive())
    QApplication.processEvents()


def shown(dock):
    return [dock.model.key_at(dock.model.index(k)) for k in range(dock.model.rowCount())]


def select(dock, nuclei):
    flags = QItemSelectionModel.SelectionFlag
    model = dock.view.selectionModel()
    for number, key in enumerate(nuclei):
        index = dock.model.index_of(key)
        model.select(index, flags.Select if number else flags.ClearAndSelect)
        model.setCurrentIndex(index, flags.NoUpdate)


def choose(box, value):
    box.setCurrentIndex(box.findData(value))


def page(dock):
    return dock._pages.currentWidget() is dock.view


def test_without_a_case_it_says_what_to_do(dock):
    assert not page(dock)
    assert "No case is open" in dock._message.text()


def test_only_tiles_in_sight_are_made(qtbot, dock, open_case, workspace):
    session = open_case(2500, 4)
    assert dock.model.rowCount() == 10_000
    n_first = len(workspace.pictures.cuts)
    assert 8 <= n_first <= 40
    bar = dock.view.verticalScrollBar()
    bar.setValue(bar.maximum())
    settle(qtbot, dock)
    assert len(workspace.pictures.cuts) > n_first
    assert len(workspace.pictures.cuts) <= n_first + 40
    last = dock.model.index_of(session.keys[-1])
    in_sight = {dock.model.key_at(dock.view.indexAt(dock.view.viewport().rect().center()))}
    assert in_sight & set(shown(dock)[-40:])
    assert last.isValid()


def test_scrolling_through_many_thousands_keeps_memory_bounded(qtbot, dock, open_case):
    open_case(5000, 1)
    from alkfish.plugin.thumbnails import ByteLru

    dock.model.pictures = ByteLru(60 * 66_000, lambda item: int(item[1].sizeInBytes()) + 256)
    bar = dock.view.verticalScrollBar()
    for step in range(12):
        bar.setValue(bar.maximum() * step // 11)
        settle(qtbot, dock)
    assert dock.model.pictures.n_bytes <= 60 * 66_000
    assert 0 < len(dock.model.pictures) < 12 * 60


def test_tiles_in_sight_are_kept_however_many_they_are(qtbot, dock, open_case, monkeypatch):
    from alkfish.plugin import gallery_model

    monkeypatch.setattr(gallery_model, "PICTURES_BYTES", 1)
    open_case(400, 1)
    dock.resize(dock.width(), dock.height() + 300)
    settle(qtbot, dock)
    sight = dock.view.viewport().rect()
    indexes = (dock.model.index_of(key) for key in shown(dock))
    seen = [each for each in indexes if sight.intersects(dock.view.visualRect(each))]
    assert len(seen) > 10
    assert all(each.data(gallery_model.PICTURE) is not None for each in seen)
    assert dock.model.pictures.n_bytes <= 2 * 4 * sight.width() * sight.height()


def test_a_click_goes_to_the_nucleus(qtbot, dock, open_case):
    session = open_case()
    wanted = shown(dock)[3]
    place = dock.view.visualRect(dock.model.index_of(wanted)).center()
    with qtbot.waitSignal(dock.view.went):
        qtbot.mouseClick(dock.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert session.current == wanted
    assert dock.view.chosen() == (wanted,)
    assert dock.model.index_of(wanted).data(STATE).current


@pytest.mark.parametrize("is_seen", [True, False])
def test_the_current_tile_stays_in_sight_in_a_smaller_dock_if_it_was(
    qtbot, dock, open_case, is_seen
):
    session = open_case(2000)
    session.go(session.keys[300])
    settle(qtbot, dock)
    view = dock.view
    view.scrollTo(view.currentIndex(), view.ScrollHint.PositionAtBottom)
    if not is_seen:
        view.verticalScrollBar().setValue(0)
    settle(qtbot, dock)

    def seen():
        return view.viewport().rect().intersects(view.visualRect(view.currentIndex()))

    assert seen() is is_seen
    dock.resize(dock.width(), dock.height() // 2)
    settle(qtbot, dock)
    assert seen() is is_seen


def test_the_current_nucleus_is_marked_and_scrolled_to(qtbot, dock, open_case):
    session = open_case(400, 2)
    far = shown(dock)[-1]
    session.go(far)
    index = dock.model.index_of(far)
    assert dock.view.chosen() == (far,)
    assert dock.view.viewport().rect().contains(dock.view.visualRect(index).center())
    assert [k for k in shown(dock) if dock.model.index_of(k).data(STATE).current] == [far]


def test_patterns_and_lists_filter(qtbot, dock, open_case):
    session = open_case()
    patterns = dict(zip(session.keys, session.patterns, strict=True))
    dock.bar.patterns["SPLIT"].click()
    settle(qtbot, dock)
    assert {patterns[key] for key in shown(dock)} == {"SPLIT"}
    choose(dock.bar.fov, "field 1")
    settle(qtbot, dock)
    assert {key.fov for key in shown(dock)} == {"field 1"}
    assert f"{len(shown(dock))} of 60 nuclei" in dock._footer.text()
    dock.bar.reset()
    settle(qtbot, dock)
    assert len(shown(dock)) == 60


def test_the_buttons_say_how_many_each_would_show(qtbot, dock, open_case):
    open_case()
    choose(dock.bar.fov, "field 1")
    settle(qtbot, dock)
    texts = [button.text() for button in dock.bar.patterns.values()]
    assert texts == ["Split  6", "Isolated 3'  6", "Isolated 5'  6", "Fused  6", "Not counted  6"]


def test_words_filter_and_nothing_found_offers_all_again(qtbot, dock, open_case):
    open_case()
    dock.bar.text.setText("zebra")
    qtbot.waitUntil(lambda: not page(dock))
    assert "No nucleus matches" in dock._message.text()
    assert dock._all.isVisible()
    dock._all.click()
    qtbot.waitUntil(lambda: page(dock))
    assert dock.model.rowCount() == 60


def test_filters_that_are_hidden_say_that_they_are_in_use(qtbot, dock, open_case):
    open_case()
    assert not dock.bar.fov.isVisible()
    dock.bar.more.click()
    assert dock.bar.fov.isVisible()
    assert dock.bar.flag.isVisible()
    choose(dock.bar.fov, "field 1")
    dock.bar.more.click()
    settle(qtbot, dock)
    assert not dock.bar.fov.isVisible()
    assert dock.bar.more.text() == "More filters (1)"
    dock.bar.reset()
    assert dock.bar.more.text() == "More filters"


def test_sorting(qtbot, dock, open_case):
    session = open_case()
    choose(dock.bar.sort, Sort.AREA.value)
    settle(qtbot, dock)
    areas = [session.result.nuclei.area_um2[session.rows[key]] for key in shown(dock)]
    assert areas == sorted(areas, reverse=True)


def test_a_read_that_begins_shows_its_nuclei_in_their_order(qtbot, dock, open_case):
    session = open_case(40)
    session.start_read()
    settle(qtbot, dock)
    assert Standing(dock.bar.standing.currentData()) is Standing.READ
    assert shown(dock) == list(session.draw)
    session.abandon_read("wrong case")
    settle(qtbot, dock)
    assert len(shown(dock)) == 80


def test_a_decision_paints_that_tile_only(qtbot, dock, open_case):
    session = open_case(40, reading=True)
    settle(qtbot, dock)
    key, changed = session.draw[2], []
    dock.model.dataChanged.connect(lambda first, last, _r: changed.append((first, last)))
    session.decide(Pattern.SPLIT, (key,))
    settle(qtbot, dock)
    assert {first.row() for first, _ in changed} <= {2, dock.model.index_of(session.current).row()}
    assert dock.model.index_of(key).data(STATE).decided


def test_decided_nuclei_leave_the_list_of_undecided_ones_and_undo_brings_them_back(
    qtbot, dock, open_case
):
    session = open_case(40, reading=True)
    dock.bar.set_standing(Standing.UNDECIDED)
    settle(qtbot, dock)
    key = session.draw[1]
    session.decide(Pattern.FUSED, (key,))
    qtbot.waitUntil(lambda: key not in shown(dock))
    session.undo()
    qtbot.waitUntil(lambda: key in shown(dock))


def test_selection_survives_another_order(qtbot, dock, open_case):
    open_case()
    wanted = shown(dock)[2:6]
    select(dock, wanted)
    choose(dock.bar.sort, Sort.SNR.value)
    settle(qtbot, dock)
    assert set(wanted) <= set(dock.view.chosen())


def test_several_selected_are_told(dock, open_case):
    open_case()
    select(dock, shown(dock)[:4])
    assert "4 selected" in dock._footer.text()


def test_looks(qtbot, dock, open_case, workspace):
    session = open_case()
    n_cuts = len(workspace.pictures.cuts)
    dock.bar.views.button(list(View).index(View.THREE_PRIME)).click()
    assert dock.model.look.view is View.THREE_PRIME
    dock.bar.marks.click()
    assert not dock.model.look.marks
    index = dock.model.index_of(shown(dock)[0])
    qtbot.waitUntil(lambda: index.data(PICTURE) is not None)
    assert len(workspace.pictures.cuts) == n_cuts
    dock.bar.size_list.setCurrentIndex(2)
    assert dock.view.gridSize().width() > dock.model.look.side_px == 176
    assert session.current is not None


def test_edits_are_shown(qtbot, dock, open_case, make_case):
    from alkfish.review.edits import SpotDeleted

    session = open_case(40, reading=True)
    settle(qtbot, dock)
    before = dock._table
    assert session.edit(SpotDeleted("field 0", 2))
    settle(qtbot, dock)
    assert dock._table is not before
    assert dock._table.result is session.result


def test_hidden_galleries_do_nothing_and_catch_up(qtbot, dock, open_case, workspace):
    session = open_case(40, reading=True)
    dock.hide()
    n_cuts = len(workspace.pictures.cuts)
    session.decide(Pattern.ISOLATED_5P, session.draw[:5])
    session.go(session.draw[-1])
    assert len(workspace.pictures.cuts) == n_cuts
    dock.show()
    settle(qtbot, dock)
    states = [dock.model.index_of(key).data(STATE) for key in session.draw[:5]]
    assert {(s.pattern, s.decided) for s in states} == {("ISOLATED_5P", True)}
    assert dock.model.index_of(session.draw[-1]).data(STATE).current


def test_a_blinded_read_hides_what_the_machine_found(qtbot, dock, open_case):
    session = open_case(60)
    session.start_read(blinded=True)
    settle(qtbot, dock)
    assert set(shown(dock)) == set(session.draw)
    assert dock.model.look.blinded
    dock.bar.more.click()
    assert dock.bar.text.isVisible()
    assert not dock.bar.flag.isVisible()
    assert not dock.bar.doubt.isVisible()
    texts = [button.text() for button in dock.bar.patterns.values() if button.isVisible()]
    assert texts == ["Split  0", "Isolated 3'  0", "Isolated 5'  0", "Fused  0"]
    sorts = dock.bar.sort.model()
    allowed = [sort for k, sort in enumerate(Sort) if sorts.item(k).isEnabled()]
    assert allowed == [Sort.ORDER, Sort.POSITION]
    assert all(dock.model.index_of(key).data(STATE).pattern == "" for key in session.draw)


def test_another_case_shows_nothing_of_the_first(qtbot, dock, open_case, workspace, fake_pictures):
    open_case()
    workspace.pictures = fake_pictures(available=False)
    session = open_case(10, 1)
    assert set(shown(dock)) == set(session.keys)
    assert "drawn from the outlines" in dock._footer.text()
    assert all(key in session.rows for key, _ in dock.model.pictures._items)


def test_closing_the_case_empties_the_gallery(dock, open_case, workspace):
    open_case()
    workspace.show(None)
    assert not page(dock)
    assert dock.model.rowCount() == 0
    assert len(dock.model.pictures) == 0


def test_a_gallery_that_is_gone_hears_nothing(qtbot, workspace, make_case, make_session):
    session = make_session(make_case(40), reading=True)
    workspace.session = session
    dock = GalleryDock(workspace)
    thread = dock.worker
    dock.show()
    dock.close()
    dock.deleteLater()
    qtbot.waitUntil(lambda: not isalive(dock))
    session.decide(Pattern.FUSED)
    workspace.show(None)
    assert thread._stopped


class TestDeciding:
    @pytest.fixture
    def reading(self, qtbot, open_case, dock):
        session = open_case(60, reading=True)
        settle(qtbot, dock)
        dock.steps.confirm = lambda question: pytest.fail(f"asked {question}")
        dock.steps.choose_reason = lambda: "nuclei overlap or touch"
        return session

    @pytest.mark.parametrize(
        ("key", "pattern"),
        [
            (Qt.Key.Key_1, "FUSED"), (Qt.Key.Key_2, "SPLIT"), (Qt.Key.Key_3, "ISOLATED_3P"),
            (Qt.Key.Key_4, "ISOLATED_5P"), (Qt.Key.Key_0, ""), (Qt.Key.Key_X, ""),
        ],
    )  # fmt: skip
    def test_keys_decide_and_go_on(self, qtbot, dock, reading, key, pattern):
        first, second = shown(dock)[:2]
        select(dock, [first])
        qtbot.keyClick(dock.view, key)
        assert reading.decided[reading.rows[first]]
        assert reading.patterns[reading.rows[first]] == pattern
        assert reading.current == second

    def test_the_number_pad_decides_too(self, qtbot, dock, reading):
        first = shown(dock)[0]
        select(dock, [first])
        qtbot.keyClick(dock.view, Qt.Key.Key_2, Qt.KeyboardModifier.KeypadModifier)
        assert reading.patterns[reading.rows[first]] == "SPLIT"

    def test_several_are_decided_together_and_no_other(self, qtbot, dock, reading):
        chosen = shown(dock)[1:5]
        select(dock, chosen)
        qtbot.keyClick(dock.view, Qt.Key.Key_3)
        done = {key for key in reading.keys if reading.decided[reading.rows[key]]}
        assert done == set(chosen)
        assert {reading.patterns[reading.rows[key]] for key in chosen} == {"ISOLATED_3P"}

    def test_several_are_agreed_with_each_as_it_is_shown(self, qtbot, dock, reading):
        chosen = shown(dock)[:5]
        before = {key: reading.patterns[reading.rows[key]] for key in chosen}
        assert len(set(before.values())) > 1
        select(dock, chosen)
        qtbot.keyClick(dock.view, Qt.Key.Key_Return)
        assert {key: reading.patterns[reading.rows[key]] for key in chosen} == before
        assert all(reading.decided[reading.rows[key]] for key in chosen)

    def test_many_are_asked_about_and_no_means_no(self, qtbot, dock, reading):
        asked = []
        dock.steps.confirm = lambda question: bool(asked.append(question))
        select(dock, shown(dock)[:12])
        qtbot.keyClick(dock.view, Qt.Key.Key_1)
        assert len(asked) == 1
        assert "12 nuclei" in asked[0]
        assert not reading.decided.any()

    def test_undo_takes_back_the_last_one(self, qtbot, dock, reading):
        first, second = shown(dock)[:2]
        select(dock, [first, second])
        qtbot.keyClick(dock.view, Qt.Key.Key_2)
        qtbot.keyClick(dock.view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        assert reading.decided.sum() == 1
        qtbot.keyClick(dock.view, Qt.Key.Key_U, Qt.KeyboardModifier.ShiftModifier)
        assert reading.decided.sum() == 2

    @pytest.mark.parametrize("key", [Qt.Key.Key_2, Qt.Key.Key_Return, Qt.Key.Key_0])
    def test_a_key_after_the_last_tile_has_gone_decides_nothing(self, qtbot, dock, reading, key):
        said = []
        reading.said.connect(lambda text, _: said.append(text))
        dock.bar.text.setText(f"#{reading.current.nucleus_id} {reading.current.fov}")
        dock.bar.standing.setCurrentIndex(dock.bar.standing.findData("undecided"))
        qtbot.waitUntil(lambda: len(shown(dock)) == 1)
        (last,) = shown(dock)
        select(dock, [last])
        qtbot.keyClick(dock.view, Qt.Key.Key_1)
        qtbot.waitUntil(lambda: shown(dock) == [])
        qtbot.keyClick(dock.view, key)
        assert reading.patterns[reading.rows[last]] == "FUSED"
        assert reading.decided.sum() == 1
        assert "Nothing was decided" in said[-1]

    def test_without_a_reason_nothing_is_rejected(self, qtbot, dock, reading):
        dock.steps.choose_reason = lambda: ""
        qtbot.keyClick(dock.view, Qt.Key.Key_X)
        assert not reading.decided.any()

    def test_keys_of_other_docks_are_left_alone(self, qtbot, dock, reading):
        current = reading.current
        for key in (Qt.Key.Key_Q, Qt.Key.Key_A, Qt.Key.Key_Escape):
            qtbot.keyClick(dock.view, key)
        assert reading.current == current
        assert not reading.decided.any()

    def test_a_blinded_reader_cannot_agree_with_what_is_hidden(self, qtbot, dock, open_case):
        session = open_case(60)
        session.start_read(blinded=True)
        settle(qtbot, dock)
        said = []
        session.said.connect(lambda text, refused: said.append((text, refused)))
        qtbot.keyClick(dock.view, Qt.Key.Key_Return)
        assert not session.decided.any()
        assert said
        assert said[0][1]

    def test_the_menu_offers_what_the_keys_do(self, dock, reading):
        select(dock, shown(dock)[:3])
        menu = dock.steps.menu()
        texts = [action.text() for action in menu.actions()]
        assert texts[0] == "3 nuclei"
        assert "Split\t2" in texts
        split = next(action for action in menu.actions() if action.text() == "Split\t2")
        split.trigger()
        assert reading.decided.sum() == 3

    def test_without_a_read_the_refusal_is_said(self, qtbot, dock, open_case):
        session = open_case()
        said = []
        session.said.connect(lambda text, refused: said.append((text, refused)))
        qtbot.keyClick(dock.view, Qt.Key.Key_1)
        assert [refused for _, refused in said] == [True]
