"""The folder changes under the window: scored again elsewhere, moved away, not to be written."""

import shutil

import pytest

from alkfish.errors import StoreError
from alkfish.io.bundle import write_bundle
from alkfish.model.signals import Pattern
from alkfish.plugin import workspace as workspace_module
from alkfish.plugin.case_dock import CaseDock
from alkfish.plugin.worklist import Worklist
from alkfish.plugin.workspace import AWAY
from alkfish.review import CaseState, ReadMode, open_store
from alkfish.review.elsewhere import store_elsewhere
from alkfish.review.view_store import VIEW_ONLY

from .conftest import build_result

OTHER = ["FUSED"] * 60 + ["SPLIT"] * 30


@pytest.fixture
def heard(workspace):
    """Return what is said, by the workspace and by the session that is opened next."""
    found = []
    workspace.said.connect(lambda text, _: found.append(text))
    return found


@pytest.fixture
def session(workspace, made, heard):
    workspace.open(made / "case a", reader="Ada")
    workspace.session.said.connect(lambda text, _: heard.append(text))
    return workspace.session


@pytest.fixture
def dock(qtbot, workspace):
    made = CaseDock(workspace)
    qtbot.addWidget(made)
    made.show()
    return made


def decide(session, n):
    for nucleus in session.undecided()[:n]:
        assert session.decide(Pattern.FUSED, (nucleus,))


def replace_outside(made, patterns=OTHER):
    write_bundle(build_result("case a", patterns), made, overwrite=True)


class TestScoredAgain:
    def test_an_open_read_is_told_and_nothing_is_written_onto_the_wrong_result(
        self, workspace, session, made, dock, heard
    ):
        session.start_read()
        decide(session, 3)
        log = len(session.review.history())
        replace_outside(made)
        assert not session.decide(Pattern.SPLIT)
        assert "another program has scored this case again" in heard[-1]
        assert len(session.review.history()) == log
        workspace.tick()
        now = workspace.session
        assert now.review.is_rescored
        assert len(now.keys) == len(OTHER), "the new result is shown"
        assert not now.decided.any(), "numbers name other nuclei there"
        assert now.patterns.tolist() == list(now.result.nuclei.pattern)
        assert "Your read (3 decided) stays in the log" in heard[-1]
        dock.show_case()
        assert "scored again" in dock.step.text()
        assert "Abandon the open read" in dock.step.text()
        assert not now.may_start
        assert not now.decide(Pattern.SPLIT)
        assert now.abandon_read("scored again")
        dock.show_case()
        assert "Start a read of this one." in dock.step.text()
        assert now.may_start, "both panels offer it"
        assert dock.start.isVisible()
        assert now.start_read()
        decide(now, 1)

    def test_what_is_told_is_possible_after_an_equivocal_read(self, workspace, session, made, dock):
        session.start_read()
        for number, nucleus in enumerate(session.undecided()):
            session.decide(Pattern.SPLIT if number < 10 else Pattern.FUSED, (nucleus,))
        assert session.finish_read()
        replace_outside(made)
        workspace.tick()
        workspace.set_reader("Bo")
        now = workspace.session
        dock.show_case()
        assert "Open a new version" in dock.step.text()
        assert not now.may_start
        assert dock.start.isHidden()
        assert dock.version.isVisible()
        assert now.open_version("scored again")
        assert now.may_start

    def test_the_tick_alone_tells_it(self, workspace, session, made, heard):
        replace_outside(made)
        workspace.tick()
        assert workspace.session is not session
        assert "Nobody had read the older one" in heard[-1]
        assert not workspace.session.blocked
        assert workspace.session.start_read()

    def test_the_same_result_once_more_disturbs_nobody(self, workspace, session, made, heard):
        session.start_read()
        write_bundle(session.review.machine_result, made, overwrite=True)
        decide(session, 2)
        workspace.tick()
        assert workspace.session is session
        assert heard == []


class TestMovedAway:
    def test_it_is_said_and_goes_on_when_the_folder_is_back(
        self, workspace, session, made, dock, heard
    ):
        session.start_read()
        decide(session, 4)
        made.rename(made.with_name("elsewhere"))
        assert not session.decide(Pattern.SPLIT)
        assert heard[-1].startswith(AWAY)
        workspace.tick()
        dock.show_case()
        assert dock.step.text().startswith(AWAY)
        assert not dock.finish.isEnabled()
        assert not made.exists(), "nothing is made where the folder was"
        made.with_name("elsewhere").rename(made)
        workspace.tick()
        assert "go on" in heard[-1]
        assert workspace.session is session
        decide(session, 46)
        assert session.finish_read()
        assert session.review.state is CaseState.CALLED

    def test_an_empty_folder_in_its_place_is_no_folder_of_results(self, workspace, session, made):
        """As a share that is not mounted leaves one."""
        session.start_read()
        made.rename(made.with_name("elsewhere"))
        made.mkdir()
        assert not session.decide(Pattern.SPLIT)
        workspace.tick()
        with pytest.raises(StoreError, match="cannot be reached"):
            workspace.cases()
        assert list(made.iterdir()) == []

    def test_a_copy_that_comes_back_is_taken_up(self, workspace, session, made):
        session.start_read()
        decide(session, 2)
        workspace.session.review._store.close()
        shutil.copytree(made, made.with_name("copy"))
        made.rename(made.with_name("elsewhere"))
        workspace.tick()
        made.with_name("copy").rename(made)
        workspace.tick()
        decide(session, 1)
        with open_store(made) as store:
            kinds = [event.kind.value for event in store.events("case a")]
        assert kinds.count("pattern_set") == 3

    @pytest.mark.usefixtures("session")
    def test_the_list_of_cases_says_it(self, qtbot, workspace, made):
        worklist = Worklist(workspace)
        qtbot.addWidget(worklist)
        made.rename(made.with_name("elsewhere"))
        worklist.refresh()
        assert "cannot be reached" in worklist.footer.text()


