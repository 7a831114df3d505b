"""The case dock: states, steps and figures in words, through two readers to a signed call."""

import pytest

from alkfish.model.signals import Pattern
from alkfish.plugin.agreement_view import kappa_words
from alkfish.plugin.case_dock import CaseDock
from alkfish.plugin.case_words import HIDDEN
from alkfish.plugin.dialogs import ReasonDialog, SignDialog, SignedDialog, what_is_signed
from alkfish.review import CaseState, EventKind
from alkfish.review.agreement import compare


@pytest.fixture
def dock(qtbot, workspace, made):
    made_dock = CaseDock(workspace)
    qtbot.addWidget(made_dock)
    made_dock.resize(340, 900)
    made_dock.show()
    workspace.open(made / "case a", reader="Ada")
    made_dock.show_case()
    return made_dock


def decide(dock, positive):
    session = dock.workspace.session
    for number, nucleus in enumerate(session.undecided()):
        pattern = Pattern.SPLIT if number < positive else Pattern.FUSED
        assert session.decide(pattern, (nucleus,))
    dock.show_case()


def start(dock, number=0):
    dock.show_case()
    dock.start.menu().actions()[number].trigger()
    dock.show_case()


def counts(dock):
    return [int(dock.counts.item(row, 1).text()) for row in range(4)]


def shown(dock):
    buttons = (dock.start, dock.finish, dock.abandon, dock.sign, dock.version)
    return [button.text() for button in buttons if button.isVisible()]


def test_without_a_case_it_says_what_to_do(qtbot, workspace):
    dock = CaseDock(workspace)
    qtbot.addWidget(dock)
    dock.show()
    assert "No case is open" in dock.empty.text()
    assert dock.empty.isVisible()
    assert not dock.area.isVisible()


def test_a_scored_case_shows_the_proposal_and_offers_reads(dock):
    assert "Scored, not read" in dock.state.text()
    assert dock.counted_by.text() == "<b>The machine's proposal</b>"
    assert counts(dock) == [30, 0, 0, 100]
    assert "30 of 130 positive: 23.1" in dock.figures.text()
    assert "the machine's reason" in dock.machine.text()
    assert "the rate is borderline" in dock.cautions.text()
    assert shown(dock) == ["Start a read"]
    assert [action.text() for action in dock.start.menu().actions()] == [
        "50 nuclei, drawn at random",
        "50 nuclei, drawn at random; machine's proposal hidden",
        "All nuclei",
        "All nuclei; machine's proposal hidden",
    ]
    assert dock.quality.item(0, 1).text() == "130 of 135"


def test_a_read_is_counted_live(dock):
    start(dock)
    assert "Being read by Ada" in dock.state.text()
    assert (dock.progress.value(), dock.progress.maximum()) == (0, 50)
    assert not dock.finish.isEnabled()
    session = dock.workspace.session
    session.decide(Pattern.SPLIT, (session.undecided()[0],))
    session.decide(Pattern.FUSED, (session.undecided()[0],))
    dock.show_case()
    assert counts(dock) == [1, 0, 0, 1]
    assert dock.progress.value() == 2
    assert "0 to 4 positive is negative, 5 to 25 equivocal" in dock.reason.text()
    assert shown(dock) == ["Finish read", "Abandon read..."]


@pytest.mark.parametrize(
    ("positive", "told"),
    [(4, "NEGATIVE. reader 1: 4 of 50"), (5, "EQUIVOCAL. reader 1: 5 of 50"),
     (25, "EQUIVOCAL. reader 1: 25 of 50"), (26, "POSITIVE. reader 1: 26 of 50")],
)  # fmt: skip
def test_a_complete_read_tells_what_the_rule_makes_of_it(dock, positive, told):
    start(dock)
    decide(dock, positive)
    assert dock.reason.text().startswith(f"Finished now: {told}")
    dock.workspace.session.undo()
    dock.show_case()
    assert dock.reason.text().startswith("First read of 50:")


def test_a_full_read_tells_the_call_of_all_nuclei_at_any_time(dock):
    start(dock, 2)
    assert dock.reason.text().startswith("Finished now: POSITIVE. full review of the case: 30 of")
    session = dock.workspace.session
    split = [k for k in session.draw if session.patterns[session.rows[k]] == "SPLIT"]
    assert session.decide(Pattern.FUSED, tuple(split[:11]))
    dock.show_case()
    assert "Finished now: NEGATIVE. full review of the case: 19 of 130" in dock.reason.text()
    told = dock.reason.text().split("case: ")[1]
    dock.finish.click()
    dock.show_case()
    assert dock.reason.text().endswith(told)


def test_a_blinded_read_hides_all_of_the_machine(dock):
    start(dock, 1)
    assert dock.machine.text() == HIDDEN
    assert not dock.folds["cautions"].isVisible()
    assert counts(dock) == [0, 0, 0, 0]
    decide(dock, 2)
    dock.finish.click()
    dock.show_case()
    assert "the machine's reason" in dock.machine.text()
    assert dock.folds["agreement"].isVisible()


