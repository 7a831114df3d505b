import threading

import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage

from alkfish import Pattern
from alkfish.plugin.gallery_choice import Choice, GalleryTable
from alkfish.plugin.gallery_model import PICTURE, STATE, GalleryModel
from alkfish.plugin.thumbnail_worker import ThumbnailWorker, Wish
from alkfish.plugin.thumbnails import Look, TileMaker, View
from alkfish.review import NucleusKey


@pytest.fixture
def worker(qtbot):
    worker = ThumbnailWorker()
    yield worker
    worker.stop()


@pytest.fixture
def shown(worker, make_case, make_session, fake_pictures):
    """Return a function that shows a case: session, model, table, pictures."""

    def show(n_per_field=20, **options):
        session = make_session(make_case(n_per_field), **options)
        model, table, pictures = GalleryModel(worker), GalleryTable(session), fake_pictures()
        worker.set_maker(TileMaker(session.result, pictures))
        model.set_table(table, session.keys)
        model.set_rows(table.rows(Choice()))
        return session, model, table, pictures

    return show


def test_a_picture_is_made_when_it_is_asked_for(qtbot, shown):
    session, model, _, pictures = shown()
    index = model.index_of(session.keys[5])
    assert index.data(PICTURE) is None
    with qtbot.waitSignal(model.dataChanged) as changed:
        pass
    assert changed.args[0] == index
    picture = index.data(PICTURE)
    assert (picture.width(), picture.height()) == (128, 128)
    assert len(pictures.cuts) == 1


def test_another_look_asks_for_another_picture_and_the_first_is_kept(qtbot, shown):
    session, model, _, pictures = shown()
    index = model.index_of(session.keys[0])
    for look in (Look(), Look(View.DAPI), Look()):
        model.set_look(look)
        qtbot.waitUntil(lambda index=index: index.data(PICTURE) is not None)
    assert len(model.pictures) == 2
    assert len(pictures.cuts) == 1


def test_pictures_of_a_case_that_was_left_are_thrown_away(qtbot, shown, worker):
    session, model, *_ = shown()
    wish = Wish(session.keys[0], 0, model.look)
    picture = model.pictures
    worker.made.emit(wish, object(), worker.case - 1)
    assert len(picture) == 0


def test_frames_tell_pattern_and_decision(shown):
    session, model, table, _ = shown(40, reading=True)
    key = session.draw[0]
    session.decide(Pattern.ISOLATED_3P, (key,))
    changes = []
    model.dataChanged.connect(lambda first, last, _roles: changes.append((first.row(), last.row())))
    model.show_changes(table.update((key,)))
    place = model.index_of(key).row()
    assert changes == [(place, place)]
    state = model.index_of(key).data(STATE)
    assert (state.pattern, state.decided, state.name) == ("ISOLATED_3P", True, "Isolated 3'")


def test_the_words_say_what_was_proposed(shown):
    session, model, table, _ = shown(40, reading=True)
    machine = dict(zip(session.keys, session.result.nuclei.pattern, strict=True))
    key = next(key for key in session.draw if machine[key] == "FUSED")
    session.decide(Pattern.SPLIT, (key,))
    table.update((key,))
    words = model.index_of(key).data(Qt.ItemDataRole.ToolTipRole)
    assert f"Nucleus {key.nucleus_id} of {key.fov}" in words
    assert "Split" in words
    assert "proposed: Fused" in words


def test_a_blinded_reader_is_told_nothing_of_the_machine(shown):
    session, model, _, _ = shown(60, reading=True, blinded=True)
    for key in session.draw:
        index = model.index_of(key)
        state, words = index.data(STATE), index.data(Qt.ItemDataRole.ToolTipRole)
        assert (state.pattern, state.decided, state.name) == ("", False, "Undecided")
        assert words == f"Nucleus {key.nucleus_id} of {key.fov}\nUndecided\nnot decided"


def test_rows_that_did_not_change_are_left_alone(qtbot, shown):
    _, model, table, _ = shown()
    with qtbot.assertNotEmitted(model.modelReset):
        assert not model.set_rows(table.rows(Choice()))
    assert model.set_rows(table.rows(Choice(patterns=frozenset({"SPLIT"}))))
    assert model.rowCount() == 8


def test_a_nucleus_that_is_not_shown_has_no_place(shown):
    session, model, table, _ = shown()
    model.set_rows(table.rows(Choice(fov="field 1")))
    assert not model.index_of(session.keys[0]).isValid()
    assert not model.index_of(None).isValid()
    assert model.key_at(model.index_of(session.keys[-1])) == session.keys[-1]


def test_wishes_are_fulfilled_newest_first_and_dropped_when_stale(qtbot, worker, fake_pictures,
                                                                  make_case):  # fmt: skip
    begun, gate, pictures = threading.Event(), threading.Event(), fake_pictures()
    cut = pictures.cut

    def slow(fov, window):
        begun.set()
        gate.wait(5)
        return cut(fov, window)

    pictures.cut = slow
    case = make_case(100, 1)
    worker.set_maker(TileMaker(case, pictures))
    made = []
    worker.made.connect(lambda wish, _picture, _case: made.append(wish.row))

    def ask(row):
        worker.ask(Wish(NucleusKey("field 0", row + 1), row, Look()))

    ask(0)
    assert begun.wait(5)
    for row in (1, 2, 3):
        ask(row)
    ask(1)
    gate.set()
    qtbot.waitUntil(lambda: len(made) == 4)
    assert made == [0, 1, 3, 2]


def test_nothing_is_made_after_the_end(qtbot, worker, make_case, fake_pictures):
    pictures = fake_pictures()
    worker.set_maker(TileMaker(make_case(), pictures))
    worker.stop()
    worker.ask(Wish(NucleusKey("field 0", 1), 0, Look()))
    assert worker.n_waiting == 0
    assert pictures.cuts == []


def test_tiles_that_arrive_together_are_painted_together(qtbot, shown, worker):
    session, model, *_ = shown()
    told = []
    model.dataChanged.connect(lambda first, *_: told.append(first.row()))
    picture = QImage(4, 4, QImage.Format.Format_RGB32)
    keys = session.keys[:12]
    for row, key in enumerate(keys):
        worker.made.emit(Wish(key, row, model.look), picture, worker.case)
    assert told == []
    assert all(model.index_of(key).data(PICTURE) is not None for key in keys), "at hand already"
    qtbot.waitUntil(lambda: len(told) == len(keys))
    assert sorted(told) == sorted(model.index_of(key).row() for key in keys)


def test_wishes_that_are_dropped_while_they_wait_are_not_made(qtbot, shown, worker):
    session, model, _, pictures = shown()
    worker.pause(0.1)
    assert model.index_of(session.keys[0]).data(PICTURE) is None
    worker.drop_wishes()
    assert model.index_of(session.keys[1]).data(PICTURE) is None
    qtbot.waitUntil(lambda: worker.n_waiting == 0)
    assert len(pictures.cuts) == 1


def test_tiles_wait_until_something_else_is_done_and_longer_if_told_again(qtbot, shown, worker):
    session, model, _, pictures = shown()
    worker.pause(60.0)
    assert model.index_of(session.keys[0]).data(PICTURE) is None
    qtbot.wait(50)
    worker.pause(60.0)
    qtbot.wait(50)
    assert pictures.cuts == []
    assert worker.n_waiting == 1
    worker.pause(0.0)
    worker.stop()
    assert pictures.cuts == [], "the window can be closed meanwhile"