class TestViewOnly:
    @pytest.fixture
    def locked(self, made, monkeypatch):
        """A folder that nobody may write to; the tests may run as somebody who always may."""

        def refuse(where, **_):
            raise StoreError("the review store cannot be used", where=where)

        monkeypatch.setattr(workspace_module, "open_store", refuse)
        monkeypatch.setattr(workspace_module, "can_be_written", lambda _: False)
        return made

    def test_it_can_be_looked_at_and_says_why_no_key_decides(self, workspace, locked, dock, heard):
        before = sorted(locked.rglob("*"))
        workspace.open(locked / "case a", reader="Ada")
        session = workspace.session
        session.said.connect(lambda text, _: heard.append(text))
        assert session.keys
        assert not session.decide(Pattern.SPLIT)
        assert heard == [VIEW_ONLY]
        assert not session.start_read()
        dock.show_case()
        assert dock.step.text() == VIEW_ONLY
        assert not session.may_start
        assert dock.start.isHidden()
        workspace.tick()
        assert len(workspace.cases()) == 3
        workspace.close()
        assert sorted(locked.rglob("*")) == before

    def test_it_is_told_at_once_where_the_store_can_still_be_opened(
        self, workspace, made, monkeypatch
    ):
        monkeypatch.setattr(workspace_module, "can_be_written", lambda _: False)
        with open_store(made):  # leaves files by which SQLite opens it for reading
            workspace.open(made / "case a", reader="Ada")
        assert workspace.session.blocked == VIEW_ONLY

    def test_reads_of_others_are_shown_and_followed(self, workspace, made, request):
        workspace.open(made / "case a", reader="Ada")
        workspace.session.start_read(ReadMode.FULL)
        workspace.close()
        locked = request.getfixturevalue("locked")
        workspace.open(locked / "case a", reader="Bo")
        assert workspace.session.review.state is CaseState.READING
        with open_store(locked) as store:
            from alkfish.review import CaseReview

            CaseReview(store, workspace.session.review.machine_result, "Ada").finish_read()
        workspace.tick()
        assert workspace.session.review.state is CaseState.CALLED
        assert not workspace.session.sign()

    def test_another_trouble_with_the_store_is_not_hidden(self, workspace, locked, monkeypatch):
        monkeypatch.setattr(workspace_module, "can_be_written", lambda _: True)
        with pytest.raises(StoreError, match="cannot be used"):
            workspace.open(locked, reader="Ada")


def test_an_abandoned_read_is_offered_to_be_gone_on_with(workspace, session, dock):
    session.start_read()
    decide(session, 5)
    session.abandon_read("called away")
    dock.show_case()
    first = dock.start.menu().actions()[0]
    assert first.text() == "Go on with my abandoned read (5 decided)"
    first.trigger()
    assert len(session.review.read.decisions) == 5
    assert len(session.undecided()) == 45
    session.abandon_read("again")
    workspace.set_reader("Bo")
    assert workspace.session.to_continue is None


def test_too_few_nuclei_are_told_before_a_read_is_started(workspace, made, dock):
    workspace.open(made / "case c", reader="Ada")
    dock.show_case()
    assert "Only 5 nuclei are scorable; a read needs 50" in dock.step.text()
    assert "not evaluable, whatever the read finds" in dock.step.text()
    session = workspace.session
    assert session.start_read()
    dock.show_case()
    assert "Only 5 of 50 nuclei can be counted" in dock.step.text()
    decide(session, 5)
    assert session.finish_read()
    assert session.review.call.call.value == "NOT_EVALUABLE"


def test_an_equivocal_case_offers_its_first_reader_no_read(workspace, session, dock):
    session.start_read()
    for number, nucleus in enumerate(session.undecided()):
        session.decide(Pattern.SPLIT if number < 10 else Pattern.FUSED, (nucleus,))
    assert session.finish_read()
    assert not session.may_start
    dock.show_case()
    assert dock.start.isHidden()
    assert "Another person must make the second read" in dock.step.text()
    workspace.set_reader("Bo")
    assert workspace.session.may_start


def test_messages_do_not_outlive_their_truth(qtbot, session, dock):
    dock.workspace.session.decide(Pattern.FUSED)
    assert "start a read first" in dock.message.text()
    qtbot.wait(20)
    assert dock.message.isVisible()
    session.start_read()
    assert not dock.message.isVisible()


def test_a_case_that_cannot_be_opened_leaves_the_open_one_marked(qtbot, workspace, session, made):
    worklist = Worklist(workspace)
    qtbot.addWidget(worklist)
    worklist.show()
    worklist.refresh()
    (made / "case b" / "nuclei.parquet").unlink()
    index = worklist.shown.index(1, 0)
    worklist.table.setCurrentIndex(index)
    worklist.table.clicked.emit(index)
    assert workspace.session is session
    assert "nuclei.parquet" in worklist.footer.text()
    marked = worklist.table.selectionModel().selectedRows()
    assert [item.data() for item in marked] == ["case a"]


def test_the_folder_says_where_its_reads_are_kept(workspace, made, tmp_path):
    workspace.open(made, reader="Ada")
    assert store_elsewhere(made) == ""
    elsewhere = tmp_path / "elsewhere" / "review.sqlite"
    elsewhere.parent.mkdir()
    workspace.open(made, reader="Ada", store=str(elsewhere))
    assert store_elsewhere(made) == str(elsewhere)