def test_two_readers_to_a_signed_call(dock, monkeypatch):
    workspace = dock.workspace
    start(dock)
    decide(dock, 10)
    dock.finish.click()
    dock.show_case()
    assert "Equivocal, awaits a second reader" in dock.state.text()
    assert "Another person must make the second read" in dock.step.text()
    assert shown(dock) == ["New version..."]
    assert dock.counted_by.text() == "<b>Your read</b>"
    assert counts(dock) == [10, 0, 0, 40]
    assert "10 of 50 positive, within 5 to 25" in dock.reason.text()
    workspace.set_reader("Bo")
    dock.show_case()
    assert "Only one of two reads is made" in dock.reason.text()
    assert not dock.call.isVisible()
    assert counts(dock) == [30, 0, 0, 100]
    assert not dock.folds["agreement"].isVisible()
    start(dock)
    assert dock.reason.text() == "The sum of both reads decides when you finish."
    decide(dock, 10)
    assert dock.reason.text() == "The sum of both reads decides when you finish."
    dock.finish.click()
    dock.show_case()
    assert dock.call.text() == "<b>POSITIVE: ALK rearrangement found</b>"
    assert counts(dock) == [20, 0, 0, 80]
    assert dock.agreement.pairs.count() == 2
    assert "Kappa" in dock.agreement.words.text()
    told = what_is_signed(workspace.session)
    for part in ("case a", "POSITIVE", "20 of 100", "first read: Ada, 10 of 50", "Bo, 10 of 50"):
        assert part in told, part
    hashes = []
    monkeypatch.setattr(SignDialog, "exec", lambda _: True)
    monkeypatch.setattr(SignedDialog, "exec", lambda self: hashes.append(self.hash.text()))
    dock.sign.click()
    dock.show_case()
    assert workspace.session.review.state is CaseState.SIGNED
    assert "Signed by Bo" in dock.state.text()
    signed = [e for e in workspace.session.review.history() if e.kind is EventKind.SIGNED]
    assert signed[0].hash[:32] in hashes[0]
    assert shown(dock) == ["New version..."]


@pytest.mark.parametrize(
    ("machine", "told"),
    [
        ("FUSED SPLIT FUSED SPLIT", "4 of 4 nuclei the same. Kappa 1.00, complete agreement. "
         "Positive against not: kappa 1.00, complete agreement."),
        ("FUSED ISOLATED_3P FUSED SPLIT", "3 of 4 nuclei the same. Kappa 0.60 (95 % 0.10 to 1.00). "
         "Positive against not: kappa 1.00, complete agreement."),
        ("", "No nucleus was judged by both."),
    ],
)  # fmt: skip
def test_kappa_is_told_where_it_can_be(machine, told):
    reader = dict(enumerate(["FUSED", "SPLIT", "FUSED", "SPLIT"]))
    assert kappa_words(compare("Ada", reader, "machine", dict(enumerate(machine.split())))) == told


def test_kappa_of_one_kind_cannot_be_told():
    fused = dict.fromkeys(range(5), "FUSED")
    assert kappa_words(compare("Ada", fused, "Bo", fused)) == (
        "5 of 5 nuclei the same. Kappa cannot be told, because all nuclei are of one kind. "
        "Positive against not: kappa cannot be told, because all nuclei are of one kind."
    )


def test_reasons_are_asked_and_kept(dock):
    start(dock)
    dock.ask = lambda *_: ""
    dock.abandon.click()
    assert dock.workspace.session.is_reading
    dock.ask = lambda *_: "wrong slide"
    dock.abandon.click()
    session = dock.workspace.session
    assert session.review.state is CaseState.SCORED
    assert session.review.history()[-1].why == "wrong slide"
    start(dock)
    decide(dock, 2)
    dock.finish.click()
    dock.ask = lambda *_: "other block"
    dock.version.click()
    dock.show_case()
    assert session.review.version == 2
    assert dock.title.text() == "<b>case a</b>, version 2"


def test_what_is_refused_is_said(dock):
    start(dock)
    dock.workspace.session.finish_read()
    dock.show_case()
    assert "50 nuclei without a decision" in dock.message.text()
    assert dock.message.isVisible()
    dock.message.be_quiet()
    assert not dock.message.isVisible()


def test_a_full_review_counts_what_is_left_alone_as_proposed(dock):
    start(dock, 2)
    assert counts(dock) == [30, 0, 0, 100]
    session = dock.workspace.session
    session.reject("torn", (session.draw[0],))
    dock.show_case()
    assert sum(counts(dock)) == 129
    assert dock.finish.isEnabled()
    assert "count as proposed" in dock.step.text()


def test_another_reader_is_told_who_reads(dock):
    start(dock)
    dock.workspace.set_reader("Bo")
    dock.show_case()
    assert "Being read by Ada" in dock.state.text()
    assert "Ada is reading" in dock.step.text()
    assert shown(dock) == ["Abandon read..."]


def test_a_dock_that_is_gone_hears_nothing(qtbot, workspace, made):
    dock = CaseDock(workspace)
    workspace.open(made / "case a", reader="Ada")
    session = workspace.session
    dock.close()
    dock.deleteLater()
    qtbot.wait(20)
    assert session.start_read()
    workspace.open_case("case b")


def test_names_are_text(qtbot):
    dialog = SignedDialog("<b>x</b>", "ab" * 32)
    qtbot.addWidget(dialog)
    assert "&lt;b>x" in dialog.layout().itemAt(0).widget().text()


def test_the_button_of_a_reason_needs_one(qtbot):
    dialog = ReasonDialog("Title", "Text", "Go")
    qtbot.addWidget(dialog)
    assert not dialog.go.isEnabled()
    dialog.reason.setPlainText("  \n")
    assert not dialog.go.isEnabled()
    dialog.reason.setPlainText(" torn ")
    assert dialog.go.isEnabled()
    assert dialog.text == "torn"
